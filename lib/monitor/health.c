/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a container is probed, and what is done to one that is not well.  What a probe is, and what
 * it means, is `mybox __health`'s business. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/monitor.h"
#include "monitor/restart.h"

enum {
	NSEC_PER_MS = 1000000,
	GRACE_MS = 15000, /* a probe ends itself at its timeout; this is for one that cannot */
	STUCK_MS = 1000,  /* one that is killed and does not go is killed again */
	FOREVER_MS = 1 << 30,
};

static int64_t after(uint32_t ms)
{
	return mb_boottime_nsec() + (int64_t)ms * NSEC_PER_MS;
}

static bool is_unwell(const struct mb_monitor *m)
{
	return m->health.says == MB_MONITOR_UNHEALTHY || m->health.says == MB_MONITOR_HOPELESS;
}

int mb_monitor_health_set(struct mb_monitor *m, const struct mb_monitor_health *how)
{
	if (!how->interval_ms || !how->timeout_ms)
		return -EINVAL;
	m->health.is_on = true;
	m->health.how = *how;
	m->health.says = how->startup_interval_ms ? MB_MONITOR_BEGINNING : MB_MONITOR_STARTING;
	if (how->known > MB_MONITOR_HEALTHY && how->known <= MB_MONITOR_HOPELESS + 1)
		m->health.says = how->known - 1;
	m->health.owes = how->known && is_unwell(m);
	return 0;
}

static bool is_in_start_period(const struct mb_monitor *m)
{
	int64_t up = mb_monotonic_nsec() - m->born_nsec;

	return m->health.says == MB_MONITOR_STARTING &&
	       up / NSEC_PER_MS < m->health.how.start_period_ms;
}

static void schedule(struct mb_monitor *m)
{
	const struct mb_monitor_health *how = &m->health.how;

	if (m->health.says == MB_MONITOR_BEGINNING)
		m->health.next = after(how->startup_interval_ms);
	else
		m->health.next =
			after(is_in_start_period(m) ? how->start_interval_ms : how->interval_ms);
}

void mb_monitor_health_begin(struct mb_monitor *m)
{
	if (m->health.is_on)
		schedule(m);
	if (m->health.owes)
		m->health.next = after(0);
}

int64_t mb_monitor_health_deadline(const struct mb_monitor *m)
{
	int64_t due = m->health.next;

	if (!m->health.is_on || m->phase != MB_MONITOR_ALIVE)
		return 0;
	if (m->health.stop && m->health.stop < due)
		due = m->health.stop;
	/* The two clocks differ by the time that the machine slept. */
	return mb_monotonic_nsec() + due - mb_boottime_nsec();
}

static void send_signal(const struct mb_monitor *m, int sig)
{
	int pidfd = m->fd[MB_MONITOR_SLOT_PIDFD];

	if (pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
	else
		kill(m->pid, sig);
}

/* Its stop signal, and the last one when it does not go. */
static void stop(struct mb_monitor *m)
{
	const struct mb_monitor_health *how = &m->health.how;

	if (m->health.stop)
		return;
	/* For who comes after us; one that is there already says it, too. */
	(void)!symlinkat(m->health.restarts ? "restart" : "stop", m->fd[MB_MONITOR_SLOT_RUN],
	                 MB_MONITOR_OWED);
	m->health.stop =
		how->stop_timeout_ms == UINT32_MAX ? INT64_MAX : after(how->stop_timeout_ms);
	send_signal(m, how->stop_timeout_ms ? (int)how->stop_signal : SIGKILL);
}

static void restart(struct mb_monitor *m)
{
	m->health.restarts = true;
	stop(m);
}

static void act(struct mb_monitor *m)
{
	if (m->stopping)
		return;
	if (m->health.says == MB_MONITOR_HOPELESS ||
	    mb_monitor_restart_is_cure(&m->setup.policy, m->restarts)) {
		restart(m);
		return;
	}
	switch ((enum mb_monitor_on_failure)m->health.how.on_failure) {
	case MB_MONITOR_ON_FAILURE_NONE:
		break;
	case MB_MONITOR_ON_FAILURE_KILL:
		send_signal(m, SIGKILL);
		break;
	case MB_MONITOR_ON_FAILURE_RESTART:
		restart(m);
		break;
	case MB_MONITOR_ON_FAILURE_STOP:
		m->stopping = true;
		stop(m);
		break;
	}
}

static void begin_probe(struct mb_monitor *m)
{
	const struct mb_monitor_health *how = &m->health.how;
	bool beginning = m->health.says == MB_MONITOR_BEGINNING;
	pid_t pid;

	/* Somebody has removed all that is known of it: a probe would find nothing. */
	if (faccessat(m->fd[MB_MONITOR_SLOT_RUN], "state.json", F_OK, 0) < 0) {
		m->health.is_on = false;
		return;
	}
	if (faccessat(m->fd[MB_MONITOR_SLOT_RUN], "paused", F_OK, 0) == 0) {
		schedule(m);
		return;
	}
	if (m->health.owes) {
		m->health.owes = false;
		schedule(m);
		act(m);
		return;
	}
	pid = fork();
	if (pid == 0)
		mb_monitor_process_become(m, "__health");
	if (pid < 0) {
		schedule(m);
		return;
	}
	m->health.pid = pid;
	m->health.next = after(
		(beginning ? how->startup_timeout_ms : how->timeout_ms) % FOREVER_MS + GRACE_MS);
}

void mb_monitor_health_step(struct mb_monitor *m)
{
	int64_t now = mb_boottime_nsec();

	if (!m->health.is_on || m->phase != MB_MONITOR_ALIVE)
		return;
	if (m->health.stop && now >= m->health.stop) {
		send_signal(m, SIGKILL);
		m->health.stop = after(STUCK_MS);
	}
	if (now < m->health.next)
		return;
	if (m->health.pid) {
		kill(m->health.pid, SIGKILL);
		m->health.next = after(STUCK_MS);
	} else {
		begin_probe(m);
	}
}

void mb_monitor_health_ended(struct mb_monitor *m, pid_t pid, int code)
{
	if (!pid || pid != m->health.pid)
		return;
	m->health.pid = 0;
	if (code >= MB_MONITOR_HEALTHY && code <= MB_MONITOR_HOPELESS)
		m->health.says = (unsigned)code;
	schedule(m);
	if (is_unwell(m))
		act(m);
}

void mb_monitor_health_drop(struct mb_monitor *m)
{
	if (!m->health.pid)
		return;
	/* One that does not go at once must not hold us up: it is reaped as any other child. */
	kill(m->health.pid, SIGKILL);
	m->health.pid = 0;
}
