/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the monitor tells ROOT/events: only it is always there at the end. */
#include <errno.h>
#include <string.h>

#include "core/event.h"
#include "monitor/monitor.h"

_Static_assert(sizeof(struct mb_event) <= MB_MONITOR_PACKET_MAX, "an event fits the packet buffer");

int mb_monitor_tell_about(struct mb_monitor *m, const char *text, size_t n)
{
	if (n > sizeof(m->about))
		return -E2BIG;
	memcpy(m->about, text, n);
	m->n_about = n;
	return 0;
}

/* The buffer is free: no packet is looked at while one is handled but the one that led here, and
 * that is done with by the end. */
static struct mb_event *begin(struct mb_monitor *m, const char *action)
{
	struct mb_event *e = (struct mb_event *)(void *)m->packet;

	mb_event_begin(e, "container", action, m->id);
	mb_event_add(e, m->about, m->n_about);
	return e;
}

void mb_monitor_tell_exec_end(struct mb_monitor *m, const char *exec_id, int code)
{
	int root = m->fd[MB_MONITOR_SLOT_ROOT];
	struct mb_event *e;

	if (root < 0 || !m->n_about)
		return;
	e = begin(m, "exec_die");
	mb_event_set(e, "execID", exec_id);
	if (code >= 0)
		mb_event_set_int(e, "exitCode", code);
	mb_event_write(e, root);
}

void mb_monitor_tell_oom(struct mb_monitor *m, const char *victim, int pid)
{
	int root = m->fd[MB_MONITOR_SLOT_ROOT];
	struct mb_event *e;

	if (root < 0 || !m->n_about)
		return;
	e = begin(m, "oom");
	if (victim)
		mb_event_set(e, "victim", victim);
	if (victim && pid)
		mb_event_set_int(e, "victimPid", pid);
	mb_event_write(e, root);
}

void mb_monitor_tell_end(struct mb_monitor *m)
{
	int root = m->fd[MB_MONITOR_SLOT_ROOT];
	struct mb_event *e;

	if (root < 0 || !m->n_about)
		return;
	e = begin(m, "die");
	mb_event_set_int(e, "exitCode", m->exit_code);
	mb_event_write(e, root);
}
