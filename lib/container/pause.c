/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/pause.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "container/cgroup_of.h"
#include "container/container.h"
#include "container/event.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "store/doc.h"
#include "sys/proc.h"

#define MARK "paused"

enum { FREEZE_MSEC = 10000 };

/* Whole or not there: half a mark would be a pause of the user's. */
static int mark(struct mb_container *c, const char *who, struct mb_err *err)
{
	int r = mb_store_file_write(c->run_fd, MARK, who, strlen(who), MB_DOC_REPLACE, err);

	return r < 0 ? mb_wrap(err, r, "cannot mark the pause") : 0;
}

static int unmark(struct mb_container *c, struct mb_err *err)
{
	if (unlinkat(c->run_fd, MARK, 0) < 0 && errno != ENOENT)
		return mb_fail_sys(err, errno, "cannot unmark the pause");
	return 0;
}

/* Marked first when it stops, last when it goes on: never running and marked for long. */
static int set(struct mb_container *c, bool pause, const char *who, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cgroup = NULL;
	int r = mb_container_cgroup_open(c, &host, &cgroup, err);

	if (r != 0)
		return r < 0 ? r : mb_fail(err, ENOENT, "its control group is gone");
	if (pause)
		r = mark(c, who, err);
	if (r == 0)
		r = mb_sys_cgroup_freeze(cgroup, pause, FREEZE_MSEC, err);
	if (r == 0 && !pause)
		r = unmark(c, err);
	if (r < 0 && pause) {
		mb_sys_cgroup_freeze(cgroup, false, FREEZE_MSEC, NULL);
		unmark(c, NULL);
	}
	if (r == 0)
		mb_container_event(c, pause ? "pause" : "unpause");
	mb_container_refresh(c);
	return r;
}

int mb_container_pause(struct mb_container *c, bool pause, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_container_lock(c, &lock, err);

	if (r != 0)
		return r < 0 ? r : -ENOENT;
	if (!mb_container_is_running(c))
		return mb_fail(err, ESRCH, "Container %s is not running", mb_container_name(c));
	if (c->state.status == MB_STATUS_RESTARTING)
		return mb_fail(err, EBUSY,
		               "Container %s is restarting, wait until the container is running",
		               c->id);
	if (pause == (c->state.status == MB_STATUS_PAUSED))
		return mb_fail(err, EINVAL, "Container %s is %s paused", mb_container_name(c),
		               pause ? "already" : "not");
	return set(c, pause, "", err);
}

int mb_container_pause_begin(struct mb_container *c, bool *ret_held, struct mb_err *err)
{
	struct mb_sys_proc_id id;
	char who[64];
	int r;

	*ret_held = false;
	if (c->state.status != MB_STATUS_RUNNING || !c->state.has_run)
		return 0;
	r = mb_sys_proc_id_read(getpid(), &id, err);
	if (r != 0)
		return r < 0 ? r : mb_fail(err, ESRCH, "cannot find this process in /proc");
	snprintf(who, sizeof(who), "%d %llu\n", (int)id.pid, (unsigned long long)id.start);
	r = set(c, true, who, err);
	*ret_held = r == 0;
	return r;
}

int mb_container_pause_end(struct mb_container *c, struct mb_err *err)
{
	mb_container_refresh(c);
	/* It was killed meanwhile. */
	if (c->state.status != MB_STATUS_PAUSED)
		return 0;
	return set(c, false, NULL, err);
}

int mb_container_pause_mend(struct mb_container *c, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r;

	if (!c->state.pause_lost)
		return 0;
	r = mb_container_lock(c, &lock, err);
	if (r != 0 || !c->state.pause_lost)
		return r < 0 ? r : 0;
	r = set(c, false, NULL, err);
	return r < 0 ? mb_wrap(err, r, "container '%s' cannot go on", mb_container_name(c)) : 0;
}
