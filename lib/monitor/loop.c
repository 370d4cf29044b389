/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop: waits for descriptors and for the nearest deadline, nothing else. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/monitor.h"

enum { EVENTS = 16, TRIM_MS = 500, GUARD_MS = 5 };

int mb_monitor_watch(struct mb_monitor *m, int fd, enum mb_monitor_source from, unsigned index,
                     uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = (uint64_t)from << 32 | index};

	return epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

void mb_monitor_rewatch(struct mb_monitor *m, int fd, enum mb_monitor_source from, unsigned index,
                        uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = (uint64_t)from << 32 | index};

	epoll_ctl(m->epoll, EPOLL_CTL_MOD, fd, &e);
}

static void on_signal(struct mb_monitor *m)
{
	struct signalfd_siginfo info;

	while (read(m->signals, &info, sizeof(info)) == sizeof(info))
		;
	mb_monitor_victim_seen(m);
	mb_monitor_finish_reap(m);
}

static void dispatch(struct mb_monitor *m, const struct epoll_event *e)
{
	unsigned index = (unsigned)e->data.u64;

	switch ((enum mb_monitor_source)(e->data.u64 >> 32)) {
	case MB_MONITOR_FROM_CLIENT:
		mb_monitor_server_event(m, index, e->events);
		break;
	case MB_MONITOR_FROM_LISTENER:
		mb_monitor_server_accept(m);
		break;
	case MB_MONITOR_FROM_SIGNAL:
		on_signal(m);
		break;
	case MB_MONITOR_FROM_PIDFD:
		mb_monitor_finish_lost(m);
		break;
	case MB_MONITOR_FROM_STREAM:
		mb_monitor_output_read(m, index);
		break;
	case MB_MONITOR_FROM_RELAY:
		mb_monitor_relay_begin(m, index);
		break;
	case MB_MONITOR_FROM_LOGSINK:
		mb_logsink_event(&m->logsink);
		break;
	case MB_MONITOR_FROM_NOTIFY:
		mb_monitor_notify_event(m);
		break;
	case MB_MONITOR_FROM_KEEPER:
		mb_monitor_keeper_event(m);
		break;
	case MB_MONITOR_FROM_SHARED:
		mb_monitor_keeper_shared(m);
		break;
	case MB_MONITOR_FROM_OOM:
		mb_monitor_victim_event(m);
		break;
	case MB_MONITOR_FROM_LEFT:
		mb_monitor_left_event(m, index);
		break;
	case MB_MONITOR_FROM_DNS_UDP:
	case MB_MONITOR_FROM_DNS_LISTENER:
	case MB_MONITOR_FROM_DNS_TCP:
	case MB_MONITOR_FROM_DNS_TCP_UP:
	case MB_MONITOR_FROM_DNS_UPSTREAM:
		mb_dns_event(&m->dns, (int)(e->data.u64 >> 32), index, e->events);
		break;
	}
}

static void sooner(int64_t *deadline, int64_t candidate)
{
	if (candidate && (!*deadline || candidate < *deadline))
		*deadline = candidate;
}

/* Milliseconds until the next thing that is due, rounded up; -1: none. */
static int patience(struct mb_monitor *m)
{
	int64_t now = mb_monotonic_nsec(), deadline = 0;
	int64_t ms;

	sooner(&deadline, m->deadline);
	sooner(&deadline, mb_dns_deadline(&m->dns));
	sooner(&deadline, mb_monitor_health_deadline(m));
	sooner(&deadline, mb_monitor_lease_deadline(m));
	sooner(&deadline, m->keeper.due);
	sooner(&deadline, mb_logsink_deadline(&m->logsink));
	sooner(&deadline, m->notify.due);
	sooner(&deadline, m->oom.due);
	sooner(&deadline, m->left_due);
	if (m->n_corpses)
		sooner(&deadline, now + GUARD_MS * 1000000ll);
	if (m->is_touched && !m->stalled.n)
		sooner(&deadline, now + TRIM_MS * 1000000ll);
	if (!deadline)
		return -1;
	ms = (deadline - now + 999999) / 1000000;
	return ms < 0 ? 0 : ms > 60000 ? 60000 : (int)ms;
}

void mb_monitor_run(struct mb_monitor *m)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(m->epoll, events, EVENTS, patience(m));
		int64_t now;

		for (int i = 0; i < n; i++)
			dispatch(m, &events[i]);
		if (n > 0 && !m->deadline && !m->n_corpses && !m->health.is_on && !m->keeper.due &&
		    !m->lease.n && !m->notify.due && !m->oom.due && !m->left_due &&
		    !mb_dns_deadline(&m->dns) && !mb_logsink_deadline(&m->logsink))
			continue;
		now = mb_monotonic_nsec();
		if (m->deadline && now >= m->deadline)
			mb_monitor_finish_step(m);
		mb_dns_expire(&m->dns, now);
		mb_monitor_health_step(m);
		mb_monitor_lease_step(m);
		mb_monitor_keeper_step(m);
		mb_logsink_step(&m->logsink);
		mb_monitor_notify_step(m);
		mb_monitor_victim_step(m);
		mb_monitor_left_step(m);
		if (m->n_corpses)
			mb_monitor_guard_step(m);
		if (n == 0)
			mb_monitor_output_trim(m);
	}
}
