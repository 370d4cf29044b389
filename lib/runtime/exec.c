/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another process in a running container.
 *
 * Three processes: the command; the joiner, which enters the container's namespaces, takes on
 * the credentials and executes the init stub, but stays in the command's pid namespace; and what
 * the stub then forks as a child of the command.  Only the last one is visible in the container,
 * and it never had anything of mybox in its memory, its descriptors or its executable: there is
 * nothing to attach to, however privileged the container is.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "runtime/child.h"
#include "runtime/init/blob.h"
#include "runtime/init/protocol.h"
#include "runtime/label.h"
#include "runtime/plan.h"
#include "runtime/report.h"
#include "runtime/seccomp.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"
#include "sys/seal.h"

struct joiner {
	const struct mb_runtime_exec_request *req;
	const struct mb_runtime_plan *plan;
	int channel, root_fd, tty_fd, proc_fd;
	char program[PATH_MAX];
};

/* ---- the joiner ---- */

/* Where it runs is said for before and after. */
static int join_cgroup(struct joiner *j, struct mb_err *err)
{
	const struct mb_runtime_attributes *a = &j->plan->attributes;
	int r = a->initial_cpus.is_set ? mb_runtime_cpus_apply(&a->initial_cpus, err) : 0;

	if (r < 0)
		return r;
	r = j->req->join_slowly ? mb_sys_cgroup_join_self_slowly(&j->plan->cgroup)
	                        : mb_sys_cgroup_join_self(&j->plan->cgroup);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot join the control group");
	return a->final_cpus.is_set || !a->initial_cpus.is_set
	               ? mb_runtime_cpus_apply(&a->final_cpus, err)
	               : 0;
}

static int prepare(struct joiner *j, struct mb_err *err)
{
	MB_AUTO_CLOSE int proc_fd = -1;
	int r;

	close(j->plan->channel[0]);
	mb_sys_proc_reset_signals();
	r = mb_sys_seal_undumpable(err);
	if (r < 0)
		return r;
	if (j->req->process->has_oom_score_adj) { /* of the host, while it is in sight */
		proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = mb_runtime_oom_write(proc_fd, j->req->process, err);
	}
	if (r == 0)
		r = join_cgroup(j, err);
	if (r == 0 && j->plan->label_by_file)
		r = mb_sys_mount_proc(true, NULL, &j->proc_fd, err);
	return r;
}

