/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of a start is read here, from top to bottom; what each step does is elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container/cgroup_of.h"
#include "container/event.h"
#include "container/logto.h"
#include "container/notify.h"
#include "container/start_parts.h"
#include "container/userns.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/log.h"
#include "core/str.h"
#include "store/doc.h"
#include "store/store.h"
#include "sys/beside.h"
#include "sys/interrupt.h"
#include "sys/proc.h"
#include "sys/tree.h"

enum { DEFAULT_PIDS = 2048 }; /* where the host can count them */

struct starting {
	struct mb_container *c;
	struct mb_container_start *how;
	struct mb_container_bundle bundle;
	struct mb_container_monitor monitor;
	struct mb_sys_cgroup_host *cgroups;
	struct mb_sys_cgroup *cgroup;
	struct mb_sys_cgroup_limits limits;
	struct mb_sys_cgroup_throttle throttles[MB_CONTAINER_MAX_THROTTLES];
	struct mb_net *net;
	struct mb_net_sandbox *sandbox;
	struct mb_net_resolver resolver;
	struct mb_runtime_plan *plan;
	struct mb_runtime_ready ready;
	struct mb_sys_beside_netns netns;
	int rootfs_fd, console_fd, cache_fd, netns_fd;
	int notify_fd[2];
	struct mb_container_logto logto;
	struct mb_container_oom oom;
	bool has_resolver, join_slowly;
	int64_t started;
};

static void starting_done(struct starting *s)
{
	mb_runtime_plan_free(s->plan);
	mb_container_bundle_done(&s->bundle);
	mb_container_monitor_done(&s->monitor);
	mb_sys_cgroup_free(s->cgroup);
	mb_sys_cgroup_host_free(s->cgroups);
	mb_net_sandbox_free(s->sandbox);
	if (s->has_resolver)
		mb_net_resolver_done(&s->resolver);
	mb_net_free(s->net);
	mb_close(&s->ready.pidfd);
	mb_close(&s->ready.netns_fd);
	mb_close(&s->rootfs_fd);
	mb_close(&s->console_fd);
	mb_close(&s->cache_fd);
	mb_sys_beside_netns_done(&s->netns);
	mb_close(&s->netns_fd);
	mb_close(&s->notify_fd[0]);
	mb_close(&s->notify_fd[1]);
	mb_close(&s->oom.fd);
	mb_close(&s->oom.event_fd);
	mb_container_logto_done(&s->logto);
}

void mb_container_session_done(struct mb_container_session *session)
{
	mb_close(&session->sock);
	mb_close(&session->stdin_fd);
	mb_close(&session->pidfd);
	for (int i = 0; i < 2; i++)
		mb_close(&session->rest[i]);
}

