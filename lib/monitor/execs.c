/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detached execs.  Only a parent learns how a process ended, and the command that asked for one is
 * gone by then: so `mybox __exec` is our child, and what it leaves behind becomes ours. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "core/own.h"
#include "monitor/monitor.h"

enum { KILLED_MS = 100, NSEC_PER_MS = 1000000 };

static pid_t *find_helper(struct mb_monitor *m, pid_t pid)
{
	for (unsigned i = 0; i < MB_N(m->exec_helper); i++)
		if (m->exec_helper[i] == pid)
			return &m->exec_helper[i];
	return NULL;
}

int mb_monitor_execs_start(struct mb_monitor *m, const int fds[2])
{
	pid_t *helper = find_helper(m, 0);

	if (m->phase != MB_MONITOR_ALIVE)
		return -ESRCH;
	if (!helper)
		return -EBUSY;
	*helper = mb_monitor_process_spawn(m, "__exec", fds);
	if (*helper > 0)
		return 0;
	*helper = 0;
	return -EAGAIN;
}

int mb_monitor_execs_began(struct mb_monitor *m, int sock, const struct mb_monitor_began *what)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	/* What one of the monitor before left behind will be nobody's child here. */
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0 ||
	    !find_helper(m, peer.pid))
		return -EPERM;
	for (unsigned i = 0; i < MB_MONITOR_EXECS_MAX; i++) {
		struct mb_monitor_exec *x = &m->exec[i];

		if (x->pid)
			continue;
		x->pid = what->pid;
		memcpy(x->id, what->id, sizeof(x->id));
		x->id[sizeof(x->id) - 1] = '\0';
		if (i >= m->n_execs)
			m->n_execs = i + 1;
		return 0;
	}
	return -ENOSPC;
}

void mb_monitor_execs_ended(struct mb_monitor *m, pid_t pid, int code)
{
	pid_t *helper = find_helper(m, pid);

	if (helper)
		*helper = 0;
	for (unsigned i = 0; i < m->n_execs; i++) {
		struct mb_monitor_exec *x = &m->exec[i];

		if (x->pid != pid)
			continue;
		x->pid = 0;
		mb_monitor_tell_exec_end(m, x->id, code);
		return;
	}
}

/* Return: whether it is reaped, or none of ours. */
static bool reap(struct mb_monitor *m, pid_t pid)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) < 0)
		return true;
	if (info.si_pid)
		mb_monitor_execs_ended(
			m, pid, info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status);
	return info.si_pid != 0;
}

void mb_monitor_execs_kill(struct mb_monitor *m)
{
	const struct timespec pause = {.tv_nsec = NSEC_PER_MS};
	siginfo_t info;
	int left = KILLED_MS;

	for (unsigned i = 0; i < m->n_execs; i++)
		if (m->exec[i].pid &&
		    waitid(P_PID, (id_t)m->exec[i].pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
			kill(m->exec[i].pid, SIGKILL);
	for (unsigned i = 0; i < m->n_execs; i++)
		while (m->exec[i].pid && !reap(m, m->exec[i].pid) && left-- > 0)
			nanosleep(&pause, NULL);
}
