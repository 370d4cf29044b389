/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joining control groups and namespaces, and what belongs to a namespace: names. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "runtime/child.h"
#include "runtime/plan.h"
#include "sys/cgroup.h"
#include "sys/proc.h"

int mb_runtime_cgroup_join(struct mb_runtime_child *c, struct mb_err *err)
{
	static const struct mb_runtime_cpus any;
	int r = c->plan->req.join_slowly ? mb_sys_cgroup_join_self_slowly(&c->plan->cgroup)
	                                 : mb_sys_cgroup_join_self(&c->plan->cgroup);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot join the control group");
	return mb_runtime_cpus_apply(&any, err);
}

/* The pid namespace was joined by our parent, for it takes effect at birth only.  A new cgroup
 * namespace comes last: its root is where the process is. */
int mb_runtime_namespaces_enter(struct mb_runtime_child *c, struct mb_err *err)
{
	const struct mb_runtime_plan *plan = c->plan;

	for (size_t i = 0; i < plan->n_joins; i++) {
		const struct mb_runtime_join *j = &plan->joins[i];
		int r = j->flag == CLONE_NEWPID ? 0 : mb_sys_proc_ns_join_fd(j->fd, j->flag, err);

		if (r < 0)
			return mb_wrap(err, r, "cannot join the %s namespace", j->type);
	}
	if (plan->has_new_cgroupns && unshare(CLONE_NEWCGROUP) < 0)
		return mb_fail_sys(err, errno, "cannot make a cgroup namespace");
	return 0;
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
