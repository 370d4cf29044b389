/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions and answers by TCP (RFC 7766), those of upstreams too.  A connection is a small state
 * machine: mb_dns_tcp_step() runs it until it would have to wait. */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/id.h"
#include "core/own.h"
#include "monitor/dns.h"
#include "monitor/dns_learn.h"
#include "monitor/source.h"

enum step { WAIT, GO_ON, END };

static void wait_until(struct mb_dns_conn *c, int ms)
{
	c->deadline = mb_monotonic_nsec() + (int64_t)ms * 1000000;
}

static void close_up(struct mb_dns_conn *c)
{
	if (c->up)
		close(c->up);
	c->up = 0;
}

static void close_conn(struct mb_dns *d, struct mb_dns_conn *c)
{
	if (!c->fd)
		return;
	close_up(c);
	close(c->fd);
	c->fd = 0;
	d->n_conns--;
}

static void watch(struct mb_dns *d, struct mb_dns_conn *c, uint32_t events)
{
	mb_dns_watch(d, c->fd, MB_MONITOR_FROM_DNS_TCP, (size_t)(c - d->conn), events, true);
}

static void watch_up(struct mb_dns *d, struct mb_dns_conn *c, uint32_t events, bool again)
{
	mb_dns_watch(d, c->up, MB_MONITOR_FROM_DNS_TCP_UP, (size_t)(c - d->conn), events, again);
}

static void start_writing(struct mb_dns *d, struct mb_dns_conn *c, size_t n)
{
	c->n = n;
	c->sent = 0;
	c->state = MB_DNS_WRITING;
	wait_until(c, MB_DNS_TCP_IDLE_MS);
	watch(d, c, EPOLLOUT);
}

static void start_reading(struct mb_dns *d, struct mb_dns_conn *c)
{
	c->n = 0;
	c->state = MB_DNS_READING;
	wait_until(c, MB_DNS_TCP_IDLE_MS);
	watch(d, c, EPOLLIN);
}

/* Put a reply of @n bytes, which stands after the length, on its way. */
static void reply(struct mb_dns *d, struct mb_dns_conn *c, size_t n)
{
	c->buf[0] = (uint8_t)(n >> 8);
	c->buf[1] = (uint8_t)n;
	c->relay_left = 0;
	start_writing(d, c, n + 2);
}

/* Connect to the next upstream; the question goes out when that is done. */
static void ask_next(struct mb_dns *d, struct mb_dns_conn *c)
{
	const struct mb_dns_upstreams *u = mb_dns_upstreams_now(d);

	close_up(c);
	while (++c->attempt < u->n) {
		const union mb_dns_address *to = &u->at[c->attempt];
		int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd >= 0 && (connect(fd, &to->any, mb_dns_upstream_size(to)) == 0 ||
		                errno == EINPROGRESS)) {
			c->up = fd;
			c->up_asked = false;
			c->state = MB_DNS_ASKING;
			wait_until(c, MB_DNS_TCP_TRY_MS);
			watch(d, c, 0);
			watch_up(d, c, EPOLLOUT, false);
			return;
		}
		mb_close(&fd);
	}
	reply(d, c, mb_dns_answer_rcode(&c->q, MB_DNS_SERVFAIL, c->buf + 2));
}

static enum step on_query(struct mb_dns *d, struct mb_dns_conn *c)
{
	enum mb_dns_rcode rcode;
	size_t n = 0;
	int r = mb_dns_question_parse(c->buf + 2, c->n - 2, &c->q, &rcode);

	d->n_queries++;
	if (r == MB_DNS_DROP)
		return END;
	if (r == MB_DNS_ANSWER_RCODE) {
		reply(d, c, mb_dns_answer_rcode(&c->q, rcode, c->buf + 2));
	} else if (mb_dns_answer(d, &c->q, c->buf + 2, sizeof(c->buf) - 2, &n) == 0) {
		reply(d, c, n);
	} else {
		d->n_forwarded++;
		c->attempt = UINT32_MAX;
		ask_next(d, c);
	}
	return GO_ON;
}

/* Exactly one query, so that nothing of the next has to be kept. */
static enum step read_query(struct mb_dns *d, struct mb_dns_conn *c)
{
	size_t need = c->n < 2 ? 2 : 2 + (size_t)(c->buf[0] << 8 | c->buf[1]);
	ssize_t r;

	if (need > MB_DNS_TCP_QUERY)
		return END;
	r = recv(c->fd, c->buf + c->n, need - c->n, 0);
	if (r < 0)
		return errno == EAGAIN || errno == EINTR ? WAIT : END;
	if (r == 0)
		return END;
	c->n += (size_t)r;
	if (c->n < 2)
		return GO_ON;
	need = 2 + (size_t)(c->buf[0] << 8 | c->buf[1]);
	return need > 2 && c->n < need ? GO_ON : need == 2 ? END : on_query(d, c);
}

static enum step write_out(struct mb_dns *d, struct mb_dns_conn *c)
{
	ssize_t w = send(c->fd, c->buf + c->sent, c->n - c->sent, MSG_NOSIGNAL);

