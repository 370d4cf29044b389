/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/notify.h — --sdnotify: who tells systemd that a container has started. */
#ifndef MB_CMD_NOTIFY_H
#define MB_CMD_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

struct mb_cmd_context;
struct mb_container;
struct mb_container_session;
struct mb_err;

extern const char *const mb_cmd_notify_modes[];
enum mb_cmd_notify {
	MB_CMD_NOTIFY_CONTAINER, /* what it says itself is passed on */
	MB_CMD_NOTIFY_CONMON,    /* we, when it runs */
	MB_CMD_NOTIFY_HEALTHY,   /* we, when it is healthy */
	MB_CMD_NOTIFY_IGNORE,
};

/* $NOTIFY_SOCKET for the container; NULL: it gets none. */
const char *mb_cmd_notify_socket(const struct mb_cmd_context *cx, int mode);
/* Before it is started: HEALTHY wants a health check. */
int mb_cmd_notify_check(const struct mb_container *c, int mode, struct mb_err *err);
/* It has been started.  @detached: its monitor, which stays, is the service's main process, and
 * ends with the container's exit code.  Waits until it is healthy where that is asked for.
 * Return: 0; an exit code, told; or -errno. */
int mb_cmd_notify_started(const struct mb_cmd_context *cx, struct mb_container *c, int mode,
                          bool detached, struct mb_err *err);
/* The same of one in the foreground, whose session cannot wait: its output is to be taken, or it
 * may never get well.  Failures are told here.
 * Return: for _end(), when the session is over. */
pid_t mb_cmd_notify_begin(const struct mb_cmd_context *cx, struct mb_container *c, int mode,
                          struct mb_container_session *session);
void mb_cmd_notify_end(pid_t pid);

#endif
