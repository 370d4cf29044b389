/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of process 1: drain, let go of what it held, write it down, tell, become what comes
 * next (protocol.h, "End"). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/exitdoc.h"
#include "monitor/monitor.h"
#include "monitor/oom.h"
#include "monitor/restart.h"

/* Whoever else holds the pipes open is waited for only while it keeps writing, and not long. */
enum { QUIET_MS = 50, DRAIN_MS = 2000, NSEC_PER_MS = 1000000 };

static void write_down(struct mb_monitor *m)
{
	struct mb_monitor_exitdoc doc = {.exit_code = m->exit_code,
	                                 .oom_killed = m->oom_killed,
	                                 .restarting = m->is_restarting,
	                                 .stop_requested = m->stopping,
	                                 .started_nsec = m->setup.started_nsec,
	                                 .finished_nsec = m->finished_nsec,
	                                 .restarts = m->restarts,
	                                 .backoff_ms = m->is_restarting ? m->backoff_ms : 0,
	                                 .dropped_bytes = m->log.dropped,
	                                 .unsent_bytes = m->logsink.dropped,
	                                 .error = m->exit_error};

	if (mb_monitor_exitdoc_write(m->fd[MB_MONITOR_SLOT_CONTAINER], &doc) < 0)
		mb_monitor_exitdoc_write(m->fd[MB_MONITOR_SLOT_RUN], &doc);
	m->is_written = true;
}

static void let_go(struct mb_monitor *m)
{
	for (unsigned i = 0; i < m->n_holds; i++)
		mb_close(&m->hold[i]);
	m->n_holds = 0;
	mb_monitor_relay_drop_all(m);
	mb_monitor_lease_drop(m);
	mb_close(&m->fd[MB_MONITOR_SLOT_STDIN]);
	mb_close(&m->fd[MB_MONITOR_SLOT_OOM]);
	mb_close(&m->fd[MB_MONITOR_SLOT_OOM_EVENT]);
	mb_dns_close(&m->dns);
	mb_monitor_notify_close(m);
}

static void choose_cleaner(struct mb_monitor *m)
{
	for (unsigned i = 0; i < m->n_slots && !m->is_restarting; i++) {
		if (m->client[i].fd && m->client[i].cleans) {
			m->client[i].is_cleaning = true;
			return;
		}
	}
}

static bool has_cleaner(const struct mb_monitor *m)
{
	for (unsigned i = 0; i < m->n_slots; i++)
		if (m->client[i].fd && m->client[i].is_cleaning)
			return true;
	return false;
}

static void decide(struct mb_monitor *m)
{
	int64_t up = mb_monotonic_nsec() - m->born_nsec;

	m->is_restarting = !m->stopping &&
	                   (m->health.restarts ||
	                    mb_monitor_restart_is_due(&m->setup.policy, m->exit_code, m->restarts));
	if (m->is_restarting) {
		m->restarts++;
		m->backoff_ms = mb_monitor_backoff_next(&m->setup.backoff, m->setup.backoff_ms,
		                                        up / NSEC_PER_MS);
		m->restart_nsec = m->finished_nsec + (int64_t)m->backoff_ms * NSEC_PER_MS;
	}
	let_go(m);
	choose_cleaner(m);
	if (!(m->setup.flags & MB_MONITOR_LAZY_EXIT) || !has_cleaner(m))
		write_down(m);
	mb_monitor_execs_kill(m);
	mb_monitor_left_kill(m);
	/* Whoever is woken by it finds how it ended. */
	mb_monitor_tell_end(m);
	m->is_decided = true;
}

int mb_monitor_finish_tell(struct mb_monitor *m, struct mb_monitor_client *c)
{
	struct mb_monitor_exit told = {.exit_code = m->exit_code,
	                               .finished_nsec = m->finished_nsec};
	int r;

	if (!m->is_decided || !c->fd)
		return 0;
	told.flags = (m->oom_killed ? MB_MONITOR_OOM_KILLED : 0) |
	             (m->is_restarting ? MB_MONITOR_RESTARTING : 0) |
	             (c->is_cleaning ? MB_MONITOR_YOU_CLEAN : 0);
	c->is_told = true;
	r = mb_monitor_server_tell(m, c, MB_MONITOR_EXIT, &told, sizeof(told));
	c->owes_exit = c->fd && r == -EAGAIN;
	if (c->owes_exit)
		mb_monitor_rewatch(m, c->fd, MB_MONITOR_FROM_CLIENT, (unsigned)(c - m->client),
		                   EPOLLIN | EPOLLOUT);
	return r;
}

/* Tell who has not been told; the foreground client only once it has taken all output. */
static void announce(struct mb_monitor *m, bool foreground_too)
{
	m->is_telling = true;
	if (!m->is_decided)
		decide(m);
	for (unsigned i = 0; i < m->n_slots; i++) {
		struct mb_monitor_client *c = &m->client[i];

		if (c->fd && c->waits && !c->is_told && (foreground_too || !c->foreground))
			mb_monitor_finish_tell(m, c);
	}
	m->is_telling = false;
}

