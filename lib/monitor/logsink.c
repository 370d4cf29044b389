/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/logsink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/logformat.h"
#include "monitor/logwrite.h"
#include "monitor/source.h"

enum { RETRY_MS = 1000, FINISH_MS = 1000, NSEC_PER_MS = 1000000 };

_Static_assert(MB_LOGSINK_QUEUE >= sizeof(uint64_t) + MB_LOGWRITE_PIECE +
                                           2 * MB_MONITOR_LOGTO_TEXT + MB_LOGFORMAT_FRAME,
               "room for a message");

/* In front of each message of the queue. */
struct entry {
	uint32_t size; /* of the message */
	uint32_t text; /* bytes of output in it */
};

/* Bytes of the queue for a message of @n bytes, at most. */
static size_t needed(const struct mb_logsink *s, size_t n)
{
	return sizeof(struct entry) + n + 2 * strlen(s->to.text) + MB_LOGFORMAT_FRAME;
}

void mb_logsink_open(struct mb_logsink *s, int epoll, const struct mb_monitor_logto *to, int fd)
{
	size_t least;

	s->is_on = true;
	s->to = *to;
	s->epoll = epoll;
	s->fd = fd;
	s->second = -1;
	/* The longest message finds room at least in an empty queue. */
	least = needed(s, MB_LOGWRITE_PIECE);
	s->room = to->queue_bytes ? to->queue_bytes : MB_MONITOR_LOGTO_QUEUE;
	if (s->room < least)
		s->room = least;
	if (s->room > sizeof(s->queue))
		s->room = sizeof(s->queue);
}

static bool is_stream(const struct mb_logsink *s)
{
	return s->to.socktype == SOCK_STREAM;
}

/* --- the connection --------------------------------------------------------------------------- */

static void watch(struct mb_logsink *s)
{
	struct epoll_event e = {.events = EPOLLOUT,
	                        .data.u64 = (uint64_t)MB_MONITOR_FROM_LOGSINK << 32};

	if (!s->is_watched && epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->fd, &e) == 0)
		s->is_watched = true;
}

static void unwatch(struct mb_logsink *s)
{
	if (s->is_watched)
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	s->is_watched = false;
}

static void try_later(struct mb_logsink *s)
{
	s->retry = mb_monotonic_nsec() + (int64_t)RETRY_MS * NSEC_PER_MS;
}

static void lose(struct mb_logsink *s)
{
	unwatch(s);
	mb_close(&s->fd);
	s->is_connecting = false;
	s->sent = 0;
	try_later(s);
}

static void connect_again(struct mb_logsink *s)
{
	const struct sockaddr *to = (const void *)s->to.addr;
	int type = (int)s->to.socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;

	s->retry = 0;
	s->fd = socket(to->sa_family, type, 0);
	if (s->fd >= 0 && connect(s->fd, to, s->to.addr_len) == 0)
		return;
	if (s->fd >= 0 && errno == EINPROGRESS) {
		s->is_connecting = true;
		watch(s);
		return;
	}
	lose(s);
}

/* --- the queue -------------------------------------------------------------------------------- */

static struct entry first(const struct mb_logsink *s)
{
	struct entry e;

	memcpy(&e, s->queue + s->at, sizeof(e));
	return e;
}

static void shift(struct mb_logsink *s)
{
	s->at += sizeof(struct entry) + first(s).size;
	s->sent = 0;
	if (s->at == s->n)
		s->at = s->n = 0;
}

/* Where @size more bytes may stand; NULL: there is no room.  What has been sent gives its room
 * back in large pieces, so that a slow reader makes us copy little. */
static char *reserve(struct mb_logsink *s, size_t size)
{
	if (s->n + size > s->room && s->at >= s->room / 2) {
		memmove(s->queue, s->queue + s->at, s->n - s->at);
		s->n -= s->at;
		s->at = 0;
	}
	return s->n + size <= s->room ? s->queue + s->n : NULL;
}

/* One message or a part of it.  Return: whether to go on. */
static bool send_first(struct mb_logsink *s)
{
	struct entry e = first(s);
	const char *message = s->queue + s->at + sizeof(e);
	ssize_t r = send(s->fd, message + s->sent, e.size - s->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	/* What an earlier datagram met; this one has not been sent yet. */
	if (r < 0 && errno == ECONNREFUSED && !is_stream(s))
		r = send(s->fd, message, e.size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r >= 0) {
		s->sent += (size_t)r;
		if (!is_stream(s) || s->sent == e.size)
			shift(s);
		return true;
	}
	if (errno == EINTR)
		return true;
	if (errno == EAGAIN) {
		watch(s);
		return false;
	}
	/* The kernel has no memory: there is room at the other end, so that it would not be waited
	 * for. */
	if (errno == ENOBUFS) {
		try_later(s);
		return false;
	}
	if (errno == EMSGSIZE) {
		s->dropped += e.text;
		shift(s);
		return true;
	}
	lose(s);
	return false;
}

void mb_logsink_flush(struct mb_logsink *s)
{
	if (!s->is_on || s->is_connecting || s->is_watched || s->retry)
		return;
	if (s->fd < 0 && s->at < s->n)
		connect_again(s);
	while (s->fd >= 0 && !s->is_connecting && s->at < s->n)
		if (!send_first(s))
			return;
}

void mb_logsink_event(struct mb_logsink *s)
{
	int failure = 0;
	socklen_t size = sizeof(failure);

	if (s->fd < 0)
		return;
	unwatch(s);
	if (s->is_connecting) {
		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
		if (failure) {
			lose(s);
			return;
		}
		s->is_connecting = false;
	}
	mb_logsink_flush(s);
}

int64_t mb_logsink_deadline(const struct mb_logsink *s)
{
	return s->at < s->n ? s->retry : 0;
}

void mb_logsink_step(struct mb_logsink *s)
{
	if (!mb_logsink_deadline(s) || mb_monotonic_nsec() < s->retry)
		return;
	s->retry = 0;
	mb_logsink_flush(s);
}

void mb_logsink_finish(struct mb_logsink *s)
{
	int64_t end = mb_monotonic_nsec() + (int64_t)FINISH_MS * NSEC_PER_MS;

	/* Whoever was away a moment ago may be back. */
	s->retry = 0;
	mb_logsink_flush(s);
	while (s->is_on && s->fd >= 0 && !s->retry && s->at < s->n) {
		int64_t left = (end - mb_monotonic_nsec()) / NSEC_PER_MS;
		struct pollfd p = {.fd = s->fd, .events = POLLOUT};

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			break;
		mb_logsink_event(s);
	}
}

void mb_logsink_trim(struct mb_logsink *s)
{
	if (s->is_on && s->at == s->n)
		madvise(s->queue, sizeof(s->queue), MADV_DONTNEED);
}

/* --- records ---------------------------------------------------------------------------------- */

void mb_logsink_put(struct mb_logsink *s, enum mb_monitor_stream stream, const char *text, size_t n,
                    bool is_piece, int64_t nsec)
{
	struct entry e = {.text = (uint32_t)n};
	char *at = reserve(s, needed(s, n));

	if (!at) {
		s->dropped += n;
		/* What follows is no part of a line whose end is lost. */
		if (!is_piece)
			s->line[stream == MB_MONITOR_STDERR].is_open = false;
		return;
	}
	e.size = (uint32_t)mb_logformat_put(s, at + sizeof(e), stream, text, n, is_piece, nsec);
	memcpy(at, &e, sizeof(e));
	s->n += sizeof(e) + e.size;
}
