/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/top.h"

#include <errno.h>

#include "container/cgroup_of.h"
#include "container/container.h"
#include "container/event.h"
#include "container/life.h"
#include "core/err.h"
#include "sys/ps.h"

int mb_container_top(struct mb_container *c, struct mb_strv *out, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cgroup = NULL;
	MB_AUTO_FREE pid_t *pids = NULL;
	size_t n;
	int r;

	if (!mb_container_is_running(c)) {
		mb_fail(err, ESRCH, "Container %s is not running", c->id);
		return MB_CONTAINER_NOT_RUNNING;
	}
	r = mb_container_cgroup_open(c, &host, &cgroup, err);
	if (r != 0)
		return r < 0 ? r : mb_fail(err, ENOENT, "its control group is gone");
	r = mb_sys_cgroup_pids(cgroup, &pids, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		mb_sys_ps_add(pids[i], out);
	if (r == 0)
		mb_container_event(c, "top");
	return r;
}