static int join(struct joiner *j, struct mb_err *err)
{
	const struct mb_oci_linux *l = &j->req->spec->linux;
	int flags = 0, r;

	for (size_t i = 0; i < l->n_namespaces; i++) {
		int flag = 0;

		if (mb_sys_proc_ns_flag(l->namespaces[i].type, &flag) < 0)
			return mb_fail(err, EINVAL, "unknown namespace '%s'",
			               l->namespaces[i].type);
		flags |= flag;
	}
	/* There it may be forbidden; whether they are gone is seen when the credentials are set. */
	if (flags & CLONE_NEWUSER)
		(void)setgroups(0, NULL);
	r = mb_sys_proc_ns_join(j->req->pidfd, flags, err);
	if (r == MB_SYS_PROC_GONE)
		return mb_fail(err, ESRCH, "the container has ended");
	if (r < 0)
		return mb_wrap(err, r, "cannot join the container");
	/* The host's root is nobody there. */
	if ((flags & CLONE_NEWUSER) && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		return mb_fail_sys(err, errno, "cannot become root of the user namespace");
	/* The root of a new one is where the process is. */
	if (j->req->hides_cgroup && (flags & CLONE_NEWCGROUP) && unshare(CLONE_NEWCGROUP) < 0)
		return mb_fail_sys(err, errno, "cannot make a cgroup namespace");
	j->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return j->root_fd < 0 ? mb_fail_sys(err, errno, "cannot open the container's '/'") : 0;
}

/* The container may have put anything there; a pty is taken from a devpts only. */
static int open_terminal(struct joiner *j, struct mb_err *err)
{
	MB_AUTO_CLOSE int devpts_fd = -1, master = -1;
	struct statfs fs;
	struct stat st;
	int r;

	if (!j->req->process->terminal)
		return 0;
	r = mb_sys_path_open(j->root_fd, "/dev/pts", O_PATH | O_DIRECTORY, &devpts_fd, err);
	if (r < 0)
		return mb_wrap(err, r, "terminal");
	if (fstatfs(devpts_fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC ||
	    fstatat(devpts_fd, "ptmx", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(5, 2))
		return mb_fail(err, ENODEV, "terminal: '/dev/pts' is no devpts in the container");
	r = mb_runtime_console_make(devpts_fd, j->req->process, &master, &j->tty_fd, err);
	if (r == 0)
		r = mb_runtime_channel_send(j->channel, MB_RUNTIME_CONSOLE, master, 0);
	return r < 0 ? mb_wrap(err, r, "terminal") : 0;
}

static int enter_cwd(struct joiner *j, struct mb_err *err)
{
	const char *cwd = j->req->process->cwd;
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_sys_path_open(j->root_fd, cwd && cwd[0] ? cwd : "/", O_PATH | O_DIRECTORY, &fd,
	                         err);

	if (r < 0)
		return mb_wrap(err, r, "working directory '%s'", cwd);
	if (fchdir(fd) < 0)
		return mb_fail_sys(err, errno, "working directory '%s'", cwd);
	r = mb_sys_path_check_cwd(err);
	return r < 0 ? mb_wrap(err, r, "working directory '%s'", cwd) : 0;
}

static int place_stdio(struct joiner *j, struct mb_err *err)
{
	const struct mb_oci_process *process = j->req->process;
	MB_AUTO_CLOSE int null_fd = -1;
	int fds[3];

	for (int i = 0; i < 3; i++) {
		int r = 0;

		fds[i] = process->terminal ? j->tty_fd : j->req->stdio[i];
		if (fds[i] < 0 && null_fd < 0)
			r = mb_runtime_null_open(j->root_fd, "/dev/null", O_RDWR, &null_fd, err);
		if (r < 0)
			return r;
		fds[i] = fds[i] < 0 ? null_fd : fds[i];
	}
	return mb_runtime_stdio_place(fds, process->user.uid, j->req->preserve_fds, err);
}

static int enter_keyring(struct joiner *j, struct mb_err *err)
{
	if (j->req->no_new_keyring)
		return 0;
	return mb_runtime_keyring_enter(j->req->id, j->channel, err);
}

static int enter_limits(struct joiner *j, struct mb_err *err)
{
	int r = mb_runtime_rlimits_apply(j->plan->rlimits, j->plan->n_rlimits, j->channel, err);

	return r < 0 ? r : mb_runtime_attributes_apply_own(&j->plan->attributes, err);
}

static int become(struct joiner *j, struct mb_err *err)
{
	const bool carry = mb_runtime_stub_carries(j->plan->seccomp.fd, j->req->process);

	return mb_runtime_creds_become(j->req->process, carry, j->channel, err);
}

static int find_program(struct joiner *j, struct mb_err *err)
{
	if (j->req->program && (size_t)snprintf(j->program, sizeof(j->program), "%s",
	                                        j->req->program) >= sizeof(j->program))
		return mb_fail_sys(err, ENAMETOOLONG, "exec: \"%.64s...\"", j->req->program);
	if (j->req->program)
		return 0;
	return mb_runtime_program_search(j->req->process, j->program, err);
}

/* A scheduler may not outlive a fork, and the stub forks: the command sets it after. */
static bool waits_for_us(const struct mb_runtime_plan *plan)
{
	return plan->attributes.has_scheduler || plan->attributes.io_priority >= 0;
}

static int run_stub(struct joiner *j, struct mb_err *err)
{
	const struct mb_runtime_stub s = {
		.init_fd = j->plan->init_fd,
		.seccomp = &j->plan->seccomp,
		.label_fd = j->plan->label_fd,
		.proc_fd = j->proc_fd,
		.filter_is_known = j->plan->filter_is_known,
		.channel = j->channel,
		.start_fd = -1,
		.flags = MB_INIT_VISIBLE | MB_INIT_SETSID |
	                 (j->req->process->terminal ? MB_INIT_CTTY : 0) |
	                 (j->req->detach ? 0 : MB_INIT_DIE) |
	                 (waits_for_us(j->plan) ? MB_INIT_WAIT : 0),
		.process = j->req->process,
		.program = j->program,
	};

	return mb_runtime_stub_run(&s, err);
}

static int (*const steps[])(struct joiner *j, struct mb_err *err) = {
	prepare,     join,         open_terminal, enter_cwd,    enter_keyring,
	place_stdio, enter_limits, become,        find_program, run_stub,
};

static _Noreturn void run_joiner(const struct mb_runtime_exec_request *req,
                                 const struct mb_runtime_plan *plan)
{
	struct joiner j = {
		.req = req,
		.plan = plan,
		.channel = plan->channel[1],
		.root_fd = -1,
		.tty_fd = -1,
		.proc_fd = -1,
	};
	struct mb_err err = MB_ERR_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < MB_N(steps); i++)
		r = steps[i](&j, &err);
	mb_runtime_channel_tell(j.channel, MB_RUNTIME_FAILED, &err);
	_exit(126);
}

/* ---- the command ---- */

/* Who may trace in the container must find no process without its filter, nor one that holds what
 * only the installing of it takes: there a profile has to allow what the stub does, and one that
 * asks its listener for it would wait for what is not handed on yet. */
static int choose_filter_time(const struct mb_runtime_exec_request *req,
                              struct mb_runtime_plan *plan, struct mb_err *err)
{
	if (req->may_be_traced && (plan->seccomp.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return mb_fail(err, EPERM,
		               "cannot exec where others may trace under a seccomp profile with a "
		               "listener");
	plan->filter_is_known = plan->filter == MB_RUNTIME_FILTER_BUILTIN ||
	                        plan->filter == MB_RUNTIME_FILTER_HARDENED || req->may_be_traced;
	return 0;
}

static int open_plan(const struct mb_runtime_exec_request *req, struct mb_runtime_plan *plan,
                     struct mb_err *err)
{
	const struct mb_oci_process *process = req->process;
	int r;

	if (process->args.n == 0)
		return mb_fail(err, EINVAL, "no command to execute");
	plan->process = process;
	plan->spec = req->spec;
	plan->req.id = req->id;
	plan->req.bundle = req->bundle;
	plan->container_pid = req->pid;
	plan->status = "running";
	if (req->spec->linux.seccomp)
		plan->filter = MB_RUNTIME_FILTER_PROFILE;
	else if (req->seccomp_default)
		plan->filter = req->seccomp_hardened ? MB_RUNTIME_FILTER_HARDENED
		                                     : MB_RUNTIME_FILTER_BUILTIN;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, plan->channel) < 0)
		return mb_fail_sys(err, errno, "cannot make a socket pair");
	r = mb_runtime_plan_rlimits(process, &plan->rlimits, &plan->n_rlimits, err);
	if (r == 0)
		r = mb_runtime_attributes_fill(process, &req->spec->linux, &plan->attributes, err);
	if (r == 0 && req->cgroup)
		r = mb_sys_cgroup_join_open(req->cgroup, &plan->cgroup, err);
	if (r == 0)
		r = mb_runtime_seccomp_open(req->spec->linux.seccomp, plan->filter, process,
		                            req->cache_fd, &plan->seccomp, err);
	if (r == 0)
		r = choose_filter_time(req, plan, err);
	if (r == 0)
		r = mb_runtime_label_open(process, &plan->label_fd, &plan->label_by_file, err);
	if (r == 0)
		r = mb_sys_seal_blob("mybox-init", mb_runtime_init_elf, mb_runtime_init_elf_size,
		                     &plan->init_fd, err);
	return r;
}

/* Warnings about limits were told at the container's start. */
static int await_exec(struct mb_runtime_plan *plan, struct mb_err *err)
{
	bool is_set = false;
	int r;

	mb_close(&plan->channel[1]);
	do {
		r = mb_runtime_report_read(plan, err);
		if (r == 0 && plan->is_cloned && !is_set && waits_for_us(plan)) {
			r = mb_runtime_attributes_apply_to(&plan->attributes, plan->pid, err);
			is_set = true;
			if (r == 0)
				(void)mb_runtime_channel_send(plan->channel[0], MB_RUNTIME_GO, -1,
				                              0);
		}
	} while (r == 0 && !plan->is_ended);
	if (r == 0 && (!plan->is_cloned || !plan->is_executing))
		r = mb_fail(err, ECHILD, "the process died while joining the container");
	return r;
}

/* A child that did not get as far as its program is no business of the caller's.  Its failure
 * may have been heard before its birth. */
static void bury(struct mb_runtime_plan *plan)
{
	for (int i = 0; i < 8 && !plan->is_cloned && !plan->is_ended; i++)
		(void)mb_runtime_report_read(plan, NULL);
	if (!plan->is_cloned)
		return;
	(void)mb_sys_proc_signal(plan->pidfd, SIGKILL, NULL);
	(void)!waitpid(plan->pid, NULL, 0);
}

static int start(const struct mb_runtime_exec_request *req, struct mb_runtime_plan *plan,
                 struct mb_err *err)
{
	struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	pid_t joiner = -1;
	int r;

	how.cgroup_fd = req->join_slowly ? -1 : plan->cgroup.v2_fd;
	r = mb_sys_proc_clone(&how, &joiner, NULL, err);
	if (r < 0)
		return r;
	if (joiner == 0)
		run_joiner(req, plan);
	r = await_exec(plan, err);
	while (waitpid(joiner, NULL, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		bury(plan);
	return r;
}

static int attempt(const struct mb_runtime_exec_request *req, struct mb_runtime_exec *ret,
                   struct mb_err *err)
{
	struct mb_runtime_plan plan;
	int r;

	mb_runtime_plan_init(&plan);
	r = open_plan(req, &plan, err);
	if (r == 0)
		r = start(req, &plan, err);
	if (r == 0) {
		ret->pid = plan.pid;
		ret->pidfd = mb_take_fd(&plan.pidfd);
		ret->console_fd = mb_take_fd(&plan.console_fd);
	}
	mb_runtime_plan_done(&plan);
	return r;
}

/* One that died without a word may have been killed at its birth, because our own group was once
 * the target of cgroup.kill; where that was not the reason it dies again, of the same. */
int mb_runtime_exec(const struct mb_runtime_exec_request *req, struct mb_runtime_exec *ret,
                    struct mb_err *err)
{
	struct mb_runtime_exec_request slowly = *req;
	int r = attempt(req, ret, err);

	if (r != -ECHILD || !req->cgroup)
		return r;
	slowly.join_slowly = true;
	return attempt(&slowly, ret, NULL) == 0 ? 0 : r;
}
