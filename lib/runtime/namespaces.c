/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joining control groups and namespaces, and what belongs to a namespace: names. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "runtime/child.h"
#include "runtime/plan.h"
#include "sys/cgroup.h"
#include "sys/proc.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

int mb_runtime_cgroup_join(struct mb_runtime_child *c, struct mb_err *err)
{
	static const struct mb_runtime_cpus any;
	int r = c->plan->req.join_slowly ? mb_sys_cgroup_join_self_slowly(&c->plan->cgroup)
	                                 : mb_sys_cgroup_join_self(&c->plan->cgroup);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot join the control group");
	/* Ten of them, maybe: a limit of open files counts from the lowest. */
	for (int i = 0; i < c->plan->cgroup.n_tasks_fds; i++)
		close(c->plan->cgroup.tasks_fds[i]);
	return mb_runtime_cpus_apply(&any, err);
}

/* Membership of a pid namespace begins at birth, so the parent joins it; and a network namespace
 * that was made for us, so that nobody who looks at us ever finds us in the host's. */
bool mb_runtime_joins_at_birth(const struct mb_runtime_join *j)
{
	return j->flag == CLONE_NEWPID || (j->flag == CLONE_NEWNET && !j->path);
}

/* A new cgroup namespace comes last: its root is where the process is. */
int mb_runtime_namespaces_enter(struct mb_runtime_child *c, struct mb_err *err)
{
	const struct mb_runtime_plan *plan = c->plan;

	for (size_t i = 0; !plan->joins_early && i < plan->n_joins; i++) {
		const struct mb_runtime_join *j = &plan->joins[i];
		int r = mb_runtime_joins_at_birth(j) ? 0
		                                     : mb_sys_proc_ns_join_fd(j->fd, j->flag, err);

		if (r < 0)
			return mb_wrap(err, r, "cannot join the %s namespace", j->type);
	}
	if (plan->has_new_cgroupns && unshare(CLONE_NEWCGROUP) < 0)
		return mb_fail_sys(err, errno, "cannot make a cgroup namespace");
	return 0;
}

/* ---- born between ---- */

struct birth {
	struct mb_runtime_plan *plan;
	pid_t *pid; /* shared with the caller */
};

static int join_kinds(const struct mb_runtime_plan *plan, int kinds, struct mb_err *err)
{
	for (size_t i = 0; i < plan->n_joins; i++) {
		const struct mb_runtime_join *j = &plan->joins[i];
		int r = 0;

		if (j->flag & kinds)
			r = mb_sys_proc_ns_join_fd(j->fd, j->flag, err);
		if (r < 0)
			return mb_wrap(err, r, "cannot join the %s namespace", j->type);
	}
	return 0;
}

/* Clocks can be set only before somebody is in the namespace: now, for our children. */
static int make_clocks(const struct mb_oci_linux *l, struct mb_err *err)
{
	if (unshare(CLONE_NEWTIME) < 0)
		return mb_fail_sys(err, errno, "cannot make a time namespace");
	for (size_t i = 0; i < l->n_time_offsets; i++) {
		const struct mb_oci_time_offset *t = &l->time_offsets[i];
		MB_AUTO_FREE char *line =
			mb_asprintf("%s %lld %u\n", t->clock, (long long)t->secs, t->nanosecs);
		int r = mb_write_kernel_file(AT_FDCWD, "/proc/self/timens_offsets", line);

		if (r < 0)
			return mb_fail_sys(err, -r, "cannot set 'linux.timeOffsets.%s'", t->clock);
	}
	return 0;
}

/* What belongs to the host is joined with the host's privileges, so the user namespace is last;
 * what is new after it belongs to it.  Before that, the host's files are left; and the host's
 * groups, for that namespace may forbid to. */
static int give_birth(void *arg, int *fd, struct mb_err *err)
{
	const struct birth *b = arg;
	struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	pid_t pid = -1;
	int r = join_kinds(b->plan, ~(CLONE_NEWUSER | CLONE_NEWNS), err);

	if (r == 0 && b->plan->has_new_timens)
		r = make_clocks(&b->plan->spec->linux, err);
	if (r == 0)
		r = join_kinds(b->plan, CLONE_NEWNS, err);
	(void)setgroups(0, NULL); /* whether they are gone is seen when the credentials are set */
	if (r == 0)
		r = join_kinds(b->plan, CLONE_NEWUSER, err);
	if (r < 0)
		return r;
	how.flags = b->plan->clone_flags | CLONE_PARENT;
	how.cgroup_fd = b->plan->cgroup.v2_fd;
	how.exit_signal = -1; /* ours, as we are a brother */
	r = mb_sys_proc_clone(&how, &pid, fd, err);
	if (r == 0 && pid == 0)
		mb_runtime_child_run(b->plan);
	*b->pid = pid;
	return r;
}

int mb_runtime_clone_between(struct mb_runtime_plan *plan, pid_t *ret_pid, int *ret_pidfd,
                             struct mb_err *err)
{
	struct birth b = {.plan = plan};
	int r;

	b.pid = mmap(NULL, sizeof(*b.pid), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	             0);
	if (b.pid == MAP_FAILED)
		return mb_fail_sys(err, errno, "cannot map memory");
	r = mb_sys_proc_call(give_birth, &b, ret_pidfd, err);
	*ret_pid = *b.pid;
	munmap(b.pid, sizeof(*b.pid));
	return r;
}

static bool has_uts(const struct mb_runtime_plan *plan)
{
	if (plan->clone_flags & CLONE_NEWUTS)
		return true;
	for (size_t i = 0; i < plan->n_joins; i++) {
		if (plan->joins[i].flag == CLONE_NEWUTS)
			return true;
	}
	return false;
}

int mb_runtime_hostname_set(struct mb_runtime_child *c, struct mb_err *err)
{
	const char *host = c->plan->spec->hostname, *domain = c->plan->spec->domainname;

	if ((!host || !host[0]) && (!domain || !domain[0]))
		return 0;
	if (!has_uts(c->plan))
		return mb_fail(err, EINVAL, "a host name needs a uts namespace");
	if (host && host[0] && sethostname(host, strlen(host)) < 0)
		return mb_fail_sys(err, errno, "cannot set the host name '%s'", host);
	if (domain && domain[0] && setdomainname(domain, strlen(domain)) < 0)
		return mb_fail_sys(err, errno, "cannot set the domain name '%s'", domain);
	return 0;
}
