/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "container/container.h"
#include "container/event.h"
#include "container/life.h"
#include "core/err.h"
#include "monitor/client.h"
#include "sys/proc.h"

int mb_container_attach(struct mb_container *c, unsigned streams, bool want_stdin,
                        struct mb_container_session *ret, struct mb_err *err)
{
	struct mb_sys_proc_id id = {.pid = c->state.run.pid, .start = c->state.run.pid_start};
	struct mb_container_session session = MB_CONTAINER_SESSION_INIT;
	struct mb_monitor_attached attached;
	int r;

	if (c->state.status == MB_STATUS_PAUSED)
		return mb_fail(err, EBUSY,
		               "You cannot attach to a paused container, unpause it first");
	if (c->state.status == MB_STATUS_RESTARTING)
		return mb_fail(
			err, EBUSY,
			"You cannot attach to a restarting container, wait until it is running");
	if (!mb_container_is_running(c)) {
		mb_fail(err, ESRCH, "You cannot attach to a stopped container, start it first");
		return MB_CONTAINER_NOT_RUNNING;
	}
	r = mb_sys_proc_id_open(&id, &session.pidfd, err);
	if (r == 0)
		r = mb_monitor_connect(c->run_fd, &session.sock, err);
	if (r == 0)
		r = mb_monitor_attach(session.sock, streams, want_stdin ? MB_MONITOR_WANT_STDIN : 0,
		                      &attached, &session.stdin_fd, err);
	if (r != 0) {
		mb_container_session_done(&session);
		return r < 0 ? r
		             : mb_fail(err, ESRCH, "container '%s' has just ended",
		                       mb_container_name(c));
	}
	session.tty = attached.is_console;
	session.streams = streams;
	*ret = session;
	mb_container_event(c, "attach");
	return 0;
}