	if (w < 0)
		return errno == EAGAIN || errno == EINTR ? WAIT : END;
	c->sent += (size_t)w;
	if (c->sent < c->n)
		return GO_ON;
	if (c->relay_left) {
		c->state = MB_DNS_RELAYING;
		c->n = 0;
		watch(d, c, 0);
		watch_up(d, c, EPOLLIN, true);
	} else {
		start_reading(d, c);
	}
	return GO_ON;
}

static enum step fail(struct mb_dns *d, struct mb_dns_conn *c)
{
	ask_next(d, c);
	return GO_ON;
}

static enum step send_query(struct mb_dns *d, struct mb_dns_conn *c)
{
	uint8_t query[2 + MB_DNS_QUERY_MAX];
	int error = 0;
	socklen_t size = sizeof(error);
	ssize_t w;
	size_t n;

	getsockopt(c->up, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error)
		return fail(d, c);
	mb_random(&c->id, sizeof(c->id));
	n = mb_dns_question_format(&c->q, c->id, query + 2);
	query[0] = (uint8_t)(n >> 8);
	query[1] = (uint8_t)n;
	w = send(c->up, query, n + 2, MSG_NOSIGNAL);
	if (w < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
		return WAIT;
	if (w != (ssize_t)(n + 2))
		return fail(d, c);
	c->up_asked = true;
	c->n = 0;
	watch_up(d, c, EPOLLIN, true);
	return GO_ON;
}

/* The start of the response: enough of it to see that it is one, or all that can be learnt from. */
static enum step read_response(struct mb_dns *d, struct mb_dns_conn *c)
{
	size_t enough = mb_dns_learn_wants(d, &c->q) ? sizeof(c->buf)
	                                             : 2 + (size_t)MB_DNS_HEADER + c->q.n_raw;
	size_t total;
	ssize_t r = recv(c->up, c->buf + c->n, sizeof(c->buf) - c->n, 0);

	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return WAIT;
	if (r <= 0)
		return fail(d, c);
	c->n += (size_t)r;
	if (c->n < 2)
		return GO_ON;
	total = 2 + (size_t)(c->buf[0] << 8 | c->buf[1]);
	if (c->n < total && c->n < enough)
		return GO_ON;
	if (c->n > total || !mb_dns_response_fits(c->buf + 2, c->n - 2, c->id, &c->q))
		return fail(d, c);
	mb_dns_response_adopt(c->buf + 2, &c->q);
	mb_dns_learn(d, &c->q, c->buf + 2, c->n - 2);
	c->relay_left = total - c->n;
	if (c->relay_left)
		watch_up(d, c, 0, true);
	else
		close_up(c);
	start_writing(d, c, c->n);
	return GO_ON;
}

static enum step relay(struct mb_dns *d, struct mb_dns_conn *c)
{
	size_t room = c->relay_left < sizeof(c->buf) ? c->relay_left : sizeof(c->buf);
	ssize_t r = recv(c->up, c->buf, room, 0);

	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return WAIT;
	if (r <= 0)
		return END;
	c->relay_left -= (size_t)r;
	if (c->relay_left)
		watch_up(d, c, 0, true);
	else
		close_up(c);
	start_writing(d, c, (size_t)r);
	return GO_ON;
}

static enum step step(struct mb_dns *d, struct mb_dns_conn *c)
{
	switch (c->state) {
	case MB_DNS_READING:
		return read_query(d, c);
	case MB_DNS_WRITING:
		return write_out(d, c);
	case MB_DNS_ASKING:
		return c->up_asked ? read_response(d, c) : send_query(d, c);
	case MB_DNS_RELAYING:
		return relay(d, c);
	}
	return END;
}

void mb_dns_tcp_step(struct mb_dns *d, struct mb_dns_conn *c, bool from_up, bool hung_up)
{
	enum step next = GO_ON;

	/* Neither end is read all the time, but a hang-up is always reported: heed it, or spin. */
	if (hung_up && c->state != MB_DNS_READING && (!from_up || c->state != MB_DNS_ASKING))
		next = END;
	for (int i = 0; i < 64 && next == GO_ON; i++)
		next = step(d, c);
	if (next == END)
		close_conn(d, c);
}

void mb_dns_tcp_accept(struct mb_dns *d)
{
	const int one = 1;
	int fd = accept4(d->fd[MB_MONITOR_DNS_TCP], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (size_t i = 0; i < MB_DNS_CONNS; i++) {
		struct mb_dns_conn *c = &d->conn[i];

		if (c->fd)
			continue;
		if (mb_dns_watch(d, fd, MB_MONITOR_FROM_DNS_TCP, i, EPOLLIN, false) < 0)
			break;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c->fd = fd;
		c->up = 0;
		d->n_conns++;
		start_reading(d, c);
		return;
	}
	d->n_dropped++;
	close(fd);
}

void mb_dns_tcp_expire(struct mb_dns *d, int64_t now)
{
	for (size_t i = 0; i < MB_DNS_CONNS; i++) {
		struct mb_dns_conn *c = &d->conn[i];

		if (!c->fd || now < c->deadline)
			continue;
		if (c->state == MB_DNS_ASKING)
			ask_next(d, c);
		else
			close_conn(d, c);
	}
}

void mb_dns_tcp_close(struct mb_dns *d)
{
	for (size_t i = 0; d->n_conns && i < MB_DNS_CONNS; i++)
		close_conn(d, &d->conn[i]);
}
