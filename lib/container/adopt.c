/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container whose monitor was killed runs on; the next command that meets it gives it another.
 * Its pipes are found through its own process, whose ends are open both ways for this. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container/cgroup_of.h"
#include "container/logto.h"
#include "container/pause.h"
#include "container/start_parts.h"
#include "core/err.h"
#include "monitor/client.h"
#include "sys/path.h"
#include "sys/proc.h"

struct adopting {
	struct mb_container *c;
	struct mb_container_session *session; /* which is to be its foreground, or NULL */
	struct mb_container_monitor monitor;
	struct mb_sys_cgroup_host *cgroups;
	struct mb_sys_cgroup *cgroup;
	struct mb_net *net;
	struct mb_net_sandbox *sandbox;
	struct mb_net_resolver resolver;
	struct mb_container_logto logto;
	struct mb_container_oom oom;
	int pidfd, netns;
	bool has_resolver;
};

static void adopting_done(struct adopting *a)
{
	mb_container_monitor_done(&a->monitor);
	mb_sys_cgroup_free(a->cgroup);
	mb_sys_cgroup_host_free(a->cgroups);
	mb_net_sandbox_free(a->sandbox);
	if (a->has_resolver)
		mb_net_resolver_done(&a->resolver);
	mb_net_free(a->net);
	mb_container_logto_done(&a->logto);
	mb_close(&a->oom.fd);
	mb_close(&a->oom.event_fd);
	mb_close(&a->pidfd);
	mb_close(&a->netns);
}

/* Only a pipe is opened: what else the program has put there, or puts there meanwhile, is its own.
 */
static int open_its(pid_t pid, int fd, int flags)
{
	MB_AUTO_CLOSE int place = -1;
	char path[48];
	struct stat st;
	int opened = -1;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	place = open(path, O_PATH | O_CLOEXEC);
	if (place < 0 || fstat(place, &st) < 0 || !S_ISFIFO(st.st_mode) ||
	    mb_sys_path_reopen(place, flags | O_NONBLOCK, &opened, NULL) < 0)
		return -1;
	return opened;
}

/* Input that is to end once, and has: opening it again would take that back. */
static bool has_ended(int pidfd)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_getfd, pidfd, 0, 0)};
	bool ended = p.fd >= 0 && poll(&p, 1, 0) > 0 && p.revents & POLLHUP;

	mb_close(&p.fd);
	return ended;
}

static void open_pipes(struct adopting *a, const struct mb_container_config *config)
{
	pid_t pid = a->c->state.run.pid;

	if (config->open_stdin && !(config->stdin_once && has_ended(a->pidfd)))
		a->monitor.ours[0] = open_its(pid, 0, O_WRONLY);
	a->monitor.ours[1] = open_its(pid, 1, O_RDONLY);
	a->monitor.ours[2] = open_its(pid, 2, O_RDONLY);
}

static int open_network(struct adopting *a, struct mb_err *err)
{
	int r;

	mb_net_new(a->c->store, &a->net);
	r = mb_net_sandbox_load(a->net, a->c->id, &a->sandbox, err);
	if (r == MB_NET_ABSENT)
		return 0;
	if (r == 0)
		r = mb_net_sandbox_reserve(a->net, a->sandbox, err);
	if (r == 0)
		r = mb_sys_proc_ns_open(a->c->state.run.pid, "net", &a->netns, err);
	if (r == 0 && a->sandbox->n_endpoints) {
		r = mb_net_resolver_open(a->net, a->netns, &a->resolver, err);
		a->has_resolver = r == 0;
	}
	return r;
}

static int fork_monitor(struct adopting *a, struct mb_err *err)
{
	struct mb_container *c = a->c;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return mb_fail_sys(err, errno, "cannot create a socket pair");
	a->monitor.pid = fork();
	if (a->monitor.pid == 0) {
		setsid();
		mb_monitor_image_exec(a->monitor.image, pair[1], c->state.run.pid, c->id, NULL);
		_exit(125);
	}
	close(pair[1]);
	a->monitor.sock = pair[0];
	return a->monitor.pid < 0 ? mb_fail_sys(err, errno, "cannot fork") : 0;
}

