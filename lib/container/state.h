/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/state.h — what is true of one container now.
 *
 * RUN/c/ID/state.json is written by the command that started it and is gone with the boot;
 * ROOT/containers/ID/exit.json is written by the monitor when it ended (beside state.json when
 * the disk takes no more: then that one counts).  Whether it runs is asked of the kernel: a
 * process is the one that was started if its start time is the same.
 */
#ifndef MB_CONTAINER_STATE_H
#define MB_CONTAINER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strv.h"

struct mb_err;

enum mb_container_status {
	MB_STATUS_CREATED,
	MB_STATUS_RUNNING,
	MB_STATUS_PAUSED,
	MB_STATUS_RESTARTING,
	MB_STATUS_EXITED,
	MB_STATUS_REMOVING,
	MB_STATUS_DEAD, /* its documents cannot be read */
	MB_STATUS_N_,
};

/* docker's words: created running paused restarting exited removing dead. */
const char *mb_container_status_name(enum mb_container_status status);

struct mb_container_published { /* one port as it is published */
	char *container_port;   /* "80/tcp" */
	char *host_ip, *host_port;
};

struct mb_container_run { /* RUN/c/ID/state.json */
	int pid, monitor;
	uint64_t pid_start, monitor_start; /* clock ticks since boot */
	int64_t started;                   /* ns since 1970 */
	int64_t ended_before;              /* when the run before this one ended; 0: none did */
	int restart_count;
	char *cgroup; /* its path as lib/sys/cgroup.h knows it */
	struct mb_container_published *ports;
	size_t n_ports;
};

struct mb_container_exit { /* ROOT/containers/ID/exit.json */
	int exit_code;
	bool oom_killed;
	int64_t started, finished; /* ns since 1970 */
	int restarts, backoff_ms;
	bool restarting;                      /* its monitor waits, then starts it again */
	bool failed_start;                    /* it never ran: docker calls it created */
	uint64_t dropped_bytes, unsent_bytes; /* of output: struct mb_container_lost */
	bool stop_requested; /* the user ended it: unless-stopped stays down after a reboot */
	char *error;
};

struct mb_container_state {
	enum mb_container_status status;
	bool has_run, has_exit;
	struct mb_container_run run;   /* valid while has_run */
	struct mb_container_exit exit; /* valid while has_exit */
	bool monitor_lost;             /* it runs, its monitor does not */
	bool pause_lost;               /* who paused it for a while (pause.h) lives no more */
	bool monitored;                /* it does not run, and its monitor has yet to leave */
	char *error;                   /* why it is dead */
};
void mb_container_state_done(struct mb_container_state *state);

/* Read what is true.  @dir_fd is the container's in ROOT, @run_fd its in RUN or -1.  A document
 * that cannot be read makes it MB_STATUS_DEAD with the reason in error; the function itself does
 * not fail. */
void mb_container_state_load(int dir_fd, int run_fd, struct mb_container_state *ret);

/* The same of one that was seen to have no directory in RUN, by the @path of its exit.json below
 * @base_fd.  Return: whether that is the whole truth.  It is not if the document cannot be read,
 * or tells of no end: then a start may have come between. */
bool mb_container_state_load_idle(int base_fd, const char *path, struct mb_container_state *ret);

int mb_container_run_save(int run_fd, const struct mb_container_run *run, struct mb_err *err);
/* Whether a power cut has left the name of a document that is not synced, and not its bytes. */
bool mb_container_doc_was_cut(int dir_fd, const char *name);
/* What is said of an end that nobody saw; ended with mb_strset(&ret->error, NULL). */
void mb_container_exit_lost(struct mb_container_exit *ret, int64_t started);
int mb_container_exit_save(int dir_fd, const struct mb_container_exit *ended, struct mb_err *err);
/* Bring one that was left in RUN to its place.  Return: 0; or -errno, nothing told. */
int mb_container_exit_settle(int dir_fd, int run_fd);

#endif
