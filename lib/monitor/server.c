/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clients: who is connected, what they ask.  What an event says is only a hint (its slot may
 * have got a new owner since): what counts is what reading the socket gives. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/own.h"
#include "core/sock.h"
#include "monitor/monitor.h"

enum { MESSAGES_AT_ONCE = 8 };

struct message {
	struct mb_monitor *m;
	struct mb_monitor_client *c;
	struct mb_monitor_head head;
	const void *payload;
	int *fds; /* those still >= 0 are closed afterwards */
	size_t n_fds;
};

struct mb_monitor_client *mb_monitor_server_add(struct mb_monitor *m, int fd)
{
	const int room = MB_MONITOR_BEHIND_MAX;

	for (unsigned i = 0; i < MB_MONITOR_CLIENTS_MAX; i++) {
		struct mb_monitor_client *c = &m->client[i];

		if (c->fd)
			continue;
		if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
			setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		if (mb_monitor_watch(m, fd, MB_MONITOR_FROM_CLIENT, i, EPOLLIN) < 0)
			return NULL;
		*c = (struct mb_monitor_client){.fd = fd, .guard_fd = {-1, -1}};
		m->n_clients++;
		if (i >= m->n_slots)
			m->n_slots = i + 1;
		return c;
	}
	return NULL;
}

int mb_monitor_server_tell(struct mb_monitor *m, struct mb_monitor_client *c,
                           enum mb_monitor_type type, const void *payload, size_t n)
{
	struct mb_monitor_head head = {.type = (uint16_t)type, .size = (uint32_t)n};
	int r = mb_monitor_message_send(c->fd, &head, payload, NULL, 0);

	if (r < 0 && !(r == -EAGAIN && c->foreground))
		mb_monitor_server_drop(m, c);
	return r;
}

static void tell_error(int sock, int code)
{
	struct mb_monitor_head head = {.type = MB_MONITOR_ERROR,
	                               .size = sizeof(struct mb_monitor_error)};
	struct mb_monitor_error error = {.code = -code};

	snprintf(error.msg, sizeof(error.msg), "%s", strerror(-code));
	mb_monitor_message_send(sock, &head, &error, NULL, 0);
}

/* One that cannot be accepted would be announced for ever: it is taken from the queue with the last
 * descriptor that there is, and sent away. */
static void turn_away(struct mb_monitor *m)
{
	close(m->spare);
	close(accept4(m->fd[MB_MONITOR_SLOT_CONTROL], NULL, NULL, SOCK_CLOEXEC));
	m->spare = fcntl(m->epoll, F_DUPFD_CLOEXEC, 0);
}

void mb_monitor_server_accept(struct mb_monitor *m)
{
	int fd = accept4(m->fd[MB_MONITOR_SLOT_CONTROL], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		turn_away(m);
	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    (peer.uid != 0 && peer.uid != geteuid())) {
		close(fd);
	} else if (!mb_monitor_server_add(m, fd)) {
		tell_error(fd, -EBUSY);
		close(fd);
	}
}

static void give_up_stdin(struct mb_monitor *m, struct mb_monitor_client *c)
{
	if (!c->has_stdin)
		return;
	c->has_stdin = false;
	if (m->setup.flags & MB_MONITOR_STDIN_ONCE)
		mb_close(&m->fd[MB_MONITOR_SLOT_STDIN]);
}

void mb_monitor_server_drop(struct mb_monitor *m, struct mb_monitor_client *c)
{
	bool was_foreground = c->foreground, was_cleaning = c->is_cleaning;

	if (!c->fd)
		return;
	if (m->phase == MB_MONITOR_UNBORN && c == &m->client[0])
		mb_monitor_process_kill(m);
	give_up_stdin(m, c);
	mb_monitor_guard_fire(m, c);
	close(c->fd);
	c->fd = 0;
	c->streams = 0;
	c->foreground = c->waits = c->cleans = c->is_told = c->owes_exit = c->is_cleaning = false;
	m->n_clients--;
	if (was_foreground) {
		if (m->setup.flags & MB_MONITOR_TIED)
			mb_monitor_process_signal(m, SIGKILL);
		m->foreground = 0;
		mb_monitor_output_resume(m);
	}
	if (was_foreground || was_cleaning)
		mb_monitor_finish_step(m);
}

