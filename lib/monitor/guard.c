/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exec guards: what an exec started does not outlive a caller that vanished. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/io.h"
#include "core/own.h"
#include "monitor/monitor.h"

enum { TRIES = 400 };

void mb_monitor_guard_disarm(struct mb_monitor_client *c)
{
	for (size_t i = 0; c->guarded && i < MB_N(c->guard_fd); i++)
		mb_close(&c->guard_fd[i]);
	c->guarded = false;
}

/* The kernel empties a killed cgroup in its own time: remember it and try again. */
static void bury(struct mb_monitor *m, struct mb_monitor_client *c)
{
	for (size_t i = 0; i < MB_MONITOR_CORPSES; i++) {
		struct mb_monitor_corpse *corpse = &m->corpse[i];

		if (corpse->parent_fd)
			continue;
		corpse->parent_fd = mb_take_fd(&c->guard_fd[1]);
		corpse->tries = TRIES;
		m->n_corpses++;
		memcpy(corpse->name, c->guard_name, sizeof(corpse->name));
		return;
	}
}

void mb_monitor_guard_fire(struct mb_monitor *m, struct mb_monitor_client *c)
{
	if (!c->guarded)
		return;
	if (c->guard_is_cgroup) {
		mb_write_kernel_file(c->guard_fd[0], "cgroup.kill", "1");
		bury(m, c);
	} else {
		syscall(SYS_pidfd_send_signal, c->guard_fd[0], SIGKILL, NULL, 0);
	}
	mb_monitor_guard_disarm(c);
}

void mb_monitor_guard_step(struct mb_monitor *m)
{
	for (size_t i = 0; i < MB_MONITOR_CORPSES; i++) {
		struct mb_monitor_corpse *corpse = &m->corpse[i];

		if (!corpse->parent_fd)
			continue;
		if (unlinkat(corpse->parent_fd, corpse->name, AT_REMOVEDIR) < 0 && errno == EBUSY &&
		    --corpse->tries > 0)
			continue;
		close(corpse->parent_fd);
		corpse->parent_fd = 0;
		m->n_corpses--;
	}
}