static int make_run_dir(struct mb_container *c, struct mb_err *err)
{
	MB_AUTO_CLOSE int all = -1;
	int r = mb_store_dir(c->store, "c", true, &all, err);

	if (r < 0)
		return r;
	if (mkdirat(all, c->id, 0700) < 0 && errno != EEXIST)
		return mb_fail_sys(err, errno, "cannot create the container's run directory");
	mb_close(&c->run_fd);
	c->run_fd = openat(all, c->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (c->run_fd < 0)
		return mb_fail_sys(err, errno, "cannot open the container's run directory");
	return 0;
}

static int make_cgroup(struct starting *s, struct mb_err *err)
{
	const struct mb_container_record *record = s->c->record;
	const char *parent = record->host.cgroup_parent;
	MB_AUTO_FREE char *path = NULL;
	int r = mb_sys_cgroup_host_open(&s->cgroups, err);

	if (r == 0)
		r = mb_sys_cgroup_path_make(parent && *parent ? parent : NULL, s->c->id, &path,
		                            err);
	if (r == 0)
		r = mb_container_limits_fill(record, &s->bundle, s->throttles, &s->limits, err);
	if (r == 0 && !s->limits.pids_max && mb_sys_cgroup_host_has(s->cgroups, "pids"))
		s->limits.pids_max = DEFAULT_PIDS;
	if (r == 0)
		r = mb_sys_cgroup_make(s->cgroups, path, &s->limits, &s->cgroup, err);
	return r;
}

/* It is true for this run alone. */
static int write_bundle(struct starting *s, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_strv *env = &s->bundle.spec.process->env;
	const size_t n = env->n;
	char *first = env->v ? env->v[s->bundle.n_plain_env] : NULL;

	/* Secrets are in no document; process 1 has them already. */
	if (env->v)
		env->v[s->bundle.n_plain_env] = NULL;
	env->n = s->bundle.n_plain_env;
	mb_oci_spec_save_text(&s->bundle.spec, &text);
	env->n = n;
	if (env->v)
		env->v[s->bundle.n_plain_env] = first;
	return mb_store_file_write(s->c->run_fd, "config.json", text.buf, text.len, MB_DOC_DIRECT,
	                           err);
}

/* Process 1 could not do it from inside of a user namespace. */
static int give_pipes(struct starting *s, struct mb_err *err)
{
	const struct mb_oci_process *process = s->bundle.spec.process;
	int r = 0;

	for (int i = 0; r == 0 && i < 3; i++)
		if (s->monitor.stdio[i] >= 0)
			r = mb_container_userns_give(&s->c->record->host, s->monitor.stdio[i],
			                             process->user.uid, process->user.gid, err);
	return r;
}

/* Of a user namespace's it has to be born with that. */
static bool wants_own_network(const struct mb_container_host_config *h)
{
	const char *mode = h->network_mode ? h->network_mode : "";

	return !mb_streq(mode, "host") && !mb_starts_with(mode, "container:") &&
	       !mb_starts_with(mode, "ns:") && !mb_container_has_userns(h);
}

/* What process 1 has to know from its birth, and no more: the kernel takes its time to make it,
 * in which we do the rest. */
static int prepare(struct starting *s, struct mb_err *err)
{
	struct mb_container *c = s->c;
	int r;

	if (wants_own_network(&c->record->host))
		(void)mb_sys_beside_netns_begin(&s->netns);
	r = make_run_dir(c, err);
	/* Nothing of it is to run when nobody would hear it. */
	if (r == 0)
		r = mb_container_logto_open(c->record, s->how->restart, &s->logto, err);
	if (r == 0)
		r = mb_container_etc_make(c, err);
	if (r == 0)
		r = mb_container_userns_open(&c->record->host, &s->bundle.userns_fd, err);
	if (r == 0)
		r = mb_container_rootfs_mount(c, s->bundle.userns_fd, &s->rootfs_fd, err);
	if (r == 0 && s->bundle.userns_fd >= 0)
		r = mb_container_image_mount(c, &s->bundle.image_fd, err);
	mb_debug("root file system mounted");
	if (r == 0)
		r = mb_container_bundle_make(c, s->rootfs_fd, &s->bundle, err);
	if (r == 0 && s->how->notify)
		r = mb_container_notify_open(c, s->how->notify, &s->bundle, s->notify_fd, err);
	mb_debug("bundle made");
	if (r == 0)
		r = make_cgroup(s, err);
	mb_debug("cgroup made");
	if (r == 0)
		r = mb_container_monitor_open(c, &s->monitor, err);
	if (r == 0)
		r = give_pipes(s, err);
	if (r == 0)
		r = mb_store_dir(c->store, "seccomp", true, &s->cache_fd, err);
	return r;
}

/* While process 1 is born.  It runs its program only when we let it go. */
static int prepare_more(struct starting *s, struct mb_err *err)
{
	struct mb_container *c = s->c;
	int r = mb_sys_cgroup_limit(s->cgroup, &s->limits, err);

	if (r == 0)
		r = write_bundle(s, err);
	mb_net_new(c->store, &s->net);
	mb_net_set_opener(s->net, mb_container_netns_open, c->store);
	if (r == 0)
		r = mb_container_network_prepare(c, s->net, &s->sandbox, err);
	if (r == 0 && s->sandbox && s->sandbox->n_endpoints)
		mb_net_resolver_warm(s->net);
	if (r == 0)
		r = mb_container_etc_write(c, s->net, s->sandbox, err);
	if (r == 0)
		r = mb_container_monitor_listen(c, &s->monitor, err);
	mb_debug("network prepared");
	return r;
}

/* Process 1 has its own.  Who holds a mount last takes it down, and that is not to be us. */
static void let_go_of_mounts(struct starting *s)
{
	mb_close(&s->rootfs_fd);
	for (size_t i = 0; i < s->bundle.n_mount_fds; i++)
		mb_close(&s->bundle.mount_fds[i]);
}

static int launch(struct starting *s, struct mb_err *err)
{
	const struct mb_container_record *record = s->c->record;
	struct mb_runtime_request request = MB_RUNTIME_REQUEST_INIT;
	int r;

	request.id = s->c->id;
	request.spec = &s->bundle.spec;
	request.rootfs_fd = s->rootfs_fd;
	memcpy(request.stdio, s->monitor.stdio, sizeof(request.stdio));
	request.cgroup = s->cgroup;
	request.join_slowly = s->join_slowly;
	request.cgroup_host = s->cgroups;
	request.with_init = record->host.init;
	request.seccomp_default = s->bundle.seccomp_default;
	request.seccomp_hardened = s->bundle.seccomp_hardened;
	request.mount_fds = s->bundle.mount_fds;
	request.n_mount_fds = s->bundle.n_mount_fds;
	request.cache_fd = s->cache_fd;
	s->netns_fd = mb_sys_beside_netns_take(&s->netns);
	request.netns_fd = s->netns_fd;
	r = mb_runtime_plan_new(&request, &s->plan, err);
	if (r == 0)
		r = mb_container_monitor_fork(s->c, &s->monitor, s->plan, err);
	mb_debug("monitor forked");
	let_go_of_mounts(s);
	if (r == 0)
		r = prepare_more(s, err);
	if (r == 0)
		r = mb_runtime_plan_await_ready(s->plan, &s->ready, err);
	mb_debug("process 1 is in its namespaces");
	return r;
}

static int connect_network(struct starting *s, struct mb_err *err)
{
	int r;

	if (!s->sandbox)
		return 0;
	r = mb_net_sandbox_attach(s->net, s->sandbox, s->ready.netns_fd, err);
	/* What plugins and DHCP servers gave is known only now. */
	if (r == 0 && (s->sandbox->cni.name || mb_net_has_leases(s->sandbox)))
		r = mb_container_etc_write(s->c, s->net, s->sandbox, err);
	if (r == 0)
		r = mb_net_sandbox_publish(s->net, s->sandbox, err);
	if (r == 0 && s->sandbox->n_endpoints) {
		r = mb_net_resolver_open(s->net, s->ready.netns_fd, &s->resolver, err);
		s->has_resolver = r == 0;
	}
	mb_debug("network attached");
	return r;
}

/* --pidfile: whole or not there, and no link of another's is followed. */
static int write_pid_file(struct starting *s, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_strdup_or_null(s->c->record->host.pid_file);
	char *name = path ? strrchr(path, '/') : NULL, text[16];
	MB_AUTO_CLOSE int dir = -1;
	int r;

	if (!name)
		return 0;
	*name++ = '\0';
	dir = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return mb_fail_sys(err, errno, "--pidfile: cannot open '%s'", path);
	snprintf(text, sizeof(text), "%d", (int)s->ready.pid);
	r = mb_store_file_write(dir, name, text, strlen(text), MB_DOC_REPLACE, err);
	/* Others are to read it. */
	if (r == 0 && fchmodat(dir, name, 0644, 0) < 0)
		r = mb_fail_sys(err, errno, "cannot open '%s' to all", name);
	return r < 0 ? mb_wrap(err, r, "--pidfile") : 0;
}

/* Written before the program runs: whoever finds the process finds out whose it is.  The exit
 * document says from now on what is true if nobody lives to say better. */
static int write_state(struct starting *s, struct mb_err *err)
{
	struct mb_container *c = s->c;
	struct mb_sys_proc_id process, monitor;
	struct mb_container_exit lost;
	struct mb_container_run run = {.started = mb_now_nsec()};
	int r = mb_sys_proc_id_read(s->ready.pid, &process, err);

	s->started = run.started;
	if (r == 0)
		r = mb_sys_proc_id_read(s->monitor.pid, &monitor, err);
	mb_container_exit_lost(&lost, s->started);
	if (r == 0 && !c->record->host.auto_remove)
		r = mb_container_exit_save(c->dir_fd, &lost, err);
	free(lost.error);
	/* What has gone already says why when it is to go on. */
	if (r != 0)
		return r < 0 ? r : 0;
	unlinkat(c->run_fd, "exit.json", 0); /* of the run before */
	run.pid = process.pid;
	run.pid_start = process.start;
	run.monitor = monitor.pid;
	run.monitor_start = monitor.start;
	run.ended_before = c->state.has_exit ? c->state.exit.finished : 0;
	run.restart_count = s->how->restart && c->state.has_exit ? c->state.exit.restarts : 0;
	run.cgroup = mb_strdup(mb_sys_cgroup_path(s->cgroup));
	mb_container_ports_fill(&run, s->sandbox);
	r = mb_container_run_save(c->run_fd, &run, err);
	free(run.cgroup);
	mb_container_ports_free(&run);
	/* From now on it counts as one that runs. */
	if (r == 0)
		mb_volume_holds_done(&s->bundle.holds);
	return r == 0 ? write_pid_file(s, err) : r;
}

static int release(struct starting *s, struct mb_err *err)
{
	struct mb_runtime_started done = {.console_fd = -1};
	struct mb_container_monitor_start setup = {
		.how = s->how,
		.net = s->net,
		.sandbox = s->sandbox,
		.resolver = s->has_resolver ? &s->resolver : NULL,
		.oom = &s->oom,
		.adopted_pidfd = -1,
		.netns_fd = s->ready.netns_fd,
		.notify = s->notify_fd[0] >= 0 ? s->notify_fd : NULL,
		.logto = &s->logto,
		.started = s->started,
	};
	/* The program may be killed as soon as it runs. */
	int r = mb_container_oom_open(s->cgroup, &s->oom, err);

	if (r == 0)
		r = mb_runtime_plan_start(s->plan, &done, err);
	if (r < 0)
		return r;
	mb_debug("the program runs");
	s->console_fd = done.console_fd;
	setup.console_fd = s->console_fd;
	for (char *const *w = mb_runtime_plan_warnings(s->plan); w && *w; w++)
		mb_strv_add(&s->how->warnings, *w);
	/* Before its monitor may tell of the end. */
	if (s->how->attach)
		mb_container_event(s->c, "attach");
	mb_container_event_parts(s->c, s->sandbox, true);
	mb_container_event(s->c, "start");
	return mb_container_monitor_setup(s->c, &s->monitor, &setup, err);
}

static int run_steps(struct starting *s, struct mb_err *err)
{
	int (*const steps[])(struct starting *, struct mb_err *) = {
		prepare, launch, connect_network, write_state, release,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < MB_N(steps); i++) {
		r = mb_sys_interrupt_check(err);
		if (r == 0)
			r = steps[i](s, err);
	}
	return r;
}

/* The ends of the channels close, process 1 and the monitor leave; what is outside goes too. */
static void undo(struct starting *s, const struct mb_err *why)
{
	struct mb_container *c = s->c;
	/* docker's word in the state of what is neither 126 nor 127: unknown. */
	const int code = s->how->exit_code == 125 ? 128 : s->how->exit_code;
	struct mb_container_exit failed = {.exit_code = code, .failed_start = true};
	char *reason = mb_strdup(why->msg);

	if (s->sandbox)
		mb_net_leases_release(s->sandbox, s->ready.netns_fd);
	mb_runtime_plan_free(s->plan);
	s->plan = NULL;
	mb_close(&s->monitor.sock);
	if (s->cgroup)
		mb_sys_cgroup_kill(s->cgroup, NULL);
	if (s->monitor.pid > 0)
		waitpid(s->monitor.pid, NULL, 0);
	mb_volume_holds_done(&s->bundle.holds);
	mb_container_cleanup_locked(c, NULL);
	failed.error = reason;
	if (!c->record->host.auto_remove)
		mb_container_exit_save(c->dir_fd, &failed, NULL);
	free(reason);
}

static void fill_session(struct starting *s, struct mb_container_session *session)
{
	bool tty = s->c->record->config.tty;

	session->sock = mb_take_fd(&s->monitor.sock);
	session->pidfd = mb_take_fd(&s->ready.pidfd);
	session->tty = tty;
	session->cleans = true;
	session->streams = s->how->streams;
	if (s->how->streams & MB_MONITOR_STDOUT)
		session->rest[0] = mb_take_fd(&s->monitor.ours[1]);
	if (s->how->streams & MB_MONITOR_STDERR)
		session->rest[1] = mb_take_fd(&s->monitor.ours[2]);
	/* Who waits for the end puts away what it has in its hands. */
	mb_container_cgroup_forget(s->c);
	s->c->cgroups = mb_take_ptr(&s->cgroups);
	s->c->cgroup = mb_take_ptr(&s->cgroup);
	session->stdin_fd = -1;
	if (s->how->want_stdin)
		session->stdin_fd =
			tty ? mb_take_fd(&s->console_fd) : mb_take_fd(&s->monitor.ours[0]);
}

static int attempt(struct mb_container *c, struct mb_container_start *how, bool join_slowly,
                   struct mb_container_session *ret_session, struct mb_err *err)
{
	__attribute__((cleanup(starting_done))) struct starting s = {
		.c = c,
		.how = how,
		.bundle = MB_CONTAINER_BUNDLE_INIT,
		.join_slowly = join_slowly,
		.monitor = MB_CONTAINER_MONITOR_INIT,
		.resolver = MB_NET_RESOLVER_INIT,
		.ready = {.pidfd = -1, .netns_fd = -1},
		.rootfs_fd = -1,
		.console_fd = -1,
		.cache_fd = -1,
		.netns_fd = -1,
		.notify_fd = {-1, -1},
		.logto = MB_CONTAINER_LOGTO_INIT,
		.oom = MB_CONTAINER_OOM_INIT,
		.netns = MB_SYS_BESIDE_NETNS_INIT,
	};
	int r;

	how->exit_code = 125;
	r = run_steps(&s, err);
	if (r < 0) {
		/* The program may have been found wanting at any time since the launch. */
		how->exit_code = mb_runtime_exit_code(r, err);
		undo(&s, err);
		return r;
	}
	how->exit_code = 0;
	if (how->attach)
		fill_session(&s, ret_session);
	else
		mb_container_refresh(c);
	return 0;
}

int mb_container_start_locked(struct mb_container *c, struct mb_container_start *how,
                              struct mb_container_session *ret_session, struct mb_err *err)
{
	sigset_t before;
	int r;

	/* What an earlier run left when nobody could tidy up. */
	if (c->run_fd >= 0) {
		r = how->restart ? mb_container_clear_locked(c, err)
		                 : mb_container_cleanup_locked(c, err);
		if (r < 0)
			return r;
	}
	mb_sys_interrupt_hold(&before);
	r = attempt(c, how, false, ret_session, err);
	/* Killed at its birth, because our own group was once the target of cgroup.kill? */
	if (r == -ECHILD)
		r = attempt(c, how, true, ret_session, err);
	if (r < 0 || !how->attach)
		mb_sys_interrupt_release(&before);
	/* Of other failures the image's architecture is not the cause. */
	return r < 0 && (how->exit_code == 126 || how->exit_code == 127)
	               ? mb_container_explain(c, r, err)
	               : r;
}

/* We were its monitor a moment ago; a stop or a start may have come first. */
static bool is_mine_to_restart(const struct mb_container *c)
{
	return c->state.status == MB_STATUS_RESTARTING && c->state.run.monitor == getpid();
}

int mb_container_start_required(struct mb_container *c, struct mb_err *err)
{
	const struct mb_strv *ids = &c->record->host.requires;
	int r = 0;

	/* There is no circle: who is required was there first. */
	for (size_t i = 0; r == 0 && i < ids->n; i++) {
		MB_AUTO(mb_container_free) struct mb_container *first = NULL;
		struct mb_container_start how = {0};

		r = mb_container_open(c->store, ids->v[i], &first, err);
		if (r == 0 && !mb_container_is_running(first))
			r = mb_container_start(first, &how, NULL, err);
		mb_strv_done(&how.warnings);
		if (r > 0)
			r = -ENOENT;
		if (r < 0)
			return mb_wrap(err, r, "container %s requires another",
			               mb_container_name(c));
	}
	return r;
}

int mb_container_start(struct mb_container *c, struct mb_container_start *how,
                       struct mb_container_session *ret_session, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = how->restart ? 0 : mb_container_start_required(c, err);

	if (r < 0) {
		how->exit_code = 125;
		return r;
	}
	r = mb_container_lock(c, &lock, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	r = mb_container_require(c, err);
	if (r < 0)
		return r;
	if (c->state.status == MB_STATUS_PAUSED)
		return mb_fail(err, EBUSY, "cannot start a paused container, try unpause instead");
	if (how->restart ? !is_mine_to_restart(c) : mb_container_is_running(c))
		return 0;
	return mb_container_start_locked(c, how, ret_session, err);
}
