/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/exec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "container/bundle.h"
#include "container/cgroup_of.h"
#include "container/container.h"
#include "container/event.h"
#include "container/life.h"
#include "container/secrets.h"
#include "container/started.h"
#include "container/tracers.h"
#include "container/userns.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/str.h"
#include "monitor/client.h"
#include "runtime/runtime.h"
#include "store/store.h"
#include "sys/proc.h"

enum {
	END_WAIT_MS = 2000, /* how long a container may take to end after a process in it */
	TRIES = 500,        /* to find its monitor, when one goes and another comes */
	TRY_USEC = 10000,
	LEAVE_TRIES = 3,
};

struct executing {
	struct mb_container *c;
	const struct mb_container_exec_request *request;
	struct mb_container_bundle bundle;
	struct mb_sys_cgroup_host *cgroups;
	struct mb_sys_cgroup *cgroup, *own;
	int pidfd, root_fd, cache_fd;
};

static void executing_done(struct executing *x)
{
	mb_container_bundle_done(&x->bundle);
	mb_sys_cgroup_free(x->own);
	mb_sys_cgroup_free(x->cgroup);
	mb_sys_cgroup_host_free(x->cgroups);
	mb_close(&x->pidfd);
	mb_close(&x->root_fd);
	mb_close(&x->cache_fd);
}

static int fill_process(struct executing *x, struct mb_err *err)
{
	const struct mb_container_config *config = &x->c->record->config;
	const struct mb_container_exec_request *q = x->request;
	struct mb_oci_process *process = x->bundle.spec.process;
	const char *user = q->user ? q->user : config->user;
	const char *cwd = q->workdir ? q->workdir : config->working_dir;
	size_t ignored;
	int r;

	process->terminal = q->tty;
	mb_strv_add_all(&process->args, &q->args);
	for (size_t i = 0; i < config->env.n; i++)
		mb_env_set(&process->env, config->env.v[i]);
	if (!mb_env_names(&process->env, "HOSTNAME"))
		mb_strv_addf(&process->env, "HOSTNAME=%s", config->hostname);
	if (q->tty && !mb_env_names(&process->env, "TERM"))
		mb_strv_add(&process->env, "TERM=xterm");
	for (size_t i = 0; i < q->env.n; i++)
		mb_env_set(&process->env, q->env.v[i]);
	mb_env_drop_unset(&process->env);
	process->cwd = mb_strdup(cwd && *cwd ? cwd : "/");
	mb_container_umask_fill(&x->c->record->config, process);
	r = mb_container_user_fill(x->root_fd, user, &x->c->record->host.group_add, process, err);
	if (r == 0)
		r = mb_container_userns_check_user(&x->c->record->host, process, err);
	if (r == 0)
		r = mb_container_secrets_env(x->c, process, &ignored, err);
	if (r == 0)
		r = mb_container_caps_fill(&x->c->record->host,
		                           q->privileged || x->c->record->host.privileged, process,
		                           err);
	mb_container_rlimits_fill(&x->c->record->host, process);
	return r;
}

/* Whatever is its own, or another container's, is to be joined; only the host's is ours already. */
static void fill_namespaces(struct executing *x)
{
	const struct mb_container_host_config *h = &x->c->record->host;
	const struct {
		const char *type, *mode;
	} rows[] = {{"mount", NULL},      {"network", h->network_mode},
	            {"uts", h->uts_mode}, {"pid", h->pid_mode},
	            {"ipc", h->ipc_mode}, {"cgroup", h->cgroupns_mode}};

	for (size_t i = 0; i < MB_N(rows); i++)
		if (!mb_streq(rows[i].mode, "host"))
			mb_oci_spec_add_namespace(&x->bundle.spec, rows[i].type, NULL);
	if (mb_container_has_userns(h))
		mb_oci_spec_add_namespace(&x->bundle.spec, "user", NULL);
}

