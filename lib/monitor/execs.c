/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detached execs.  Only a parent learns how a process ended, and the command that asked for one is
 * gone by then: so `mybox __exec` is our child, and what it leaves behind becomes ours. */
#include <errno.h>
#include <string.h>

#include "monitor/monitor.h"

int mb_monitor_execs_start(struct mb_monitor *m, const int fds[2])
{
	if (m->phase != MB_MONITOR_ALIVE)
		return -ESRCH;
	return mb_monitor_process_spawn(m, "__exec", fds) < 0 ? -errno : 0;
}

int mb_monitor_execs_began(struct mb_monitor *m, const struct mb_monitor_began *what)
{
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
	for (unsigned i = 0; i < m->n_execs; i++) {
		struct mb_monitor_exec *x = &m->exec[i];

		if (x->pid != pid)
			continue;
		x->pid = 0;
		mb_monitor_tell_exec_end(m, x->id, code);
		return;
	}
}
