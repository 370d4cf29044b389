/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases of a DHCP server: when one is due `mybox __lease` sees to it, and is told of here by
 * another LEASE.  At the end of process 1 each address is given back by a frame that is ready. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/monitor.h"

enum { AGAIN_SEC = 10 };

static struct mb_monitor_leased *find(struct mb_monitor *m, const char *id)
{
	for (unsigned i = 0; i < m->lease.n; i++)
		if (strncmp(m->lease.v[i].what.id, id, sizeof(m->lease.v[i].what.id)) == 0)
			return &m->lease.v[i];
	return NULL;
}

int mb_monitor_lease_set(struct mb_monitor *m, const struct mb_monitor_lease *what, int *fd)
{
	struct mb_monitor_leased *l = find(m, what->id);

	if (!memchr(what->id, 0, sizeof(what->id)) || what->n > sizeof(what->frame))
		return -EINVAL;
	if (!l && m->lease.n == MB_MONITOR_NETWORKS_MAX)
		return -ENOSPC;
	if (!l) {
		l = &m->lease.v[m->lease.n++];
		l->fd = -1;
	}
	mb_close(&l->fd);
	l->fd = mb_take_fd(fd);
	if (l->fd >= 0)
		fcntl(l->fd, F_SETFL, O_NONBLOCK);
	l->what = *what;
	return 0;
}

void mb_monitor_lease_forget(struct mb_monitor *m, const char *id)
{
	struct mb_monitor_leased *l = find(m, id);

	if (!l)
		return;
	mb_close(&l->fd);
	*l = m->lease.v[--m->lease.n];
}

int64_t mb_monitor_lease_deadline(const struct mb_monitor *m)
{
	int64_t first = 0;

	if (m->lease.pid || m->phase != MB_MONITOR_ALIVE)
		return 0;
	for (unsigned i = 0; i < m->lease.n; i++) {
		int64_t due = m->lease.v[i].what.due;

		if (due && (!first || due < first))
			first = due;
	}
	/* The two clocks differ by the time that the machine slept. */
	return first ? mb_monotonic_nsec() + first - mb_boottime_nsec() : 0;
}

/* What is not told anew by then is tried again. */
static void put_off(struct mb_monitor *m)
{
	int64_t now = mb_boottime_nsec();

	for (unsigned i = 0; i < m->lease.n; i++)
		if (m->lease.v[i].what.due && m->lease.v[i].what.due <= now)
			m->lease.v[i].what.due = now + AGAIN_SEC * MB_NSEC_PER_SEC;
}

void mb_monitor_lease_step(struct mb_monitor *m)
{
	int64_t deadline = mb_monitor_lease_deadline(m);

	if (!deadline || mb_monotonic_nsec() < deadline)
		return;
	/* Somebody has removed all that is known of it: a lease would not be found. */
	if (faccessat(m->fd[MB_MONITOR_SLOT_RUN], "state.json", F_OK, 0) < 0) {
		put_off(m);
		return;
	}
	m->lease.pid = fork();
	if (m->lease.pid == 0)
		mb_monitor_process_become(m, "__lease");
	if (m->lease.pid < 0) {
		m->lease.pid = 0;
		put_off(m);
	}
}

void mb_monitor_lease_ended(struct mb_monitor *m, pid_t pid)
{
	if (pid != m->lease.pid)
		return;
	m->lease.pid = 0;
	put_off(m);
}

void mb_monitor_lease_drop(struct mb_monitor *m)
{
	if (m->lease.pid)
		kill(m->lease.pid, SIGKILL);
	m->lease.pid = 0;
	for (unsigned i = 0; i < m->lease.n; i++) {
		struct mb_monitor_leased *l = &m->lease.v[i];

		if (l->fd >= 0 && l->what.n)
			(void)!send(l->fd, l->what.frame, l->what.n, MSG_DONTWAIT);
		mb_close(&l->fd);
	}
	m->lease.n = 0;
}