static void grant_stdin(struct mb_monitor *m, struct mb_monitor_client *c, int *ret_fd)
{
	bool taken = false;

	if (m->fd[MB_MONITOR_SLOT_CONSOLE] >= 0) {
		*ret_fd = m->fd[MB_MONITOR_SLOT_CONSOLE];
		return;
	}
	for (unsigned i = 0; i < m->n_slots; i++)
		taken |= m->client[i].fd && m->client[i].has_stdin;
	if (taken || m->fd[MB_MONITOR_SLOT_STDIN] < 0)
		return;
	c->has_stdin = true;
	*ret_fd = m->fd[MB_MONITOR_SLOT_STDIN];
}

static int on_attach(struct message *x)
{
	struct mb_monitor *m = x->m;
	struct mb_monitor_client *c = x->c;
	struct mb_monitor_attach attach;
	struct mb_monitor_attached reply = {.is_console = m->fd[MB_MONITOR_SLOT_CONSOLE] >= 0,
	                                    .log_inode = m->log.inode,
	                                    .log_offset = m->log.size};
	struct mb_monitor_head head = {.type = MB_MONITOR_ATTACHED, .size = sizeof(reply)};
	int fd = -1, r;

	mb_monitor_message_decode(&attach, sizeof(attach), x->payload, x->head.size);
	if (attach.flags & MB_MONITOR_WANT_STDIN)
		grant_stdin(m, c, &fd);
	reply.has_stdin = fd >= 0;
	r = mb_monitor_message_send(c->fd, &head, &reply, &fd, fd >= 0);
	if (r < 0) {
		mb_monitor_server_drop(m, c);
		return 0;
	}
	c->streams = attach.streams;
	c->waits = true;
	c->cleans = attach.flags & MB_MONITOR_CLEANS;
	for (unsigned i = 0; i < 2 && attach.flags & MB_MONITOR_WANT_TAIL; i++) {
		struct mb_logwrite_stream *s = &m->stream[i];
		struct mb_monitor_head output = {.type = MB_MONITOR_OUTPUT,
		                                 .stream = (uint16_t)s->stream,
		                                 .size = (uint32_t)s->n_tail};

		if (s->n_tail && c->streams & s->stream)
			mb_monitor_message_send(c->fd, &output, s->tail, NULL, 0);
	}
	mb_monitor_finish_tell(m, c);
	return 0;
}

static int on_wait(struct message *x)
{
	struct mb_monitor_wait wait;

	mb_monitor_message_decode(&wait, sizeof(wait), x->payload, x->head.size);
	x->c->waits = true;
	x->c->cleans |= (wait.flags & MB_MONITOR_CLEANS) != 0;
	mb_monitor_finish_tell(x->m, x->c);
	return 0;
}

static int on_resize(struct message *x)
{
	struct mb_monitor_resize size;
	struct winsize ws = {0};

	mb_monitor_message_decode(&size, sizeof(size), x->payload, x->head.size);
	ws.ws_row = size.rows;
	ws.ws_col = size.columns;
	if (x->m->fd[MB_MONITOR_SLOT_CONSOLE] >= 0)
		ioctl(x->m->fd[MB_MONITOR_SLOT_CONSOLE], TIOCSWINSZ, &ws);
	return 0;
}

static int say_ok(struct message *x)
{
	mb_monitor_server_tell(x->m, x->c, MB_MONITOR_OK, NULL, 0);
	return 0;
}

static int on_stopping(struct message *x)
{
	struct mb_monitor_stopping stopping;

	mb_monitor_message_decode(&stopping, sizeof(stopping), x->payload, x->head.size);
	x->m->stopping = stopping.on;
	say_ok(x);
	if (stopping.on)
		mb_monitor_finish_cancel(x->m);
	return 0;
}

static int on_policy(struct message *x)
{
	mb_monitor_message_decode(&x->m->setup.policy, sizeof(x->m->setup.policy), x->payload,
	                          x->head.size);
	return say_ok(x);
}

