/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the container tells systemd by a socket of its own goes on to systemd's, line by line: only
 * what is about its state.  Who the main process is, and which descriptors are to be kept, is not
 * the container's to say. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "core/str.h"
#include "core/utf8.h"
#include "monitor/monitor.h"

enum { MESSAGES_AT_ONCE = 8, PAUSE_MS = 100 };

static bool may_pass(const char *line)
{
	static const char *const names[] = {
		"READY=",          "RELOADING=",          "STOPPING=", "STATUS=",
		"ERRNO=",          "WATCHDOG=",           "BUSERROR=", "EXIT_STATUS=",
		"MONOTONIC_USEC=", "EXTEND_TIMEOUT_USEC="};

	for (size_t i = 0; i < MB_N(names); i++)
		if (strncmp(line, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* systemctl shows it to people as it is; and what is no UTF-8 makes systemd drop it all. */
static void make_plain(char *text, size_t n)
{
	while (n) {
		uint32_t c;
		size_t valid = mb_utf8_decode(text, n, &c), take = valid ? valid : 1;

		if (!valid || mb_utf8_moves_terminal(c))
			memset(text, '?', take);
		text += take;
		n -= take;
	}
}

size_t mb_monitor_notify_filter(char *text, size_t n)
{
	char *to = text, *line = text, *end = text + n;

	while (line < end) {
		char *feed = memchr(line, '\n', (size_t)(end - line)), *next;

		if (!feed)
			feed = end; /* where there is room for one byte more */
		*feed = '\0';
		next = feed + 1;
		if (may_pass(line)) {
			size_t some = (size_t)(feed - line);

			memmove(to, line, some);
			make_plain(to, some);
			to += some;
			*to++ = '\n';
		}
		line = next;
	}
	return (size_t)(to - text);
}

int mb_monitor_notify_set(struct mb_monitor *m, int *fds, size_t n)
{
	if (n != 2 || m->phase != MB_MONITOR_UNBORN || m->notify.fd > 0)
		return -EBADMSG;
	m->notify.fd = mb_take_fd(&fds[0]);
	m->notify.to = mb_take_fd(&fds[1]);
	return mb_monitor_watch(m, m->notify.fd, MB_MONITOR_FROM_NOTIFY, 0, EPOLLIN);
}

/* Return: whether nothing is left that systemd had no room for. */
static bool send_held(struct mb_monitor *m)
{
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (m->notify.n_held && send(m->notify.to, m->notify.held, m->notify.n_held, flags) < 0 &&
	    (errno == EAGAIN || errno == ENOBUFS))
		return false;
	m->notify.n_held = 0;
	return true;
}

/* A container that tells much, or more than is taken, waits with the rest. */
void mb_monitor_notify_event(struct mb_monitor *m)
{
	bool goes = m->notify.fd > 0 && send_held(m);

	for (int i = 0; goes && i < MESSAGES_AT_ONCE; i++) {
		/* Descriptors that come along are dropped: so a barrier is answered. */
		ssize_t n = recv(m->notify.fd, m->notify.held, MB_MONITOR_NOTIFY_MAX, MSG_DONTWAIT);

		if (n < 0)
			return;
		m->notify.n_held = mb_monitor_notify_filter(m->notify.held, (size_t)n);
		goes = send_held(m);
	}
	if (m->notify.fd <= 0)
		return;
	mb_monitor_rewatch(m, m->notify.fd, MB_MONITOR_FROM_NOTIFY, 0, 0);
	m->notify.due = mb_monotonic_nsec() + PAUSE_MS * 1000000ll;
}

void mb_monitor_notify_step(struct mb_monitor *m)
{
	if (!m->notify.due || mb_monotonic_nsec() < m->notify.due)
		return;
	m->notify.due = 0;
	mb_monitor_rewatch(m, m->notify.fd, MB_MONITOR_FROM_NOTIFY, 0, EPOLLIN);
	mb_monitor_notify_event(m);
}

void mb_monitor_notify_close(struct mb_monitor *m)
{
	if (m->notify.fd <= 0)
		return;
	mb_monitor_notify_event(m); /* its last words */
	m->notify.due = 0;
	mb_close(&m->notify.fd);
	mb_close(&m->notify.to);
}
