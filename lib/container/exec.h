/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/exec.h — one more process in a running container. */
#ifndef MB_CONTAINER_EXEC_H
#define MB_CONTAINER_EXEC_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/id.h"
#include "core/strv.h"

struct mb_container;
struct mb_err;

struct mb_container_exec_request {
	struct mb_strv args, env; /* borrowed */
	const char *user, *workdir;
	bool tty, privileged, detach;
	bool silent;  /* no events: a health check */
	int stdio[3]; /* handed to the process as they are; -1 = /dev/null */
};

struct mb_container_exec {
	pid_t pid;
	int pidfd;           /* the process, a child of the caller */
	int console_fd;      /* with tty */
	int guard;           /* connection to the monitor: while it is open and not released, the
	                      * caller's death kills what it started */
	int cgroup_fd;       /* of the container; -1 when there is no cgroup2 */
	char name[32];       /* of the exec's own group below it */
	char id[MB_ID_TEXT]; /* in events; "" when silent */
};
#define MB_CONTAINER_EXEC_INIT \
	((struct mb_container_exec){.pidfd = -1, .console_fd = -1, .guard = -1, .cgroup_fd = -1})

/* Return: 0 once it runs; MB_CONTAINER_NOT_RUNNING, told; or -errno, told, and *@ret_code is the
 * exit code that fits: 126, 127 or 1. */
int mb_container_exec(struct mb_container *c, const struct mb_container_exec_request *request,
                      struct mb_container_exec *ret, int *ret_code, struct mb_err *err);
/* The same of one that is detached (.detach is set, without a terminal): it is the monitor's child,
 * so that its end is told. */
int mb_container_exec_aside(struct mb_container *c, const struct mb_container_exec_request *request,
                            int *ret_code, struct mb_err *err);
/* What the monitor has done for that: read what is asked from @in_fd, answer on @out_fd. */
int mb_container_exec_serve(struct mb_container *c, int in_fd, int out_fd, struct mb_err *err);
/* It shall go on without us, with its terminal: the container's monitor keeps it from now on, and
 * tells of its end.  Return: 0; or -errno, told: it will be hung up. */
int mb_container_exec_leave(struct mb_container *c, struct mb_container_exec *exec,
                            struct mb_err *err);
/* It has ended (or shall go on without us): let go of it. */
void mb_container_exec_done(struct mb_container_exec *exec);

#endif