static int on_close_stdin(struct message *x)
{
	give_up_stdin(x->m, x->c);
	return 0;
}

static int on_guard(struct message *x)
{
	struct mb_monitor_client *c = x->c;
	struct mb_monitor_guard guard;

	mb_monitor_message_decode(&guard, sizeof(guard), x->payload, x->head.size);
	if (c->guarded || x->n_fds != (guard.cgroup ? 2 : 1))
		return -EINVAL;
	guard.name[sizeof(guard.name) - 1] = '\0';
	if (guard.cgroup && (!guard.name[0] || strchr(guard.name, '/') || guard.name[0] == '.'))
		return -EINVAL;
	c->guarded = true;
	c->guard_is_cgroup = guard.cgroup;
	memcpy(c->guard_name, guard.name, sizeof(guard.name));
	for (size_t i = 0; i < x->n_fds; i++)
		c->guard_fd[i] = mb_take_fd(&x->fds[i]);
	return say_ok(x);
}

static int on_release(struct message *x)
{
	mb_monitor_guard_disarm(x->c);
	return say_ok(x);
}

static int on_exec_aside(struct message *x)
{
	int r = x->n_fds == 2 ? mb_monitor_execs_start(x->m, x->fds) : -EBADMSG;

	return r < 0 ? r : say_ok(x);
}

static int on_exec_began(struct message *x)
{
	struct mb_monitor_began what;
	int r;

	mb_monitor_message_decode(&what, sizeof(what), x->payload, x->head.size);
	r = what.pid > 0 ? mb_monitor_execs_began(x->m, x->c->fd, &what) : -EINVAL;
	return r < 0 ? r : say_ok(x);
}

static int on_exec_left(struct message *x)
{
	struct mb_monitor_began what;
	int r;

	mb_monitor_message_decode(&what, sizeof(what), x->payload, x->head.size);
	r = x->n_fds == 2 ? mb_monitor_left_take(x->m, &what, x->fds) : -EBADMSG;
	return r < 0 ? r : say_ok(x);
}

static int on_cleaned(struct message *x)
{
	if (x->m->phase == MB_MONITOR_LINGER && x->c->is_cleaning) {
		mb_logsink_finish(&x->m->logsink);
		mb_monitor_logpack_drop(x->m);
		_exit(0);
	}
	return 0;
}

static int on_info(struct message *x)
{
	struct mb_monitor *m = x->m;
	struct mb_monitor_info info = {.monitor_pid = getpid(),
	                               .pid = m->pid,
	                               .exit_code = m->exit_code,
	                               .restarts = m->restarts,
	                               .clients = m->n_clients,
	                               .started_nsec = m->setup.started_nsec,
	                               .finished_nsec = m->finished_nsec,
	                               .output_bytes = m->output_bytes,
	                               .dropped_bytes = m->log.dropped,
	                               .unsent_bytes = m->logsink.dropped,
	                               .dns_queries = m->dns.n_queries,
	                               .dns_forwarded = m->dns.n_forwarded,
	                               .dns_dropped = m->dns.n_dropped};

	info.state = m->phase <= MB_MONITOR_DRAINING  ? MB_MONITOR_RUNNING
	             : m->phase == MB_MONITOR_RESTART ? MB_MONITOR_BACKOFF
	                                              : MB_MONITOR_ENDED;
	if (m->phase == MB_MONITOR_RESTART)
		info.restart_nsec = m->restart_nsec;
	mb_monitor_server_tell(m, x->c, MB_MONITOR_INFO_IS, &info, sizeof(info));
	return 0;
}

static int on_hold(struct message *x)
{
	return mb_monitor_birth_hold(x->m, x->fds, x->n_fds);
}

static int on_relay(struct message *x)
{
	struct mb_monitor_relay what;

	mb_monitor_message_decode(&what, sizeof(what), x->payload, x->head.size);
	return mb_monitor_relay_add(x->m, &what, x->fds, x->n_fds);
}

static int on_target(struct message *x)
{
	struct mb_monitor_target target;

	mb_monitor_message_decode(&target, sizeof(target), x->payload, x->head.size);
	return mb_monitor_relay_aim(x->m, &target);
}

