/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections by TCP.  What is under way is in the kernel's pipes, never here: splice(2) moves it,
 * and who reads slowly makes the other side wait. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/own.h"
#include "monitor/relay.h"

enum {
	PIPE_BYTES = 64 << 10,
	ROUNDS = 32, /* of one connection, before another has its turn */
	EVENTS = 32,
	LISTENER = MB_MONITOR_RELAY_CONNS, /* index of its events */
};

/* One direction. */
struct half {
	int pipe[2];
	size_t held; /* bytes in the pipe */
	bool read_all, told;
};

struct conn {
	int fd[2]; /* who came, the container; fd[0] 0: free slot */
	bool is_open;
	unsigned attempt;
	struct half half[2]; /* from fd[0], from fd[1] */
};

static struct {
	const struct mb_monitor_relay_job *job;
	int epoll;
	unsigned n;
	unsigned first; /* the address that answered last */
	bool is_full;
	struct conn conn[MB_MONITOR_RELAY_CONNS];
} relay;

static int watch(int op, int fd, unsigned index, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u32 = index};

	return epoll_ctl(relay.epoll, op, fd, &e) < 0 ? -errno : 0;
}

static void watch_listener(bool on)
{
	relay.is_full = !on;
	(void)watch(EPOLL_CTL_MOD, relay.job->fd, LISTENER, on ? EPOLLIN : 0);
}

static void close_conn(struct conn *c, bool refused)
{
	const struct linger at_once = {.l_onoff = 1};

	if (refused)
		setsockopt(c->fd[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	for (int i = 0; i < 2; i++) {
		mb_close(&c->fd[i]);
		mb_close(&c->half[i].pipe[0]);
		mb_close(&c->half[i].pipe[1]);
	}
	c->fd[0] = 0;
	relay.n--;
	if (relay.is_full)
		watch_listener(true);
}

/* To the first address that can be tried from here on.  Return: whether there is one. */
static bool connect_next(struct conn *c)
{
	union mb_monitor_relay_address to[2];
	unsigned n = mb_monitor_relay_addresses(relay.job, to);
	const int one = 1;

	mb_close(&c->fd[1]);
	while (c->fd[1] < 0 && c->attempt < n) {
		unsigned at = (relay.first + c->attempt++) % n;

		c->fd[1] = mb_monitor_relay_connect(&to[at], SOCK_STREAM);
	}
	if (c->fd[1] < 0)
		return false;
	setsockopt(c->fd[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(c->fd[1], SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	return watch(EPOLL_CTL_ADD, c->fd[1], (unsigned)(c - relay.conn),
	             EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) == 0;
}

/* Only for [::1]: where the socket is on [::], others come by it if no firewall leads them. */
static bool is_for_loopback(int fd)
{
	struct sockaddr_in6 at = {0};
	socklen_t size = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &size) == 0 &&
	       IN6_IS_ADDR_LOOPBACK(&at.sin6_addr);
}

static bool open_conn(struct conn *c, int fd)
{
	const int one = 1;

	*c = (struct conn){.fd = {fd, -1}, .half = {{.pipe = {-1, -1}}, {.pipe = {-1, -1}}}};
	relay.n++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	for (int i = 0; i < 2; i++)
		if (pipe2(c->half[i].pipe, O_CLOEXEC | O_NONBLOCK) < 0)
			return false;
	return watch(EPOLL_CTL_ADD, fd, (unsigned)(c - relay.conn),
	             EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) == 0 &&
	       connect_next(c);
}

static void on_listener(void)
{
	struct conn *c = relay.conn;
	int fd;

	while (c < relay.conn + MB_MONITOR_RELAY_CONNS && c->fd[0])
		c++;
	if (c == relay.conn + MB_MONITOR_RELAY_CONNS) {
		watch_listener(false);
		return;
	}
	fd = accept4(relay.job->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if ((errno == EMFILE || errno == ENFILE) && relay.n)
			watch_listener(false);
		return;
	}
	if (!is_for_loopback(fd)) {
		close(fd);
		return;
	}
	if (!open_conn(c, fd))
		close_conn(c, true);
}

/* Return: whether the connection is answered; *@ret_dead: nobody answers any more. */
static bool is_answered(struct conn *c, bool *ret_dead)
{
	struct sockaddr_in6 peer;
	socklen_t size = sizeof(int), peer_size = sizeof(peer);
	int error = 0;

	if (c->is_open)
		return true;
	if (getsockopt(c->fd[1], SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error) {
		*ret_dead = !connect_next(c);
		return false;
	}
	if (getpeername(c->fd[1], (struct sockaddr *)&peer, &peer_size) < 0)
		return false;
	c->is_open = true;
	if (c->attempt > 1)
		relay.first++;
	return true;
}

/* Return: bytes moved; 0: neither end can; or -1: the connection is broken. */
static ssize_t move(struct half *h, int from, int to)
{
	const unsigned flags = SPLICE_F_NONBLOCK | SPLICE_F_MOVE;
	ssize_t in = 0, out = 0;

	if (!h->read_all && h->held < PIPE_BYTES) {
		in = splice(from, NULL, h->pipe[1], NULL, PIPE_BYTES - h->held, flags);
		if (in == 0)
			h->read_all = true;
		if (in < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (in > 0)
			h->held += (size_t)in;
	}
	if (h->held) {
		out = splice(h->pipe[0], NULL, to, NULL, h->held, flags);
		if (out < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (out > 0)
			h->held -= (size_t)out;
	}
	if (h->read_all && !h->held && !h->told) {
		shutdown(to, SHUT_WR);
		h->told = true;
	}
	return (in > 0 ? in : 0) + (out > 0 ? out : 0);
}

static void on_conn(struct conn *c)
{
	bool dead = false;

	if (!c->fd[0])
		return;
	if (!is_answered(c, &dead)) {
		if (dead)
			close_conn(c, true);
		return;
	}
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t there = move(&c->half[0], c->fd[0], c->fd[1]);
		ssize_t back = move(&c->half[1], c->fd[1], c->fd[0]);

		if (there < 0 || back < 0) {
			close_conn(c, true);
			return;
		}
		if (c->half[0].told && c->half[1].told) {
			close_conn(c, false);
			return;
		}
		if (!there && !back)
			return;
	}
	/* What is ready still is reported again, behind the others. */
	for (int i = 0; i < 2; i++)
		(void)watch(EPOLL_CTL_MOD, c->fd[i], (unsigned)(c - relay.conn),
		            EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

void mb_monitor_relay_tcp(const struct mb_monitor_relay_job *job)
{
	struct epoll_event events[EVENTS];

	relay.job = job;
	relay.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (relay.epoll < 0 || watch(EPOLL_CTL_ADD, job->fd, LISTENER, EPOLLIN) < 0)
		_exit(1);
	for (;;) {
		int n = epoll_wait(relay.epoll, events, EVENTS, MB_MONITOR_RELAY_IDLE_MS);

		if (n == 0 && !relay.n)
			_exit(0);
		for (int i = 0; i < n; i++) {
			if (events[i].data.u32 == LISTENER)
				on_listener();
			else
				on_conn(&relay.conn[events[i].data.u32]);
		}
	}
}
