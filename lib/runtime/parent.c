/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two processes that outlive the setup: who becomes the parent, and the command. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sock.h"
#include "runtime/child.h"
#include "runtime/hooks.h"
#include "runtime/idmap.h"
#include "runtime/init/protocol.h"
#include "runtime/plan.h"
#include "runtime/report.h"
#include "sys/proc.h"

#ifndef PIDFD_GET_NET_NAMESPACE
#define PIDFD_GET_NET_NAMESPACE _IO(0xFF, 4) /* Linux 6.11 */
#endif

int mb_runtime_plan_new(const struct mb_runtime_request *req, struct mb_runtime_plan **ret_plan,
                        struct mb_err *err)
{
	struct mb_runtime_plan *plan = mb_calloc(1, sizeof(*plan));
	int r;

	mb_runtime_plan_init(plan);
	r = mb_runtime_plan_fill(plan, req, err);
	if (r == 0)
		r = mb_runtime_plan_open(plan, err);
	if (r == 0)
		*ret_plan = plan;
	else
		mb_runtime_plan_free(plan);
	return r;
}

void mb_runtime_plan_free(struct mb_runtime_plan *plan)
{
	if (!plan)
		return;
	mb_runtime_plan_done(plan);
	free(plan);
}

char *const *mb_runtime_plan_warnings(const struct mb_runtime_plan *plan)
{
	return plan->warnings.n ? plan->warnings.v : NULL;
}

/* ---- in the parent to be ---- */

/* What the parent takes on for its children, to return to its own when one is born: what it forks
 * later is not the container's. */
struct own_namespaces {
	int fd[MB_RUNTIME_MAX_NS]; /* of plan->joins[i], or -1 */
};

static int enter_for_birth(const struct mb_runtime_plan *plan, struct own_namespaces *own,
                           struct mb_err *err)
{
	for (size_t i = 0; i < MB_RUNTIME_MAX_NS; i++)
		own->fd[i] = -1;
	for (size_t i = 0; i < plan->n_joins; i++) {
		const struct mb_runtime_join *j = &plan->joins[i];
		int r;

		if (!mb_runtime_joins_at_birth(j))
			continue;
		r = mb_sys_proc_ns_open(0, j->flag == CLONE_NEWPID ? "pid" : "net", &own->fd[i],
		                        err);
		if (r == 0)
			r = mb_sys_proc_ns_join_fd(j->fd, j->flag, err);
		if (r < 0)
			return mb_wrap(err, r, "cannot join the %s namespace", j->type);
	}
	return 0;
}

static int return_from_birth(const struct mb_runtime_plan *plan, struct own_namespaces *own,
                             struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < plan->n_joins; i++) {
		if (own->fd[i] >= 0 && r == 0)
			r = mb_sys_proc_ns_join_fd(own->fd[i], plan->joins[i].flag, err);
		mb_close(&own->fd[i]);
	}
	return r;
}

static int clone_child(struct mb_runtime_plan *plan, pid_t *ret_pid, int *ret_pidfd,
                       struct mb_err *err)
{
	struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	struct own_namespaces own;
	int r, back;

	if (plan->joins_early)
		return mb_runtime_clone_between(plan, ret_pid, ret_pidfd, err);
	r = enter_for_birth(plan, &own, err);
	how.flags = plan->clone_flags;
	how.cgroup_fd = plan->req.join_slowly ? -1 : plan->cgroup.v2_fd;
	if (r == 0)
		r = mb_sys_proc_clone(&how, ret_pid, ret_pidfd, err);
	if (r == 0 && *ret_pid == 0)
		mb_runtime_child_run(plan);
	back = return_from_birth(plan, &own, r < 0 ? NULL : err);
	return r < 0 ? r : back;
}

/* The child reads this before it does anything; then the command learns that it exists. */
static int introduce(const struct mb_runtime_plan *plan, pid_t pid, int pidfd, struct mb_err *err)
{
	const struct mb_oci_linux *l = &plan->spec->linux;
	int r = 0;

	if (plan->has_new_userns) {
		MB_AUTO_RUNTIME_IDMAP struct mb_sys_id_maps maps = {0};

		mb_runtime_idmap_make(l->uid_mappings, l->n_uid_mappings, l->gid_mappings,
		                      l->n_gid_mappings, &maps);
		r = mb_sys_userns_map(&maps, pid, pidfd, err);
	}
	if (r == 0 && plan->has_userns)
		r = mb_runtime_limits_give(plan, pid, err);
	if (r < 0)
		return r;
	if (plan->has_userns) {
		r = mb_runtime_channel_send(plan->channel[0], MB_RUNTIME_MAPPED, -1, 0);
	}
	if (r == 0)
		r = mb_runtime_channel_send(plan->channel[1], MB_RUNTIME_CLONED, pidfd, pid);
	return r < 0 ? mb_fail_sys(err, -r, "cannot reach process 1's other end") : 0;
}

int mb_runtime_plan_clone(struct mb_runtime_plan *plan, pid_t *ret_pid, int *ret_pidfd,
                          struct mb_err *err)
{
	MB_AUTO_CLOSE int pidfd = -1;
	struct mb_err own = MB_ERR_INIT;
	pid_t pid = -1;
	int r = clone_child(plan, &pid, &pidfd, &own);