static int on_about(struct message *x)
{
	return mb_monitor_tell_about(x->m, x->payload, x->head.size);
}

static int on_health(struct message *x)
{
	struct mb_monitor_health how;

	mb_monitor_message_decode(&how, sizeof(how), x->payload, x->head.size);
	return mb_monitor_health_set(x->m, &how);
}

static int on_logto(struct message *x)
{
	struct mb_monitor_logto *to = (void *)x->m->scratch;
	int r;

	if (x->n_fds > 1)
		return -EBADMSG;
	mb_monitor_message_decode(to, sizeof(*to), x->payload, x->head.size);
	r = mb_monitor_birth_logto(x->m, to, x->n_fds ? x->fds[0] : -1);
	if (r == 0 && x->m->logsink.is_on)
		x->n_fds = 0;
	return r;
}

static int on_notify(struct message *x)
{
	return mb_monitor_notify_set(x->m, x->fds, x->n_fds);
}

static int on_unhold(struct message *x)
{
	struct mb_monitor_unhold what;

	mb_monitor_message_decode(&what, sizeof(what), x->payload, x->head.size);
	mb_monitor_birth_unhold(x->m, &what);
	return say_ok(x);
}

static int on_network(struct message *x)
{
	struct mb_monitor_network network;

	mb_monitor_message_decode(&network, sizeof(network), x->payload, x->head.size);
	return x->n_fds == 1 ? mb_dns_network_add(&x->m->dns, &network, &x->fds[0]) : -EBADMSG;
}

static int on_unnetwork(struct message *x)
{
	struct mb_monitor_network network;

	mb_monitor_message_decode(&network, sizeof(network), x->payload, x->head.size);
	network.id[sizeof(network.id) - 1] = '\0';
	mb_dns_network_remove(&x->m->dns, network.id);
	mb_monitor_lease_forget(x->m, network.id);
	return 0;
}

static int on_lease(struct message *x)
{
	struct mb_monitor_lease what;
	int none = -1;

	mb_monitor_message_decode(&what, sizeof(what), x->payload, x->head.size);
	return x->n_fds > 1 ? -EBADMSG
	                    : mb_monitor_lease_set(x->m, &what, x->n_fds ? &x->fds[0] : &none);
}

static int on_dns(struct message *x)
{
	struct mb_monitor_dns dns;
	int fds[MB_MONITOR_DNS_SLOT_N_];
	int r;

	mb_monitor_message_decode(&dns, sizeof(dns), x->payload, x->head.size);
	r = mb_monitor_message_slots(dns.slots, x->fds, x->n_fds, fds, MB_MONITOR_DNS_SLOT_N_);
	if (r == 0 && !dns.slots && x->m->dns.is_open) {
		mb_dns_ask_others(&x->m->dns, &dns);
		return 0;
	}
	if (r == 0)
		r = mb_dns_open(&x->m->dns, x->m->epoll, &dns, fds);
	if (r == 0)
		x->n_fds = 0; /* taken over */
	return r;
}

static int on_setup(struct message *x)
{
	int r = mb_monitor_birth_setup(x->m, x->c, x->payload, x->head.size, x->fds, x->n_fds);

	if (r == 0)
		x->n_fds = 0;
	return r;
}