static int open_container(struct executing *x, struct mb_err *err)
{
	struct mb_container *c = x->c;
	struct mb_sys_proc_id id = {.pid = c->state.run.pid, .start = c->state.run.pid_start};
	char path[32];
	int r = mb_sys_proc_id_open(&id, &x->pidfd, err);

	if (r != 0)
		return r < 0 ? r : mb_fail(err, ESRCH, "Container %s is not running", c->id);
	snprintf(path, sizeof(path), "/proc/%d/root", (int)id.pid);
	x->root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (x->root_fd < 0)
		return mb_fail_sys(err, errno, "cannot open the container's root");
	/* The last wall: what has the host's root is joined by nobody. */
	if (mb_container_is_our_root(x->root_fd))
		return mb_fail(err, EBUSY, "Container %s has no root of its own", c->id);
	return mb_store_dir(c->store, "seccomp", true, &x->cache_fd, err);
}

/* Groups of detached ones that have ended: nobody stayed to remove them.  One whose maker lives may
 * be about to be used. */
static void sweep(int cgroup_fd)
{
	DIR *dir = mb_dir_open(cgroup_fd, ".");
	struct dirent *entry;
	int pid;

	while (dir && (entry = readdir(dir))) {
		const char *number = mb_skip_prefix(entry->d_name, "exec-");

		if (number && mb_parse_int(number, &pid) == 0 && pid > 0 && kill(pid, 0) < 0 &&
		    errno == ESRCH)
			unlinkat(cgroup_fd, entry->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
}

/* A group of its own, so that it and its children can be ended without the container.  They do not
 * see it: what looks for the container's limits looks in "/". */
static int open_cgroup(struct executing *x, struct mb_container_exec *ret, struct mb_err *err)
{
	struct mb_sys_cgroup_join join = MB_SYS_CGROUP_JOIN_INIT;
	int r = mb_container_cgroup_open(x->c, &x->cgroups, &x->cgroup, err);

	if (r != 0)
		return r < 0 ? r : mb_fail(err, ENOENT, "the container's control group is gone");
	snprintf(ret->name, sizeof(ret->name), "exec-%d", (int)getpid());
	r = mb_sys_cgroup_sub_create(x->cgroup, ret->name, &x->own, err);
	if (r == 0)
		r = mb_sys_cgroup_join_open(x->cgroup, &join, err);
	if (r < 0)
		return r;
	ret->cgroup_fd = mb_take_fd(&join.v2_fd);
	if (x->request->detach && ret->cgroup_fd >= 0)
		sweep(ret->cgroup_fd);
	mb_sys_cgroup_join_done(&join);
	return 0;
}

/* The monitor serves nobody before process 1 runs its program, in its own root: its answer says
 * that the start is over, and no lock is needed that others hold for long.  It outlives us, too:
 * it ends what we started when our connection ends.  Return: 0; MB_MONITOR_GONE; or -errno. */
static int ask_monitor(struct executing *x, struct mb_container_exec *ret, struct mb_err *err)
{
	struct mb_monitor_info info;
	MB_AUTO_CLOSE int own = -1;
	int r = mb_monitor_connect(x->c->run_fd, &ret->guard, err);

	if (r != 0)
		return r;
	if (x->request->detach || ret->cgroup_fd < 0)
		return mb_monitor_info(ret->guard, &info, err);
	own = openat(ret->cgroup_fd, ret->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (own < 0)
		return mb_fail_sys(err, errno, "cannot open the group '%s'", ret->name);
	return mb_monitor_guard_cgroup(ret->guard, own, ret->cgroup_fd, ret->name, err);
}

/* So that /dev/stdout can be opened: by nobody in a user namespace could they be given away. */
static int give_pipes(struct executing *x, struct mb_err *err)
{
	const struct mb_oci_process *process = x->bundle.spec.process;
	int r = 0;

	for (int i = 0; r == 0 && i < 3; i++) {
		const int fd = x->request->stdio[i];
		struct statfs fs;

		if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC)
			r = mb_container_userns_give(&x->c->record->host, fd, process->user.uid,
			                             process->user.gid, err);
	}
	return r;
}

/* What is in the container already may trace there, and who came into its pid namespace after its
 * start.  It matters to a profile alone: what is built in comes first in any case. */
static int look_for_tracers(const struct executing *x, struct mb_runtime_exec_request *request,
                            struct mb_err *err)
{
	const struct mb_oci_process *process = request->process;
	MB_AUTO_FREE char *name = NULL;
	int r = x->bundle.spec.linux.seccomp
	                ? mb_container_tracer_find(x->c, x->c->state.run.pid, &name, err)
	                : 0;

	request->may_be_traced =
		name || (process->capabilities &&
	                 mb_strv_has(&process->capabilities->bounding, "CAP_SYS_PTRACE"));
	return r;
}

static int run(struct executing *x, struct mb_container_exec *ret, int *ret_code,
               struct mb_err *err)
{
	const struct mb_container_exec_request *q = x->request;
	struct mb_runtime_exec_request request = MB_RUNTIME_EXEC_REQUEST_INIT;
	struct mb_runtime_exec done = {.pidfd = -1, .console_fd = -1};
	int r;

	request.id = x->c->id;
	request.spec = &x->bundle.spec;
	request.process = x->bundle.spec.process;
	request.pidfd = x->pidfd;
	request.pid = x->c->state.run.pid;
	memcpy(request.stdio, q->stdio, sizeof(request.stdio));
	request.cgroup = x->own;
	request.hides_cgroup = true;
	request.seccomp_default = x->bundle.seccomp_default && !q->privileged;
	request.seccomp_hardened = x->bundle.seccomp_hardened;
	/* One with a terminal may be left: only the guard ends it with us. */
	request.detach = q->detach || (q->tty && ret->cgroup_fd >= 0);
	request.cache_fd = x->cache_fd;
	r = give_pipes(x, err);
	if (r == 0)
		r = look_for_tracers(x, &request, err);
	if (r == 0)
		r = mb_runtime_exec(&request, &done, err);
	if (r < 0) {
		int code = mb_runtime_exit_code(r, err);

		*ret_code = code == 126 || code == 127 ? code : 1;
		return r;
	}
	ret->pid = done.pid;
	ret->pidfd = done.pidfd;
	ret->console_fd = done.console_fd;
	return 0;
}

void mb_container_exec_done(struct mb_container_exec *exec)
{
	if (exec->guard >= 0)
		mb_monitor_release(exec->guard, NULL);
	/* Stays while a child that it left behind lives, and goes with the container then. */
	if (exec->cgroup_fd >= 0 && exec->name[0])
		unlinkat(exec->cgroup_fd, exec->name, AT_REMOVEDIR);
	mb_close(&exec->guard);
	mb_close(&exec->cgroup_fd);
	mb_close(&exec->pidfd);
	mb_close(&exec->console_fd);
}

int mb_container_exec_leave(struct mb_container *c, struct mb_container_exec *exec,
                            struct mb_err *err)
{
	int r = MB_MONITOR_GONE;

	if (exec->cgroup_fd < 0)
		return mb_fail(err, ENOTSUP, "this host has no cgroup2");
	for (int i = 0; r == MB_MONITOR_GONE && i < LEAVE_TRIES; i++) {
		if (exec->guard >= 0)
			r = mb_monitor_exec_left(exec->guard, exec->console_fd, exec->pidfd,
			                         exec->id, err);
		if (r != MB_MONITOR_GONE)
			break;
		/* It was killed meanwhile: the one that takes its place can do it as well. */
		mb_close(&exec->guard);
		mb_container_refresh(c);
		r = mb_container_adopt(c, err);
		if (r == 0)
			r = mb_monitor_connect(c->run_fd, &exec->guard, err);
		if (r == 0)
			r = MB_MONITOR_GONE;
	}
	return r > 0 ? mb_fail(err, EPIPE, "its monitor is gone") : r;
}

static int require_running(const struct mb_container *c, struct mb_err *err)
{
	if (c->state.status == MB_STATUS_RUNNING)
		return 0;
	if (c->state.status == MB_STATUS_PAUSED)
		return mb_fail(err, EBUSY,
		               "Container %s is paused, unpause the container before exec",
		               mb_container_name(c));
	if (c->state.status == MB_STATUS_RESTARTING)
		return mb_fail(err, EBUSY,
		               "Container %s is restarting, wait until the container is running",
		               c->id);
	mb_fail(err, ESRCH, "Container %s is not running", c->id);
	return MB_CONTAINER_NOT_RUNNING;
}

/* What ends a container ends those who join it too, maybe a moment before it; and a process that
 * is leaving has neither root nor program any more, long before it can be waited for. */
static bool has_ended(const struct executing *x, int r)
{
	const struct mb_container_run *run = &x->c->state.run;
	const struct mb_sys_proc_id id = {.pid = run->pid, .start = run->pid_start};
	char path[32], exe[2];

	if (x->pidfd < 0)
		return !mb_sys_proc_id_is_running(&id);
	snprintf(path, sizeof(path), "/proc/%d/exe", run->pid);
	if (r == -ECHILD || (readlink(path, exe, sizeof(exe)) < 0 && errno == ENOENT))
		(void)mb_sys_proc_wait(x->pidfd, END_WAIT_MS, NULL);
	return !mb_sys_proc_id_is_running(&id);
}

static void tell(struct mb_container *c, const struct mb_container_exec_request *request,
                 struct mb_container_exec *exec)
{
	if (request->silent)
		return;
	mb_id_make(exec->id);
	mb_container_event_exec(c, "exec_create", &request->args, exec->id);
	mb_container_event_exec(c, "exec_start", &request->args, exec->id);
}

static int attempt(struct mb_container *c, const struct mb_container_exec_request *request,
                   struct mb_container_exec *ret, int *ret_code, struct mb_err *err)
{
	__attribute__((cleanup(executing_done))) struct executing x = {
		.c = c,
		.request = request,
		.bundle = MB_CONTAINER_BUNDLE_INIT,
		.pidfd = -1,
		.root_fd = -1,
		.cache_fd = -1};
	struct mb_container_exec done = MB_CONTAINER_EXEC_INIT;
	int r;

	x.bundle.spec.process = mb_calloc(1, sizeof(*x.bundle.spec.process));
	fill_namespaces(&x);
	r = open_cgroup(&x, &done, err);
	if (r == 0)
		r = ask_monitor(&x, &done, err);
	if (r == 0)
		r = open_container(&x, err);
	if (r == 0)
		r = mb_container_security_fill(&c->record->host, &x.bundle, err);
	if (r == 0)
		r = fill_process(&x, err);
	/* docker: the container runs, what was asked for in it cannot be. */
	if (r < 0 && !has_ended(&x, r))
		*ret_code = 126;
	mb_debug("exec prepared");
	if (r == 0)
		r = run(&x, &done, ret_code, err);
	mb_debug("exec runs");
	if (r == 0) {
		tell(c, request, &done);
		*ret = done;
		return 0;
	}
	mb_container_exec_done(&done);
	/* It went while we looked at it, or joined it: what was missing is no news. */
	if (has_ended(&x, r))
		return mb_fail(err, ESRCH, "Container %s is not running", c->id);
	return r;
}

int mb_container_exec(struct mb_container *c, const struct mb_container_exec_request *request,
                      struct mb_container_exec *ret, int *ret_code, struct mb_err *err)
{
	*ret_code = 1;
	for (int i = 0; i < TRIES; i++) {
		int r = require_running(c, err);

		if (r == 0)
			r = attempt(c, request, ret, ret_code, err);
		if (r != MB_MONITOR_GONE)
			return r;
		/* One that was killed is replaced, by us or by somebody else at this moment. */
		usleep(i ? TRY_USEC : 0);
		mb_container_refresh(c);
		r = mb_container_adopt(c, err);
		if (r < 0)
			return r;
	}
	return mb_fail(err, EBUSY, "container '%s' has no monitor", mb_container_name(c));
}
