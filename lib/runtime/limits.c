/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process may use: rlimits, its place before the OOM killer, its attributes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "runtime/child.h"
#include "runtime/init/protocol.h"
#include "runtime/plan.h"
#include "sys/mount.h"

/* A hard limit can be raised only by who has CAP_SYS_RESOURCE, which a nested or a restricted
 * root has not: it gets what there is, and is told. */
static int clamp(const struct mb_runtime_rlimit *l, int channel, struct mb_err *err)
{
	struct rlimit now, wanted;
	struct mb_err warning = MB_ERR_INIT;

	if (getrlimit((__rlimit_resource_t)l->resource, &now) < 0)
		return mb_fail_sys(err, errno, "cannot read %s", l->name);
	wanted.rlim_max = l->hard < now.rlim_max ? l->hard : now.rlim_max;
	wanted.rlim_cur = l->soft < wanted.rlim_max ? l->soft : wanted.rlim_max;
	if (setrlimit((__rlimit_resource_t)l->resource, &wanted) < 0)
		return mb_fail_sys(err, errno, "cannot set %s", l->name);
	mb_fail(&warning, EPERM, "%s stays at %llu: raising it needs CAP_SYS_RESOURCE", l->name,
	        (unsigned long long)wanted.rlim_max);
	mb_runtime_channel_tell(channel, MB_RUNTIME_WARNING, &warning);
	return 0;
}

int mb_runtime_rlimits_apply(const struct mb_runtime_rlimit *limits, size_t n, int channel,
                             struct mb_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct mb_runtime_rlimit *l = &limits[i];
		const struct rlimit wanted = {l->soft, l->hard};
		int r = 0;

		if (setrlimit((__rlimit_resource_t)l->resource, &wanted) == 0)
			continue;
		if (errno != EPERM)
			r = mb_fail_sys(err, errno, "cannot set %s", l->name);
		else
			r = clamp(l, channel, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_score(int fd, int score, struct mb_err *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", score);

	if (write(fd, text, (size_t)n) < 0)
		return mb_fail_sys(err, errno, "cannot set the OOM score to %s", text);
	return 0;
}

int mb_runtime_oom_write(int proc_fd, const struct mb_oci_process *process, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;

	if (!process->has_oom_score_adj)
		return 0;
	fd = openat(proc_fd, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open 'oom_score_adj'");
	return write_score(fd, process->oom_score_adj, err);
}

/* A limit that we cannot raise either is process 1's to clamp, and to warn of. */
int mb_runtime_limits_give(const struct mb_runtime_plan *plan, pid_t pid, struct mb_err *err)
{
	const struct mb_oci_process *process = plan->process;
	int r = 0;

	for (size_t i = 0; i < plan->n_rlimits; i++) {
		const struct mb_runtime_rlimit *l = &plan->rlimits[i];
		const struct rlimit wanted = {l->soft, l->hard};

		if (prlimit(pid, (__rlimit_resource_t)l->resource, &wanted, NULL) < 0 &&
		    errno != EPERM)
			return mb_fail_sys(err, errno, "cannot set %s", l->name);
	}
	if (process->has_oom_score_adj) {
		MB_AUTO_FREE char *path = mb_asprintf("/proc/%d/oom_score_adj", pid);
		MB_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

		r = fd < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", path)
		           : write_score(fd, process->oom_score_adj, err);
	}
	return r < 0 ? r : mb_runtime_attributes_apply_to(&plan->attributes, pid, err);
}

int mb_runtime_limits_set(struct mb_runtime_child *c, struct mb_err *err)
{
	const struct mb_runtime_plan *plan = c->plan;
	const bool given = plan->has_userns; /* by the parent */
	MB_AUTO_CLOSE int own_fd = -1;
	int r = 0;

	if (!given && plan->process->has_oom_score_adj && c->proc_fd < 0)
		r = mb_sys_mount_proc(true, NULL, &own_fd, err);
	if (r == 0 && !given)
		r = mb_runtime_oom_write(c->proc_fd < 0 ? own_fd : c->proc_fd, plan->process, err);
	if (r == 0 && !given)
		r = mb_runtime_attributes_apply_to(&plan->attributes, 0, err);
	if (r == 0)
		r = mb_runtime_attributes_apply_own(&plan->attributes, err);
	/* Last, as one of them is how many files may be open. */
	if (r == 0)
		r = mb_runtime_rlimits_apply(plan->rlimits, plan->n_rlimits, c->channel, err);
	return r;
}
