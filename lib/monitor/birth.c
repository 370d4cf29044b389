/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SETUP: the moment from which the container outlives the command. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/monitor.h"

int mb_monitor_birth_hold(struct mb_monitor *m, const int *fds, size_t n_fds)
{
	if (m->n_holds + n_fds > MB_MONITOR_HOLDS_MAX)
		return -EMFILE;
	/* A copy, so that the caller's list stays the one that it closes. */
	for (size_t i = 0; i < n_fds; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, MB_MONITOR_SETUP_FD);

		if (fd < 0)
			return -errno;
		m->hold[m->n_holds++] = fd;
	}
	return 0;
}

bool mb_monitor_birth_is_bound_so(int fd, const struct mb_monitor_unhold *what)
{
	struct sockaddr_storage bound = {0};
	const struct sockaddr_in *four = (const void *)&bound;
	const struct sockaddr_in6 *six = (const void *)&bound;
	socklen_t len = sizeof(bound), size = sizeof(int);
	int proto = 0;

	if (getsockname(fd, (struct sockaddr *)&bound, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &proto, &size) < 0 ||
	    bound.ss_family != what->family || (uint32_t)proto != what->proto)
		return false;
	if (what->family == AF_INET)
		return ntohs(four->sin_port) == what->port &&
		       memcmp(&four->sin_addr, what->addr, sizeof(four->sin_addr)) == 0;
	return ntohs(six->sin6_port) == what->port &&
	       memcmp(&six->sin6_addr, what->addr, sizeof(six->sin6_addr)) == 0;
}

void mb_monitor_birth_unhold(struct mb_monitor *m, const struct mb_monitor_unhold *what)
{
	for (unsigned i = 0; i < m->n_holds;) {
		if (!mb_monitor_birth_is_bound_so(m->hold[i], what)) {
			i++;
			continue;
		}
		close(m->hold[i]);
		m->hold[i] = m->hold[--m->n_holds];
	}
	mb_monitor_relay_drop(m, what);
}

static bool is_ended(const char *text)
{
	return memchr(text, '\0', MB_MONITOR_PATH_MAX) != NULL;
}

static int watch_stream(struct mb_monitor *m, unsigned i, enum mb_monitor_slot slot)
{
	int fd = m->fd[slot];

	m->stream[i].stream = i == 0 ? MB_MONITOR_STDOUT : MB_MONITOR_STDERR;
	if (fd < 0)
		return 0;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	m->stream_fd[i] = fd;
	return mb_monitor_watch(m, fd, MB_MONITOR_FROM_STREAM, i, EPOLLIN);
}

static int watch_all(struct mb_monitor *m)
{
	bool tty = m->fd[MB_MONITOR_SLOT_CONSOLE] >= 0;
	int control = m->fd[MB_MONITOR_SLOT_CONTROL], pidfd = m->fd[MB_MONITOR_SLOT_PIDFD];
	int r = watch_stream(m, 0, tty ? MB_MONITOR_SLOT_CONSOLE : MB_MONITOR_SLOT_STDOUT);

	if (r == 0 && !tty)
		r = watch_stream(m, 1, MB_MONITOR_SLOT_STDERR);
	if (r == 0 && control >= 0) {
		fcntl(control, F_SETFL, O_NONBLOCK);
		r = mb_monitor_watch(m, control, MB_MONITOR_FROM_LISTENER, 0, EPOLLIN);
	}
	if (r == 0 && pidfd >= 0)
		r = mb_monitor_watch(m, pidfd, MB_MONITOR_FROM_PIDFD, 0, EPOLLIN);
	return r;
}

static void make_foreground(struct mb_monitor *m, struct mb_monitor_client *c)
{
	if (m->setup.flags & MB_MONITOR_FOREGROUND) {
		c->foreground = c->waits = true;
		c->streams = m->setup.foreground_streams;
		c->has_stdin = m->setup.flags & MB_MONITOR_STDIN_ONCE;
		m->foreground = (unsigned)(c - m->client) + 1;
	}
	c->cleans = m->setup.flags & MB_MONITOR_CLEANS;
	c->waits |= c->cleans;
}

int mb_monitor_birth_logto(struct mb_monitor *m, const struct mb_monitor_logto *to, int fd)
{
	bool goes = to->kind == MB_MONITOR_LOGTO_JOURNAL || to->kind == MB_MONITOR_LOGTO_SYSLOG;

	if (m->phase != MB_MONITOR_UNBORN || m->logsink.is_on || m->log.is_json ||
	    to->addr_len > sizeof(to->addr) || !memchr(to->text, 0, sizeof(to->text)) ||
	    (to->kind != MB_MONITOR_LOGTO_JSON && !goes))
		return -EINVAL;
	if (goes) {
		mb_logsink_open(&m->logsink, m->epoll, to, fd);
		m->log.sink = &m->logsink;
		return 0;
	}
	m->logto = *to;
	m->log.is_json = true;
	m->log.attrs = m->logto.text;
	snprintf(m->log.set.name, sizeof(m->log.set.name), "%s-json.log", m->id);
	return 0;
}

static void open_log(struct mb_monitor *m)
{
	m->log.is_fileless = m->setup.flags & MB_MONITOR_NO_LOG;
	m->log.packs = (m->setup.flags & MB_MONITOR_PACK_LOG) && !m->log.is_fileless;
	if (!m->log.is_fileless || m->log.sink)
		mb_logwrite_open(&m->log, m->fd[MB_MONITOR_SLOT_CONTAINER], m->setup.log_files,
		                 m->setup.log_size);
}

int mb_monitor_birth_setup(struct mb_monitor *m, struct mb_monitor_client *c, const void *payload,
                           size_t n, const int *fds, size_t n_fds)
{
	struct mb_monitor_setup *setup = &m->setup;
	int r;

	mb_monitor_message_decode(setup, sizeof(*setup), payload, n);
	r = mb_monitor_message_slots(setup->slots, fds, n_fds, m->fd, MB_MONITOR_SLOT_N_);
	if (r < 0)
		return r;
	if (m->fd[MB_MONITOR_SLOT_CONTAINER] < 0 || m->fd[MB_MONITOR_SLOT_RUN] < 0 ||
	    !is_ended(setup->exe) || !is_ended(setup->root) || !is_ended(setup->run) ||
	    !memchr(setup->table, 0, sizeof(setup->table)))
		return -EINVAL;
	if (!setup->started_nsec)
		setup->started_nsec = mb_now_nsec();
	m->born_nsec = mb_monotonic_nsec();
	m->restarts = setup->restarts;
	open_log(m);
	mb_monitor_loglost_load(m);
	m->dns.run_fd = m->fd[MB_MONITOR_SLOT_RUNROOT];
	m->dns.own_id = m->id;
	r = watch_all(m);
	if (r < 0)
		return r;
	make_foreground(m, c);
	m->phase = MB_MONITOR_ALIVE;
	mb_monitor_health_begin(m);
	mb_monitor_keeper_begin(m);
	mb_monitor_victim_begin(m);
	mb_monitor_server_tell(m, c, MB_MONITOR_READY, NULL, 0);
	mb_monitor_finish_reap(m);
	return 0;
}
