/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the container tells systemd by a socket of its own goes on to systemd's, line by line: only
 * what is about its state.  Who the main process is, and which descriptors are to be kept, is not
 * the container's to say. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/own.h"
#include "core/str.h"
#include "monitor/monitor.h"

enum { MESSAGE_MAX = 4096, MESSAGES_AT_ONCE = 8 };

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

void mb_monitor_notify_event(struct mb_monitor *m)
{
	for (int i = 0; i < MESSAGES_AT_ONCE && m->notify.fd > 0; i++) {
		char text[MESSAGE_MAX + 1];
		/* Descriptors that come along are dropped: so a barrier is answered. */
		ssize_t n = recv(m->notify.fd, text, MESSAGE_MAX, MSG_DONTWAIT);
		size_t left = n > 0 ? mb_monitor_notify_filter(text, (size_t)n) : 0;

		if (n < 0)
			return;
		if (left)
			send(m->notify.to, text, left, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

void mb_monitor_notify_close(struct mb_monitor *m)
{
	if (m->notify.fd <= 0)
		return;
	mb_monitor_notify_event(m); /* its last words */
	mb_close(&m->notify.fd);
	mb_close(&m->notify.to);
}
