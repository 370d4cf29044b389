/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/session.h — the user's terminal or pipes at one end, a container at the other. */
#ifndef MB_CMD_SESSION_H
#define MB_CMD_SESSION_H

#include <stdbool.h>
#include <stddef.h>

struct mb_container;
struct mb_container_session;
struct mb_err;

enum {
	MB_CMD_DETACHED = 1,
	MB_CMD_LOST, /* our own terminal has gone */
};

struct mb_cmd_session_options {
	bool sig_proxy;          /* signals that we get go to the container's process 1 */
	const char *detach_keys; /* "ctrl-p,ctrl-q"; NULL = that */
};

/* Are these options good?  To be asked before anything is started.  Return: 0; or -errno, told. */
int mb_cmd_session_check(const struct mb_cmd_session_options *options, struct mb_err *err);

/* Carry bytes, signals and window sizes until the container ends or the user detaches.
 * Return: 0 and its exit code; MB_CMD_DETACHED or _LOST and our own; or -errno.  The terminal is
 * as it was. */
int mb_cmd_session_run(struct mb_container *c, struct mb_container_session *session,
                       const struct mb_cmd_session_options *options, int *ret_code,
                       struct mb_err *err);

/* The same for a process whose console we hold ourselves (exec -t). */
int mb_cmd_console_run(int console_fd, int pidfd, const struct mb_cmd_session_options *options,
                       int *ret_code, struct mb_err *err);

/* Children that have our own descriptors: pass signals on, wait for all of them.  @ours: they are
 * in our process group, and get themselves what the terminal sends.  Exit codes as above. */
int mb_cmd_children_wait(const int *pidfds, size_t n, bool ours, int *ret_codes,
                         struct mb_err *err);
/* The same for one. */
int mb_cmd_child_wait(int pidfd, int *ret_code, struct mb_err *err);

#endif
