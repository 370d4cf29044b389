/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/notify.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/context.h"
#include "cmd/report.h"
#include "container/await.h"
#include "container/container.h"
#include "container/health.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/proc.h"
#include "systemd/notify.h"

const char *const mb_cmd_notify_modes[] = {"container", "conmon", "healthy", "ignore", NULL};

static const char *socket_of(const struct mb_cmd_context *cx, int mode)
{
	const char *path = mb_cmd_user_env(cx, "NOTIFY_SOCKET");

	return mode == MB_CMD_NOTIFY_IGNORE || !path || !*path ? NULL : path;
}

const char *mb_cmd_notify_socket(const struct mb_cmd_context *cx, int mode)
{
	return mode == MB_CMD_NOTIFY_CONTAINER ? socket_of(cx, mode) : NULL;
}

int mb_cmd_notify_check(const struct mb_container *c, int mode, struct mb_err *err)
{
	if (mode == MB_CMD_NOTIFY_HEALTHY &&
	    !mb_container_health_is_probe(c->record->config.healthcheck))
		return mb_fail(err, EINVAL,
		               "--sdnotify healthy: container '%s' has no health check",
		               mb_container_name(c));
	return 0;
}

static int await_healthy(struct mb_container *c, struct mb_err *err)
{
	unsigned met = 0;
	int code = 0;
	int r = mb_container_await(c, MB_AWAIT_HEALTHY | MB_AWAIT_UNHEALTHY | MB_AWAIT_ENDED, -1,
	                           &met, &code, err);

	if (r == 0 && !(met & MB_AWAIT_HEALTHY))
		r = mb_fail(err, EIO, "container '%s' %s", mb_container_name(c),
		            met & MB_AWAIT_UNHEALTHY ? "is unhealthy" : "has ended");
	return r < 0 ? r : 0;
}

int mb_cmd_notify_started(const struct mb_cmd_context *cx, struct mb_container *c, int mode,
                          bool detached, struct mb_err *err)
{
	const char *path = socket_of(cx, mode);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (!path)
		return 0;
	r = mb_systemd_notify_open(path, &fd, err);
	mb_container_refresh(c);
	if (r == 0 && detached && c->state.has_run) {
		mb_str_addf(&text, "MAINPID=%d\n", (int)c->state.run.monitor);
		r = mb_systemd_notify_send(fd, mb_str_text(&text), err);
	}
	if (r == 0 && mode == MB_CMD_NOTIFY_HEALTHY)
		r = await_healthy(c, err);
	if (r == 0 && mode != MB_CMD_NOTIFY_CONTAINER)
		r = mb_systemd_notify_send(fd, "READY=1\n", err);
	return r;
}

/* Without what the session is made of, which only one may have. */
static void __attribute__((noreturn))
wait_beside(const struct mb_cmd_context *cx, struct mb_container *c, int mode,
            struct mb_container_session *session)
{
	struct mb_err err = MB_ERR_INIT;

	mb_sys_proc_reset_signals();
	mb_container_session_done(session);
	/* That it has ended is told by the session. */
	if (mb_cmd_notify_started(cx, c, mode, false, &err) < 0 && mb_container_is_running(c))
		mb_cmd_report(&err);
	_exit(0);
}

pid_t mb_cmd_notify_begin(const struct mb_cmd_context *cx, struct mb_container *c, int mode,
                          struct mb_container_session *session)
{
	bool waits = mode == MB_CMD_NOTIFY_HEALTHY && socket_of(cx, mode);
	struct mb_err err = MB_ERR_INIT;
	pid_t us = getpid(), pid = waits ? fork() : 0;
	int r = 0;

	if (waits && pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != us)
			_exit(0);
		wait_beside(cx, c, mode, session);
	}
	if (pid < 0)
		r = mb_fail_sys(&err, errno, "cannot fork");
	if (!waits)
		r = mb_cmd_notify_started(cx, c, mode, false, &err);
	if (r < 0)
		mb_cmd_report(&err);
	return pid;
}

void mb_cmd_notify_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	(void)!waitpid(pid, NULL, 0);
}