static int (*const handlers[])(struct message *) = {
	[MB_MONITOR_SETUP] = on_setup,
	[MB_MONITOR_HOLD] = on_hold,
	[MB_MONITOR_NETWORK] = on_network,
	[MB_MONITOR_UNNETWORK] = on_unnetwork,
	[MB_MONITOR_DNS] = on_dns,
	[MB_MONITOR_ATTACH] = on_attach,
	[MB_MONITOR_WAIT] = on_wait,
	[MB_MONITOR_RESIZE] = on_resize,
	[MB_MONITOR_STOPPING] = on_stopping,
	[MB_MONITOR_POLICY] = on_policy,
	[MB_MONITOR_CLOSE_STDIN] = on_close_stdin,
	[MB_MONITOR_EXEC_GUARD] = on_guard,
	[MB_MONITOR_EXEC_RELEASE] = on_release,
	[MB_MONITOR_EXEC_ASIDE] = on_exec_aside,
	[MB_MONITOR_EXEC_BEGAN] = on_exec_began,
	[MB_MONITOR_EXEC_LEFT] = on_exec_left,
	[MB_MONITOR_CLEANED] = on_cleaned,
	[MB_MONITOR_INFO] = on_info,
	[MB_MONITOR_UNHOLD] = on_unhold,
	[MB_MONITOR_LOGTO] = on_logto,
	[MB_MONITOR_NOTIFY] = on_notify,
	[MB_MONITOR_RELAY] = on_relay,
	[MB_MONITOR_TARGET] = on_target,
	[MB_MONITOR_ABOUT] = on_about,
	[MB_MONITOR_HEALTH] = on_health,
	[MB_MONITOR_LEASE] = on_lease,
};

static bool may_come_early(unsigned type)
{
	return type == MB_MONITOR_SETUP || type == MB_MONITOR_HOLD || type == MB_MONITOR_NETWORK ||
	       type == MB_MONITOR_DNS || type == MB_MONITOR_RELAY || type == MB_MONITOR_TARGET ||
	       type == MB_MONITOR_ABOUT || type == MB_MONITOR_HEALTH || type == MB_MONITOR_LOGTO ||
	       type == MB_MONITOR_NOTIFY || type == MB_MONITOR_LEASE;
}

/* Whoever comes to stop the container, or to ask, always finds a place. */
static bool is_full(const struct message *x)
{
	unsigned type = x->head.type;
	struct mb_monitor_wait wait = {0};

	if (type == MB_MONITOR_WAIT)
		mb_monitor_message_decode(&wait, sizeof(wait), x->payload, x->head.size);
	return x->m->n_clients > MB_MONITOR_CLIENTS_STAY &&
	       (type == MB_MONITOR_ATTACH || type == MB_MONITOR_EXEC_GUARD ||
	        type == MB_MONITOR_EXEC_ASIDE ||
	        (type == MB_MONITOR_WAIT && !(wait.flags & MB_MONITOR_CLEANS)));
}

static void handle(struct message *x)
{
	struct mb_monitor *m = x->m;
	bool unborn = m->phase == MB_MONITOR_UNBORN;
	unsigned type = x->head.type;
	int r;

	if (type >= MB_N(handlers) || !handlers[type])
		r = -ENOSYS;
	else if (unborn ? !may_come_early(type) : type == MB_MONITOR_SETUP)
		r = -EPROTO;
	else if (is_full(x))
		r = -EBUSY;
	else
		r = handlers[type](x);
	if (r == 0)
		return;
	if (x->c->fd)
		tell_error(x->c->fd, r);
	if (unborn)
		mb_monitor_process_kill(m);
}

/* Return: whether another message may be there. */
static bool receive(struct mb_monitor *m, struct mb_monitor_client *c)
{
	int fds[MB_SOCK_MAX_FDS];
	struct message x = {.m = m, .c = c, .fds = fds};
	size_t n;
	int r = mb_sock_receive(c->fd, m->packet, sizeof(m->packet), &n, fds, MB_N(fds), &x.n_fds);

	if (r == -EAGAIN)
		return false;
	if (r == 0 && n > 0)
		r = mb_monitor_message_check(m->packet, n, &x.head);
	if (r == 0 && n > 0) {
		x.payload = m->packet + sizeof(x.head);
		handle(&x);
	}
	for (size_t i = 0; i < x.n_fds; i++)
		mb_close(&fds[i]);
	if (r < 0 || n == 0)
		mb_monitor_server_drop(m, c);
	return c->fd != 0;
}

void mb_monitor_server_event(struct mb_monitor *m, unsigned index, uint32_t events)
{
	struct mb_monitor_client *c = &m->client[index];

	if (c->fd && events & EPOLLOUT && c->foreground)
		mb_monitor_output_resume(m);
	for (int i = 0; i < MESSAGES_AT_ONCE && c->fd && receive(m, c); i++)
		;
}