	if (r == 0)
		r = introduce(plan, pid, pidfd, &own);
	if (r < 0) {
		mb_runtime_channel_tell(plan->channel[1], MB_RUNTIME_FAILED, &own);
		if (pidfd >= 0)
			(void)mb_sys_proc_signal(pidfd, SIGKILL, NULL);
		if (err)
			*err = own;
		return r;
	}
	if (ret_pid)
		*ret_pid = pid;
	if (ret_pidfd)
		*ret_pidfd = mb_take_fd(&pidfd);
	return 0;
}

/* ---- in the command ---- */

/* Its own copy of process 1's end would hide the end of file.  So does one in the parent to be,
 * until its execve: the start is over when both have executed what they should. */
static void close_far_end(struct mb_runtime_plan *plan)
{
	mb_close(&plan->channel[1]);
	mb_close(&plan->birth[1]);
}

static int open_netns(const struct mb_runtime_plan *plan, int *ret_fd, struct mb_err *err)
{
	for (size_t i = 0; i < plan->n_joins; i++) {
		if (plan->joins[i].flag != CLONE_NEWNET)
			continue;
		*ret_fd = fcntl(plan->joins[i].fd, F_DUPFD_CLOEXEC, 3);
		return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot copy a descriptor") : 0;
	}
	if (!(plan->clone_flags & CLONE_NEWNET))
		return mb_sys_proc_ns_open(0, "net", ret_fd, err);
	*ret_fd = ioctl(plan->pidfd, PIDFD_GET_NET_NAMESPACE, 0);
	if (*ret_fd >= 0)
		return 0;
	if (mb_sys_proc_ns_open(plan->pid, "net", ret_fd, err) != 0)
		return mb_fail(err, ECHILD, "process 1 has ended");
	if (mb_sys_proc_signal(plan->pidfd, 0, err) == 0)
		return 0;
	mb_close(ret_fd);
	return mb_fail(err, ECHILD, "process 1 has ended");
}

/* It may have failed already: then what it told says more than that it is gone. */
static int explain(struct mb_runtime_plan *plan, int r, struct mb_err *err)
{
	struct mb_err told = MB_ERR_INIT;
	int reported = 0;

	while (reported == 0 && !plan->is_ended)
		reported = mb_runtime_report_read(plan, &told);
	if (reported == 0)
		return r;
	if (err)
		*err = told;
	return reported;
}

int mb_runtime_plan_await_ready(struct mb_runtime_plan *plan, struct mb_runtime_ready *ret,
                                struct mb_err *err)
{
	int netns_fd = -1, r = 0;

	close_far_end(plan);
	while (r == 0 && !plan->is_cloned && !plan->is_ended)
		r = mb_runtime_report_read(plan, err);
	if (r == 0 && !plan->is_cloned)
		r = mb_fail(err, ECHILD, "the container's first process could not be made");
	if (r < 0)
		return r;
	r = open_netns(plan, &netns_fd, err);
	if (r < 0)
		return explain(plan, r, err);
	ret->pid = plan->pid;
	ret->pidfd = mb_take_fd(&plan->pidfd);
	ret->netns_fd = netns_fd;
	return 0;
}

/* Process 1 has stopped before the change of its root, and goes on with its own hooks. */
static int run_hooks(struct mb_runtime_plan *plan, struct mb_err *err)
{
	int r = 0;

	while (r == 0 && !plan->is_settled && !plan->is_ended)
		r = mb_runtime_report_read(plan, err);
	if (r == 0 && plan->is_ended)
		r = mb_fail(err, ECHILD, "the container's first process died while being set up");
	if (r == 0)
		r = plan->req.settled(plan->req.settled_arg, err);
	if (r == 0)
		(void)mb_runtime_channel_send(plan->channel[0], MB_RUNTIME_HOOKED, -1, 0);
	return r;
}

int mb_runtime_plan_start(struct mb_runtime_plan *plan, struct mb_runtime_started *ret,
                          struct mb_err *err)
{
	int r;

	close_far_end(plan);
	if (plan->has_early_hooks) {
		r = run_hooks(plan, err);
		if (r < 0)
			return r;
	}
	/* A process that has failed already cannot be reached; what it told is read below.  Where
	 * it does not wait for this word it would find it in its way. */
	if (plan->req.start_fd < 0 || plan->sysctl_waits)
		(void)mb_runtime_channel_send(plan->channel[0], MB_RUNTIME_GO, -1, 0);
	do {
		r = mb_runtime_report_read(plan, err);
	} while (r == 0 && !plan->is_ended && !plan->is_created);
	if (r == 0 && !plan->is_executing && !plan->is_created)
		r = mb_fail(err, ECHILD, "the container's first process died while being set up");
	if (r == 0)
		ret->console_fd = mb_take_fd(&plan->console_fd);
	return r;
}

int mb_runtime_start(int connection, const struct mb_runtime_hook_state *state, struct mb_err *err)
{
	struct mb_runtime_plan plan;
	int r;

	mb_runtime_plan_init(&plan);
	plan.spec = state->spec;
	plan.process = state->spec->process;
	plan.req.id = state->id;
	plan.req.bundle = state->bundle;
	plan.status = state->status;
	plan.pid = state->pid;
	plan.channel[0] = connection;
	r = mb_runtime_channel_send(connection, MB_RUNTIME_GO, -1, 0);
	if (r < 0)
		r = mb_fail_sys(err, -r, "cannot reach the container's first process");
	while (r == 0 && !plan.is_ended)
		r = mb_runtime_report_read(&plan, err);
	if (r == 0 && !plan.is_executing)
		r = mb_fail(err, ECHILD, "the container's first process died before its start");
	plan.channel[0] = -1; /* the caller's */
	mb_runtime_plan_done(&plan);
	return r;
}
