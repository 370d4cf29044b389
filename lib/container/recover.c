/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor of a foreground client, or of one who watches, was killed: it gets another one and
 * stays, or finds out how the container ended. */
#include <errno.h>
#include <unistd.h>

#include "container/container.h"
#include "container/life.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "monitor/client.h"
#include "sys/proc.h"

enum { TRIES = 500, TRY_USEC = 10000 };

/* Somebody else was first: his monitor serves us as it serves anybody. */
static int attach_again(struct mb_container *c, struct mb_container_session *session,
                        struct mb_err *err)
{
	struct mb_container_session next = MB_CONTAINER_SESSION_INIT;
	int r = mb_container_attach(c, session->streams, session->stdin_fd >= 0, &next, err);

	if (r != 0)
		return r;
	mb_close(&session->sock);
	session->sock = mb_take_fd(&next.sock);
	if (next.stdin_fd >= 0) {
		mb_close(&session->stdin_fd);
		session->stdin_fd = mb_take_fd(&next.stdin_fd);
	}
	mb_container_session_done(&next);
	return 0;
}

/* What is known of its end, and it is written down where it was not. */
static int find_end(struct mb_container *c, int pidfd, int *ret_code, struct mb_err *err)
{
	struct mb_container_exit *end = &c->state.exit;
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_container_lock(c, &lock, NULL);

	if (r == 0 && c->state.has_exit && end->finished) {
		*ret_code = end->exit_code;
		return MB_CONTAINER_NOT_RUNNING;
	}
	if (mb_sys_proc_exit_code(pidfd, ret_code) < 0) {
		*ret_code = 255;
		mb_fail(err, ECHILD,
		        "the exit code of container '%s' is unknown: its monitor was lost",
		        mb_container_name(c));
	} else if (r == 0 && c->state.has_exit) {
		end->exit_code = *ret_code;
		end->finished = mb_now_nsec();
		mb_strset(&end->error, NULL);
		(void)mb_container_exit_save(c->dir_fd, end, NULL);
	}
	return MB_CONTAINER_NOT_RUNNING;
}

int mb_container_session_recover(struct mb_container *c, struct mb_container_session *session,
                                 int *ret_code, struct mb_err *err)
{
	struct mb_err why = MB_ERR_INIT;

	for (int i = 0; i < TRIES; i++) {
		int r = mb_sys_proc_wait(session->pidfd, i ? TRY_USEC / 1000 : 0, err);

		if (r == 0)
			return find_end(c, session->pidfd, ret_code, err);
		if (r < 0)
			return r;
		mb_container_refresh(c);
		r = mb_container_adopt_for(c, session, &why);
		if (r == 0)
			return 0;
		if (r == MB_CONTAINER_MONITORED && attach_again(c, session, &why) == 0)
			return 0;
	}
	return mb_fail(err, EPIPE, "the connection to the container was lost: %s", why.msg);
}

int mb_container_monitor_again(struct mb_container *c, int *ret_pidfd, struct mb_err *err)
{
	const struct mb_sys_proc_id run = {.pid = c->state.run.pid,
	                                   .start = c->state.run.pid_start};

	for (int i = 0; i < TRIES; i++) {
		struct mb_sys_proc_id monitor;
		int r;

		if (!mb_sys_proc_id_is_running(&run))
			return MB_CONTAINER_NOT_RUNNING;
		mb_container_refresh(c);
		r = mb_container_adopt(c, err);
		if (r < 0)
			return r;
		monitor.pid = c->state.run.monitor;
		monitor.start = c->state.run.monitor_start;
		/* That of another command, which may be killed as well. */
		r = mb_sys_proc_id_open(&monitor, ret_pidfd, err);
		if (r <= 0)
			return r;
		usleep(TRY_USEC);
	}
	return mb_fail(err, ESRCH, "container '%s' loses one monitor after the other",
	               mb_container_name(c));
}
