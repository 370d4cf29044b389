/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/started.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/container.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "monitor/client.h"
#include "sys/proc.h"

enum {
	TRIES = 500, /* to find its monitor, when one goes and another comes */
	TRY_USEC = 10000,
};

bool mb_container_has_process(const struct mb_container *c)
{
	return c->state.has_run &&
	       (c->state.status == MB_STATUS_RUNNING || c->state.status == MB_STATUS_PAUSED);
}

/* The monitor serves nobody before process 1 runs its program: its answer says so. */
static int ask_monitor(const struct mb_container *c, struct mb_err *err)
{
	struct mb_monitor_info info;
	MB_AUTO_CLOSE int sock = -1;
	int r = mb_monitor_connect(c->run_fd, &sock, err);

	return r == 0 ? mb_monitor_info(sock, &info, err) : r;
}

int mb_container_started_await(struct mb_container *c, struct mb_err *err)
{
	for (int i = 0; i < TRIES && mb_container_has_process(c); i++) {
		int r = ask_monitor(c, err);

		if (r != MB_MONITOR_GONE)
			return r;
		/* It may have ended with the container.  The caller may have the lock of another
		 * container, so nobody's is waited for. */
		usleep(i ? TRY_USEC : 0);
		mb_container_adopt_seen(c);
		mb_container_refresh(c);
	}
	if (mb_container_has_process(c))
		return mb_fail(err, EBUSY, "container '%s' has no monitor", mb_container_name(c));
	mb_fail(err, ESRCH, "Container %s is not running", c->id);
	return MB_CONTAINER_NOT_RUNNING;
}

bool mb_container_is_our_root(int root_fd)
{
	struct stat its, ours;

	return fstat(root_fd, &its) < 0 || stat("/", &ours) < 0 ||
	       (its.st_dev == ours.st_dev && its.st_ino == ours.st_ino);
}

/* The number may be another's by now: what was opened counts if it is not. */
int mb_container_started_root(const struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	const struct mb_sys_proc_id id = {.pid = c->state.run.pid, .start = c->state.run.pid_start};
	MB_AUTO_CLOSE int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/root", (int)id.pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !mb_sys_proc_id_is_running(&id))
		return mb_fail(err, ESRCH, "it does not run any more");
	/* The last wall: what has not turned its back on the host's root yet is no container's. */
	if (mb_container_is_our_root(fd))
		return mb_fail(err, EBUSY, "it has no root of its own");
	*ret_fd = mb_take_fd(&fd);
	return 0;
}
