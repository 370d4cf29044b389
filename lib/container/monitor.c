/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "container/check_request.h"
#include "container/event.h"
#include "container/exe.h"
#include "container/health.h"
#include "container/logging.h"
#include "container/logto.h"
#include "container/start_parts.h"
#include "core/err.h"
#include "core/event.h"
#include "core/sock.h"
#include "core/str.h"
#include "monitor/blob.h"
#include "monitor/client.h"
#include "monitor/oom.h"
#include "store/store.h"
#include "sys/beside.h"

void mb_container_monitor_done(struct mb_container_monitor *m)
{
	mb_close(&m->sock);
	mb_close(&m->image);
	mb_close(&m->control);
	for (int i = 0; i < 3; i++) {
		mb_close(&m->stdio[i]);
		mb_close(&m->ours[i]);
	}
}

/* A pipe.  The end that the container writes to is open for both directions: while a monitor is
 * away (it was killed, the next command brings another) a writer then waits for a reader instead
 * of dying of SIGPIPE.  Not so the end it reads from, or it would never see the end of input. */
static int open_pipe(int *ret_container, int *ret_ours, bool container_reads, struct mb_err *err)
{
	char path[32];
	int ends[2], both;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot create a pipe");
	if (container_reads) {
		*ret_container = ends[0];
		*ret_ours = ends[1];
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	both = open(path, O_RDWR | O_CLOEXEC);
	close(ends[1]);
	if (both < 0) {
		close(ends[0]);
		return mb_fail_sys(err, errno, "cannot open a pipe again");
	}
	*ret_container = both;
	*ret_ours = ends[0];
	return 0;
}

static int open_stdio(const struct mb_container_config *config, struct mb_container_monitor *m,
                      struct mb_err *err)
{
	int r = 0;

	if (config->tty)
		return 0;
	if (config->open_stdin)
		r = open_pipe(&m->stdio[0], &m->ours[0], true, err);
	for (int i = 1; r == 0 && i < 3; i++)
		r = open_pipe(&m->stdio[i], &m->ours[i], false, err);
	return r;
}

/* One file for all, so that they share its pages; a sealed one of its own for the monitor of a
 * container that sees the host's processes, and where the store is mounted noexec. */
static int open_image(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	const char *pid_mode = c->record->host.pid_mode;
	MB_AUTO_CLOSE int fd = -1;
	struct statvfs fs;

	if ((!pid_mode || !*pid_mode) &&
	    mb_monitor_image_share(c->store->root_fd, mb_monitor_elf, mb_monitor_elf_size, &fd,
	                           NULL) == 0 &&
	    fstatvfs(fd, &fs) == 0 && !(fs.f_flag & ST_NOEXEC)) {
		*ret_fd = mb_take_fd(&fd);
		return 0;
	}
	return mb_monitor_image_open(mb_monitor_elf, mb_monitor_elf_size, ret_fd, err);
}

int mb_container_monitor_open(struct mb_container *c, struct mb_container_monitor *m,
                              struct mb_err *err)
{
	int r = open_image(c, &m->image, err);

	return r < 0 ? r : open_stdio(&c->record->config, m, err);
}

int mb_container_monitor_listen(struct mb_container *c, struct mb_container_monitor *m,
                                struct mb_err *err)
{
	return mb_sock_listen(c->run_fd, "monitor.sock", SOCK_SEQPACKET, &m->control, err);
}

struct birth {
	const struct mb_container *c;
	const struct mb_container_monitor *m;
	struct mb_runtime_plan *plan;
	int sock;
};

static void become_monitor(void *arg)
{
	const struct birth *b = arg;
	struct mb_err err = MB_ERR_INIT;
	pid_t pid;

	setsid();
	if (mb_runtime_plan_clone(b->plan, &pid, NULL, &err) == 0)
		mb_monitor_image_exec(b->m->image, b->sock, pid, b->c->id, &err);
}

int mb_container_monitor_fork(struct mb_container *c, struct mb_container_monitor *m,
                              struct mb_runtime_plan *plan, struct mb_err *err)
{
	struct birth b = {.c = c, .m = m, .plan = plan};
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return mb_fail_sys(err, errno, "cannot create a socket pair");
	b.sock = pair[1];
	r = mb_sys_beside_spawn(become_monitor, &b, &m->pid, err);
	close(pair[1]);
	m->sock = pair[0];
	if (r < 0)
		return r;
	for (int i = 0; i < 3; i++)
		mb_close(&m->stdio[i]);
	return 0;
}

static int gone(int r, struct mb_err *err)
{
	return r > 0 ? mb_fail(err, EPIPE, "the container's monitor went away") : r;
}

static int send_names(int sock, struct mb_net *net, const struct mb_net_sandbox *sandbox,
                      struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv dirs = MB_STRV_INIT;
	int r = 0;

	mb_net_names_dirs(net, sandbox, &dirs);
	for (size_t i = 0; r == 0 && i < sandbox->n_endpoints && i < dirs.n; i++) {
		const struct mb_net_endpoint *e = &sandbox->endpoints[i];
		MB_AUTO_CLOSE int dir = open(dirs.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0)
			return mb_fail_sys(err, errno, "cannot open '%s'", dirs.v[i]);
		r = gone(mb_monitor_send_network(sock, e->network_id, e->network,
		                                 e->internal ? MB_MONITOR_INTERNAL : 0, dir, err),
		         err);
	}
	return r;
}

static int send_target(int sock, const struct mb_net_sandbox *sandbox, struct mb_err *err)
{
	struct mb_monitor_target target;

	if (!mb_net_relay_target(sandbox, target.ip4, target.ip6))
		return 0;
	return mb_monitor_send_target(sock, &target, err);
}

int mb_container_monitor_hold(int sock, const struct mb_net_sandbox *sandbox, struct mb_err *err)
{
	size_t n = sandbox->n_relays;
	MB_AUTO_FREE struct mb_monitor_relay_of *relays = mb_calloc(n + 1, sizeof(*relays));
	int r = mb_monitor_send_hold(sock, sandbox->reserved, sandbox->n_reserved, err);

	for (size_t i = 0; i < n; i++)
		relays[i] = (struct mb_monitor_relay_of){.fd = sandbox->relays[i].fd,
		                                         .proto = sandbox->relays[i].proto,
		                                         .port = sandbox->relays[i].port};
	if (r == 0 && n)
		r = send_target(sock, sandbox, err);
	if (r == 0)
		r = mb_monitor_send_relays(sock, relays, n, err);
	return r;
}

static int send_network(int sock, const struct mb_container_monitor_start *start,
                        struct mb_err *err)
{
	const struct mb_net_sandbox *sandbox = start->sandbox;
	int r = 0;

	if (sandbox->n_reserved || sandbox->n_relays)
		r = gone(mb_container_monitor_hold(sock, sandbox, err), err);
	if (r == 0)
		r = send_names(sock, start->net, sandbox, err);
	return r == 0 ? gone(mb_container_leases_send(sock, sandbox, start->netns_fd, err), err)
	              : r;
}

static void fill_upstreams(const struct mb_container *c, const struct mb_net_sandbox *sandbox,
                           struct mb_monitor_dns *dns)
{
	const struct mb_strv *servers = mb_net_servers(&c->record->host.dns, sandbox);

	for (size_t i = 0; i < servers->n && i < MB_MONITOR_UPSTREAMS_MAX; i++)
		snprintf(dns->upstream[i], sizeof(dns->upstream[i]), "%s", servers->v[i]);
}

/* To a monitor that has been at work: which servers there are may have changed with them. */
static int tell_leases(struct mb_container *c, int sock, const struct mb_net_sandbox *sandbox,
                       struct mb_err *err)
{
	static const int none[MB_MONITOR_DNS_SLOT_N_] = {-1, -1, -1, -1};
	struct mb_monitor_dns dns = {0};
	MB_AUTO_CLOSE int netns = -1;
	int r;

	if (!mb_net_has_leases(sandbox))
		return 0;
	netns = mb_container_netns_open(c->id, c->store);
	r = mb_container_leases_send(sock, sandbox, netns, err);
	fill_upstreams(c, sandbox, &dns);
	return r == 0 ? mb_monitor_send_dns(sock, &dns, none, err) : r;
}

int mb_container_network_changed(struct mb_container *c, struct mb_net *net, const char *left_id,
                                 struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *sandbox = NULL;
	struct mb_monitor_info heard;
	MB_AUTO_CLOSE int sock = -1;
	int r = c->run_fd < 0 ? MB_MONITOR_GONE : mb_monitor_connect(c->run_fd, &sock, err);

	/* Whoever adopts it reads the record. */
	if (r != 0)
		return r < 0 ? r : 0;
	r = mb_net_sandbox_load(net, c->id, &sandbox, err);
	if (r == 0 && left_id)
		r = mb_monitor_send_unnetwork(sock, left_id, err);
	if (r == 0)
		r = send_names(sock, net, sandbox, err);
	if (r == 0)
		r = tell_leases(c, sock, sandbox, err);
	if (r == 0)
		r = send_target(sock, sandbox, err);
	/* Its answer to anything says that it has heard all before: names are to be found now. */
	if (r == 0)
		r = mb_monitor_info(sock, &heard, err);
	if (r == 0)
		r = mb_container_etc_rehost(c, sandbox, err);
	if (r == 0)
		r = mb_container_etc_resolve(c, sandbox, err);
	return r < 0 ? r : 0;
}

static int send_dns(const struct mb_container *c, int sock,
                    const struct mb_container_monitor_start *start, struct mb_err *err)
{
	const struct mb_net_resolver *resolver = start->resolver;
	struct mb_monitor_dns dns = {0};
	int fds[MB_MONITOR_DNS_SLOT_N_] = {
		[MB_MONITOR_DNS_UDP] = resolver->udp_fd,
		[MB_MONITOR_DNS_TCP] = resolver->tcp_fd,
		[MB_MONITOR_DNS_RAW] = resolver->reply_fd,
		[MB_MONITOR_DNS_LINK] = resolver->link_fd,
	};

	fill_upstreams(c, start->sandbox, &dns);
	return gone(mb_monitor_send_dns(sock, &dns, fds, err), err);
}

static uint32_t restart_of(const struct mb_container_restart *policy)
{
	if (mb_streq(policy->name, "on-failure"))
		return MB_MONITOR_RESTART_ON_FAILURE;
	if (mb_streq(policy->name, "on-unhealthy"))
		return MB_MONITOR_RESTART_ON_UNHEALTHY;
	if (mb_streq(policy->name, "always") || mb_streq(policy->name, "unless-stopped"))
		return MB_MONITOR_RESTART_ALWAYS;
	return MB_MONITOR_RESTART_NO;
}

struct mb_monitor_policy mb_container_policy_of(const struct mb_container_restart *policy)
{
	return (struct mb_monitor_policy){.restart = restart_of(policy),
	                                  .max = (uint32_t)policy->max_retries};
}

static int fill_setup(struct mb_container *c, const struct mb_container_monitor_start *start,
                      struct mb_monitor_setup *setup, struct mb_err *err)
{
	const struct mb_container_record *record = c->record;
	const struct mb_container_start *how = start->how;
	const char *table = start->sandbox ? mb_net_table_of(start->net, start->sandbox) : NULL;

	*setup = (struct mb_monitor_setup){
		.started_nsec = start->started,
		.policy = mb_container_policy_of(&record->host.restart),
	};
	if (how->attach) {
		setup->flags |= MB_MONITOR_FOREGROUND | MB_MONITOR_CLEANS;
		setup->flags |= how->tied ? MB_MONITOR_TIED : 0;
		setup->foreground_streams = how->streams;
	}
	if (record->host.restart_delay)
		(void)mb_container_backoff_parse(record->host.restart_delay, &setup->backoff, NULL);
	mb_container_logging_setup(c, setup);
	if (record->host.auto_remove)
		setup->flags |= MB_MONITOR_LAZY_EXIT;
	if (record->config.stdin_once)
		setup->flags |= MB_MONITOR_STDIN_ONCE;
	if (how->restart && c->state.has_exit) {
		setup->restarts = (uint32_t)c->state.exit.restarts;
		setup->backoff_ms = (uint32_t)c->state.exit.backoff_ms;
	}
	if (start->adopted_pidfd >= 0)
		setup->restarts = (uint32_t)c->state.run.restart_count;
	if ((size_t)snprintf(setup->root, sizeof(setup->root), "%s", c->store->root) >=
	            sizeof(setup->root) ||
	    (size_t)snprintf(setup->run, sizeof(setup->run), "%s", c->store->run) >=
	            sizeof(setup->run))
		return mb_fail(err, ENAMETOOLONG, "the paths of the store are too long");
	if (table)
		snprintf(setup->table, sizeof(setup->table), "%s", table);
	return mb_container_exe_path(setup->exe, sizeof(setup->exe), err);
}

static int send_about(const struct mb_container *c, int sock, struct mb_err *err)
{
	const char *members;
	MB_EVENT e;
	size_t n;

	if (!mb_container_event_begin(c, "", &e))
		return 0;
	members = mb_event_members(&e, &n);
	/* Its labels come last. */
	if (n > MB_MONITOR_ABOUT_MAX) {
		mb_event_begin(&e, "", "", "");
		mb_event_set(&e, "image", c->record->config.image);
		mb_event_set(&e, "name", mb_container_name(c));
		members = mb_event_members(&e, &n);
	}
	return gone(mb_monitor_send_about(sock, members, n, err), err);
}

/* What the monitor before knew of the same run: what it had begun to do, else what its last probe
 * said. */
static uint32_t known_health(const struct mb_container *c)
{
	struct mb_container_health health;
	char word[16] = "";
	uint32_t says = 0;

	if (readlinkat(c->run_fd, MB_MONITOR_OWED, word, sizeof(word) - 1) > 0)
		return 1 + (mb_streq(word, "stop") ? MB_MONITOR_UNHEALTHY : MB_MONITOR_HOPELESS);
	mb_container_health_load(c, &health);
	if (health.n_log)
		says = 1 + (uint32_t)mb_container_health_says(&health, &c->record->config);
	mb_container_health_done(&health);
	return says;
}

/* @again: to another monitor of the same run. */
static int send_health(const struct mb_container *c, int sock, bool again, struct mb_err *err)
{
	struct mb_monitor_health how;

	if (!mb_container_health_setup(c, &how))
		return 0;
	if (again)
		how.known = known_health(c);
	return gone(mb_monitor_send_health(sock, &how, err), err);
}

void mb_container_monitor_about(struct mb_container *c)
{
	MB_AUTO_CLOSE int sock = -1;

	if (c->run_fd >= 0 && mb_monitor_connect(c->run_fd, &sock, NULL) == 0)
		(void)send_about(c, sock, NULL);
}

int mb_container_oom_open(struct mb_sys_cgroup *cgroup, struct mb_container_oom *ret,
                          struct mb_err *err)
{
	short events = 0;
	int r = cgroup ? mb_sys_cgroup_oom_event_open(cgroup, &ret->fd, &events, NULL) : 0;

	/* A cgroup2's file tells itself when it has changed. */
	if (r == 0 && events == POLLIN)
		ret->event_fd = mb_take_fd(&ret->fd);
	if (ret->event_fd >= 0 || r < 0)
		r = mb_sys_cgroup_oom_open(cgroup, &ret->fd, err);
	if (r == 0 && ret->fd >= 0)
		ret->before = mb_monitor_oom_count(ret->fd);
	return r < 0 ? r : 0; /* a host without the controller counts nothing */
}

int mb_container_monitor_setup(struct mb_container *c, struct mb_container_monitor *m,
                               const struct mb_container_monitor_start *start, struct mb_err *err)
{
	bool keeps_stdin = start->how->attach && start->how->want_stdin;
	struct mb_monitor_setup setup;
	MB_AUTO_CLOSE int exe = -1;
	int fds[MB_MONITOR_SLOT_N_], r = 0;

	r = send_about(c, m->sock, err);
	if (r == 0)
		r = send_health(c, m->sock, start->adopted_pidfd >= 0, err);
	if (r == 0 && start->logto->to)
		r = gone(mb_monitor_send_logto(m->sock, start->logto->to, start->logto->fd, err),
		         err);
	if (r == 0 && start->notify)
		r = gone(mb_monitor_send_notify(m->sock, start->notify, err), err);
	if (r == 0 && start->sandbox)
		r = send_network(m->sock, start, err);
	if (r == 0 && start->resolver)
		r = send_dns(c, m->sock, start, err);
	if (r == 0)
		r = fill_setup(c, start, &setup, err);
	if (r < 0)
		return r;
	setup.oom_before = start->oom->before;
	exe = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	for (int i = 0; i < MB_MONITOR_SLOT_N_; i++)
		fds[i] = -1;
	fds[MB_MONITOR_SLOT_CONTAINER] = c->dir_fd;
	fds[MB_MONITOR_SLOT_RUN] = c->run_fd;
	fds[MB_MONITOR_SLOT_RUNROOT] = c->store->run_fd;
	fds[MB_MONITOR_SLOT_CONTROL] = m->control;
	fds[MB_MONITOR_SLOT_STDIN] = keeps_stdin ? -1 : m->ours[0];
	fds[MB_MONITOR_SLOT_STDOUT] = m->ours[1];
	fds[MB_MONITOR_SLOT_STDERR] = m->ours[2];
	fds[MB_MONITOR_SLOT_CONSOLE] = start->console_fd;
	fds[MB_MONITOR_SLOT_OOM] = start->oom->fd;
	fds[MB_MONITOR_SLOT_OOM_EVENT] = start->oom->event_fd;
	fds[MB_MONITOR_SLOT_PIDFD] = start->adopted_pidfd;
	fds[MB_MONITOR_SLOT_EXE] = exe;
	fds[MB_MONITOR_SLOT_ROOT] = c->store->root_fd;
	return gone(mb_monitor_send_setup(m->sock, &setup, fds, err), err);
}