static int save_monitor(struct adopting *a, struct mb_err *err)
{
	struct mb_sys_proc_id id;
	int r = mb_sys_proc_id_read(a->monitor.pid, &id, err);

	if (r != 0)
		return r < 0 ? r : mb_fail(err, ESRCH, "the new monitor went away");
	a->c->state.run.monitor = id.pid;
	a->c->state.run.monitor_start = id.start;
	return mb_container_run_save(a->c->run_fd, &a->c->state.run, err);
}

static int adopt(struct adopting *a, struct mb_err *err)
{
	struct mb_container *c = a->c;
	struct mb_container_start how = {0};
	struct mb_container_monitor_start setup = {
		.how = &how,
		.console_fd = -1,
		.started = c->state.run.started,
	};
	const struct mb_container_config config = c->record->config;
	struct mb_sys_proc_id id = {.pid = c->state.run.pid, .start = c->state.run.pid_start};
	int r = mb_sys_proc_id_open(&id, &a->pidfd, err);

	if (r != 0)
		return r < 0 ? r : 0;
	c->record->config.tty = true; /* no new pipes: the old ones are found below */
	r = mb_container_monitor_open(c, &a->monitor, err);
	if (r == 0)
		r = mb_container_monitor_listen(c, &a->monitor, err);
	c->record->config = config;
	if (r == 0)
		r = open_network(a, err);
	if (r == 0)
		r = mb_container_cgroup_open(c, &a->cgroups, &a->cgroup, err);
	if (r == 0)
		r = mb_container_oom_open(a->cgroup, &a->oom, err);
	if (r == 0)
		r = mb_container_logto_open(c->record, true, &a->logto, err);
	if (r == 0)
		r = fork_monitor(a, err);
	if (r == 0)
		r = save_monitor(a, err);
	if (r < 0)
		return r;
	if (!config.tty)
		open_pipes(a, &config);
	if (a->session) {
		how.attach = true;
		how.want_stdin = a->session->stdin_fd >= 0;
		how.streams = a->session->streams;
		setup.console_fd = config.tty ? a->session->stdin_fd : -1;
	}
	setup.net = a->net;
	setup.sandbox = a->sandbox;
	setup.resolver = a->has_resolver ? &a->resolver : NULL;
	setup.oom = &a->oom;
	setup.adopted_pidfd = a->pidfd;
	setup.netns_fd = a->netns;
	setup.logto = &a->logto;
	return mb_container_monitor_setup(c, &a->monitor, &setup, err);
}

static int give_monitor(struct mb_container *c, struct mb_container_session *session, bool wait,
                        struct mb_err *err)
{
	__attribute__((cleanup(adopting_done))) struct adopting a = {
		.c = c,
		.session = session,
		.monitor = MB_CONTAINER_MONITOR_INIT,
		.resolver = MB_NET_RESOLVER_INIT,
		.logto = MB_CONTAINER_LOGTO_INIT,
		.oom = MB_CONTAINER_OOM_INIT,
		.pidfd = -1,
		.netns = -1,
	};
	MB_AUTO_CLOSE int lock = -1;
	int r;

	if (!c->state.monitor_lost || c->broken)
		return MB_CONTAINER_MONITORED;
	r = wait ? mb_container_lock(c, &lock, err) : mb_container_try_lock(c, &lock, err);
	if (r < 0)
		return r;
	if (r > 0 || !c->state.monitor_lost)
		return MB_CONTAINER_MONITORED;
	r = adopt(&a, err);
	if (r < 0)
		return mb_wrap(err, r, "container '%s' has lost its monitor and gets no other",
		               mb_container_name(c));
	if (session) {
		mb_close(&session->sock);
		session->sock = mb_take_fd(&a.monitor.sock);
	}
	mb_container_refresh(c);
	return 0;
}

int mb_container_adopt_for(struct mb_container *c, struct mb_container_session *session,
                           struct mb_err *err)
{
	return give_monitor(c, session, true, err);
}

void mb_container_adopt_seen(const struct mb_container *seen)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;

	if (seen->state.monitor_lost && mb_container_open(seen->store, seen->id, &c, NULL) == 0)
		(void)give_monitor(c, NULL, false, NULL);
}

int mb_container_adopt(struct mb_container *c, struct mb_err *err)
{
	int r = mb_container_adopt_for(c, NULL, err);

	return r < 0 ? r : mb_container_pause_mend(c, err);
}