static void conclude(struct mb_monitor *m)
{
	mb_monitor_output_close(m);
	m->phase = MB_MONITOR_LINGER;
	m->deadline = 0;
	announce(m, true);
	if (m->is_restarting) {
		m->phase = MB_MONITOR_RESTART;
		m->deadline = mb_monotonic_nsec() + (int64_t)m->backoff_ms * NSEC_PER_MS;
		return;
	}
	mb_monitor_finish_step(m);
}

static void drain_step(struct mb_monitor *m)
{
	int64_t now = mb_monotonic_nsec();

	if (mb_monitor_output_is_done(m)) {
		conclude(m);
		return;
	}
	if (now < m->deadline)
		return;
	if (m->stalled.n) {
		m->deadline = 0;
		announce(m, false);
		return;
	}
	if (m->output_bytes == m->bytes_at_deadline || now >= m->last_deadline) {
		conclude(m);
		return;
	}
	m->bytes_at_deadline = m->output_bytes;
	m->deadline = now + QUIET_MS * NSEC_PER_MS;
}

/* Here and not in who becomes it: a child does that, too, and the sink stays ours. */
static void leave(struct mb_monitor *m, const char *verb)
{
	mb_logsink_finish(&m->logsink);
	mb_monitor_logpack_drop(m);
	mb_monitor_process_become(m, verb);
}

static void linger_step(struct mb_monitor *m)
{
	for (unsigned i = 0; i < m->n_slots; i++)
		if (m->client[i].fd && (m->client[i].is_cleaning || m->client[i].owes_exit))
			return;
	if (!m->is_written)
		write_down(m);
	leave(m, "__cleanup");
}

void mb_monitor_finish_step(struct mb_monitor *m)
{
	if (m->is_telling)
		return;
	if (m->phase == MB_MONITOR_DRAINING)
		drain_step(m);
	else if (m->phase == MB_MONITOR_LINGER)
		linger_step(m);
	else if (m->phase == MB_MONITOR_RESTART && mb_monotonic_nsec() >= m->deadline)
		leave(m, "__restart");
}

void mb_monitor_finish_cancel(struct mb_monitor *m)
{
	if (m->phase != MB_MONITOR_RESTART)
		return;
	m->phase = MB_MONITOR_LINGER;
	m->deadline = 0;
	m->is_restarting = false;
	m->restarts--;
	choose_cleaner(m);
	write_down(m);
	for (unsigned i = 0; i < m->n_slots; i++)
		m->client[i].is_told = false;
	announce(m, true);
	mb_monitor_finish_step(m);
}

static void ended(struct mb_monitor *m, int exit_code)
{
	int oom = m->fd[MB_MONITOR_SLOT_OOM];

	mb_monitor_health_drop(m);
	m->exit_code = exit_code;
	m->finished_nsec = mb_now_nsec();
	m->oom_killed = oom >= 0 && mb_monitor_oom_count(oom) > m->setup.oom_before;
	mb_monitor_victim_look(m);
	m->phase = MB_MONITOR_DRAINING;
	m->deadline = mb_monotonic_nsec() + QUIET_MS * NSEC_PER_MS;
	m->last_deadline = m->deadline + (int64_t)DRAIN_MS * NSEC_PER_MS;
	m->bytes_at_deadline = UINT64_MAX;
	for (unsigned i = 0; i < 2; i++)
		if (m->phase == MB_MONITOR_DRAINING)
			mb_monitor_output_read(m, i);
	if (m->phase == MB_MONITOR_DRAINING)
		mb_monitor_finish_step(m);
}

void mb_monitor_finish_reap(struct mb_monitor *m)
{
	for (;;) {
		siginfo_t info = {0};
		bool unborn = m->phase == MB_MONITOR_UNBORN;
		const int flags = WEXITED | WNOHANG;
		int code;

		/* Before SETUP nobody could be told: process 1 stays as it is. */
		if (waitid(P_ALL, 0, &info, unborn ? flags | WNOWAIT : flags) < 0 || !info.si_pid)
			return;
		if (unborn && info.si_pid == m->pid)
			return;
		if (unborn)
			waitid(P_PID, (id_t)info.si_pid, &info, flags);
		mb_monitor_relay_ended(m, info.si_pid);
		mb_monitor_keeper_ended(m, info.si_pid);
		mb_monitor_lease_ended(m, info.si_pid);
		mb_monitor_health_ended(m, info.si_pid,
		                        info.si_code == CLD_EXITED ? info.si_status : -1);
		code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
		mb_monitor_execs_ended(m, info.si_pid, code);
		mb_monitor_logpack_ended(m, info.si_pid, code);
		if (info.si_pid == m->pid && m->phase == MB_MONITOR_ALIVE)
			ended(m, code);
	}
}

void mb_monitor_finish_lost(struct mb_monitor *m)
{
	int code = 255;

	epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->fd[MB_MONITOR_SLOT_PIDFD], NULL);
	mb_monitor_finish_reap(m);
	if (m->phase != MB_MONITOR_ALIVE)
		return;
	if (!mb_monitor_process_exit_of(m->fd[MB_MONITOR_SLOT_PIDFD], &code))
		m->exit_error = "the exit code is unknown: the container's monitor was lost";
	ended(m, code);
}
