/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/life.h — what happens to a container: start, stop, kill, pause, remove.
 *
 * Functions that change it take its lock themselves, unless they say that the caller has it.
 */
#ifndef MB_CONTAINER_LIFE_H
#define MB_CONTAINER_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/strv.h"

struct mb_container;
struct mb_container_exit;
struct mb_err;
struct mb_net;

enum {
	MB_CONTAINER_NOT_RUNNING = 16, /* told: "Container x is not running" */
	MB_CONTAINER_RUNNING,          /* told: it runs, and must not */
	MB_CONTAINER_MONITORED,        /* somebody else gave it a monitor */
};

/* --- start ------------------------------------------------------------------------------------ */

/* The caller's place at a container that it started or attached to. */
struct mb_container_session {
	int sock;     /* to the monitor; OUTPUT and EXIT come here (monitor/client.h) */
	int stdin_fd; /* write end, or console master when tty; -1: no input */
	int pidfd;    /* of process 1 */
	int rest[2];  /* its stdout and stderr, for what no monitor has read; -1 when not ours */
	unsigned streams; /* as it was attached */
	bool tty;
	bool cleans; /* the caller promised mb_container_finish() after EXIT */
};
#define MB_CONTAINER_SESSION_INIT \
	((struct mb_container_session){.sock = -1, .stdin_fd = -1, .pidfd = -1, .rest = {-1, -1}})
void mb_container_session_done(struct mb_container_session *session);
/* The connection to the monitor ended before it told an exit: it was killed.  The container gets
 * another, and we are at our place again, without a gap when we are the one who sees to it.
 * Return: 0; MB_CONTAINER_NOT_RUNNING: it has ended, *@ret_code is set (255, told, where the kernel
 * cannot tell it), and .rest may hold output; or -errno. */
int mb_container_session_recover(struct mb_container *c, struct mb_container_session *session,
                                 int *ret_code, struct mb_err *err);

struct mb_container_start {
	unsigned streams;        /* MB_MONITOR_STDOUT | _STDERR to attach to */
	bool attach, want_stdin; /* attach: *ret_session is filled */
	bool restart;            /* by the monitor's policy: counts on */
	bool tied;               /* attach: it is killed when the caller is gone */
	const char *notify;      /* systemd's socket, by which the container may speak; or NULL */
	struct mb_strv warnings; /* out: lines for the user */
	int exit_code;           /* out, on failure: 125, 126 or 127 */
};

/* Start it.  One that runs already is a success without effect (0, no session).  Signals that would
 * end the caller wait (sys/interrupt.h): they undo the start, or come when it is over; with a
 * session they stay blocked, for it to pass on.
 * Return: 0; or -errno, told: nothing of the start is left but its reason. */
int mb_container_start(struct mb_container *c, struct mb_container_start *how,
                       struct mb_container_session *ret_session, struct mb_err *err);

/* foreign.c: a program did not start, for @r: if it is one of another machine, @err says what is
 * missing here.  Return: @r. */
int mb_container_explain_for(const char *architecture, int r, struct mb_err *err);
int mb_container_explain(const struct mb_container *c, int r, struct mb_err *err);

/* Those that it requires, and whom they require, before it.  No lock is held. */
int mb_container_start_required(struct mb_container *c, struct mb_err *err);

/* --- end -------------------------------------------------------------------------------------- */

/* Undo what a run has left outside of it (network, cgroup, RUN/c/ID), and remove it if it was
 * started with --rm.  For the monitor (__cleanup) and whoever took over from it.  Does nothing
 * to one that runs. */
int mb_container_finish(struct mb_container *c, struct mb_err *err);

/* Send a signal; SIGKILL returns when it has ended.  Return: 0; MB_CONTAINER_NOT_RUNNING, told; or
 * -errno. */
int mb_container_kill(struct mb_container *c, int sig, struct mb_err *err);
/* The stop signal, then SIGKILL after @timeout seconds (-1 = never); returns when it has ended.
 * One that does not run is a success.  @sig 0 = its own. */
int mb_container_stop(struct mb_container *c, int sig, int64_t timeout, struct mb_err *err);
/* Stop it if it runs, and start it.  One that is removed at its end (--rm) stays. */
int mb_container_restart(struct mb_container *c, int sig, int64_t timeout,
                         struct mb_container_start *how, struct mb_err *err);
/* Wait until it ends.  Return: 0 and the exit; or -errno. */
int mb_container_wait(struct mb_container *c, int *ret_code, struct mb_err *err);
/* Its own stop signal and timeout. */
int mb_container_stop_signal(const struct mb_container *c);
int64_t mb_container_stop_timeout(const struct mb_container *c);

int mb_container_pause(struct mb_container *c, bool pause, struct mb_err *err);
/* Return: 0; MB_CONTAINER_RUNNING, told, without @force; or -errno. */
int mb_container_remove(struct mb_container *c, bool force, bool volumes, struct mb_err *err);
int mb_container_rename(struct mb_container *c, const char *name, struct mb_err *err);

/* What is due of its leases is done, and its monitor told; one that has ended has none. */
int mb_container_leases_keep(struct mb_container *c, struct mb_err *err);
/* It joined a network or, @left_id, left one: its resolver answers accordingly. */
int mb_container_network_changed(struct mb_container *c, struct mb_net *net, const char *left_id,
                                 struct mb_err *err);

/* --- attach ----------------------------------------------------------------------------------- */

/* Attach to one that runs.  Return: 0; MB_CONTAINER_NOT_RUNNING, told; or -errno. */
int mb_container_attach(struct mb_container *c, unsigned streams, bool want_stdin,
                        struct mb_container_session *ret, struct mb_err *err);

/* --- within the folder ------------------------------------------------------------------------ */

/* The caller has the lock. */
int mb_container_cleanup_locked(struct mb_container *c, struct mb_err *err);
/* The same, but RUN/c/ID stays as it is: whoever looks sees no gap between two runs. */
int mb_container_clear_locked(struct mb_container *c, struct mb_err *err);
int mb_container_start_locked(struct mb_container *c, struct mb_container_start *how,
                              struct mb_container_session *ret_session, struct mb_err *err);
int mb_container_remove_locked(struct mb_container *c, bool volumes, struct mb_err *err);
/* A container whose monitor died gets a new one, and one that was paused for a command that died
 * goes on.  Does nothing when it is not so. */
int mb_container_adopt(struct mb_container *c, struct mb_err *err);
/* For commands that only look, when they have told what they saw: a monitor is given to @seen if it
 * was without, and if that can be done without waiting for another command.  Nothing is told, and
 * what @seen holds stays as it is. */
void mb_container_adopt_seen(const struct mb_container *seen);
/* The same, and @session is its foreground.  Return: 0; MB_CONTAINER_MONITORED: it has one, that of
 * another; or -errno. */
int mb_container_adopt_for(struct mb_container *c, struct mb_container_session *session,
                           struct mb_err *err);
/* For those who watch @c by its monitor and saw that end: was it killed, it gets another.
 * Return: 0 and *@ret_pidfd, of the monitor that the same run has now; MB_CONTAINER_NOT_RUNNING,
 * nothing told: the run is over; or -errno. */
int mb_container_monitor_again(struct mb_container *c, int *ret_pidfd, struct mb_err *err);

#endif
