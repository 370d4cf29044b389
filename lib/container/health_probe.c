/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One probe: a command in the container that may hang, flood and fork.  It has its time and no
 * more, its output is read but kept only so far, and what it leaves behind ends with it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "container/container.h"
#include "container/event.h"
#include "container/exec.h"
#include "container/health.h"
#include "container/health_doc.h"
#include "container/life.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "oci/image_spec.h"
#include "sys/proc.h"

enum {
	CHUNK = 32 << 10,
	END_MSEC = 2000,
	TICK_MSEC = 20,
	NSEC_PER_MS = 1000000,
	KILLED = 128 + SIGKILL,
};

struct probe {
	struct mb_container *c;
	const struct mb_oci_healthcheck *check;
	struct mb_container_exec exec;
	struct mb_container_health_result result;
	struct mb_str output;
	size_t total; /* bytes that came */
	int pipe[2];
	int pid; /* of the run that is probed */
	uint64_t pid_start;
	int64_t up;
};

static void probe_done(struct probe *p)
{
	mb_container_exec_done(&p->exec);
	mb_str_done(&p->output);
	free(p->result.output);
	mb_close(&p->pipe[0]);
	mb_close(&p->pipe[1]);
}

static void fill_args(const struct probe *p, struct mb_strv *args)
{
	const struct mb_strv *test = &p->check->test, *shell = &p->c->record->config.shell;

	if (strcmp(test->v[0], "CMD-SHELL") == 0 && shell->n) {
		mb_strv_add_all(args, shell);
	} else if (strcmp(test->v[0], "CMD-SHELL") == 0) {
		mb_strv_add(args, "/bin/sh");
		mb_strv_add(args, "-c");
	}
	for (size_t i = 1; i < test->n; i++)
		mb_strv_add(args, test->v[i]);
}

static int64_t timeout_of(const struct probe *p)
{
	return p->check->timeout_nsec ? p->check->timeout_nsec : MB_HEALTH_TIMEOUT;
}

/* What is over the limit is read all the same, so that the command is not held up.  Return: whether
 * there may be more. */
static bool take_output(struct probe *p)
{
	char bytes[CHUNK];
	ssize_t n = read(p->pipe[0], bytes, sizeof(bytes));
	size_t room = MB_HEALTH_OUTPUT - p->output.len;

	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		mb_close(&p->pipe[0]);
		return false;
	}
	p->total += (size_t)n;
	mb_str_addn(&p->output, bytes, (size_t)n < room ? (size_t)n : room);
	return true;
}

/* Return: 0; MB_SYS_PROC_TIMEOUT; or -errno. */
static int await(struct probe *p, struct mb_err *err)
{
	int64_t deadline = mb_boottime_nsec() + timeout_of(p);

	for (;;) {
		struct pollfd fds[] = {{.fd = p->exec.pidfd, .events = POLLIN},
		                       {.fd = p->pipe[0], .events = POLLIN}};
		int64_t left = deadline - mb_boottime_nsec();
		int64_t ms = (left + NSEC_PER_MS - 1) / NSEC_PER_MS;

		if (left <= 0)
			return MB_SYS_PROC_TIMEOUT;
		if (poll(fds, MB_N(fds), ms > 60000 ? 60000 : (int)ms) < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot poll");
		if (fds[0].revents & POLLIN)
			return 0;
		if (fds[1].revents)
			take_output(p);
	}
}

/* All that it started, whether it has ended itself or not.  The monitor removes the group when the
 * connection that guards it ends without a word. */
static void end_all(struct probe *p, int *ret_code)
{
	struct mb_container_exec *x = &p->exec;
	char path[64];

	snprintf(path, sizeof(path), "%s/cgroup.kill", x->name);
	if (x->cgroup_fd >= 0)
		mb_write_kernel_file(x->cgroup_fd, path, "1");
	mb_sys_proc_signal(x->pidfd, SIGKILL, NULL);
	if (mb_sys_proc_wait(x->pidfd, END_MSEC, NULL) == 0)
		mb_sys_proc_reap(x->pidfd, ret_code, NULL);
	if (x->cgroup_fd >= 0)
		mb_close(&x->guard);
}

/* Return: 0 and the result; or -errno, told: the container cannot be entered. */
static int run(struct probe *p, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv args = MB_STRV_INIT;
	struct mb_container_exec_request request = {.silent = true, .stdio = {-1, -1, -1}};
	char human[MB_FORMAT_HUMAN_TEXT];
	int code = -1, ignored, r;

	if (pipe2(p->pipe, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot create a pipe");
	fcntl(p->pipe[0], F_SETFL, O_NONBLOCK);
	fill_args(p, &args);
	request.args = args;
	request.stdio[1] = request.stdio[2] = p->pipe[1];
	p->result.start = mb_now_nsec();
	r = mb_container_exec(p->c, &request, &p->exec, &ignored, err);
	mb_close(&p->pipe[1]);
	if (r != 0)
		return r;
	r = await(p, err);
	end_all(p, &code);
	while (p->pipe[0] >= 0 && p->total < (64 << 20) && take_output(p))
		;
	p->result.end = mb_now_nsec();
	p->result.exit_code = r == 0 ? code : -1;
	if (r == MB_SYS_PROC_TIMEOUT) {
		p->result.output = mb_asprintf("Health check exceeded timeout (%s)",
		                               mb_format_go_duration(timeout_of(p), human));
		return 0;
	}
	if (p->total > MB_HEALTH_OUTPUT)
		mb_str_add(&p->output, "...");
	p->result.output = mb_str_take(&p->output);
	return r;
}

/* With process 1 all others are killed, sometimes before it: who was killed, and not by us, looks a
 * while whether it goes too. */
static bool is_ending(const struct probe *p)
{
	const struct mb_sys_proc_id id = {.pid = p->pid, .start = p->pid_start};
	int patience = p->result.exit_code == KILLED ? END_MSEC / 4 : 0;

	while (!mb_sys_proc_id_is_exiting(&id)) {
		if (patience <= 0)
			return false;
		poll(NULL, 0, TICK_MSEC);
		patience -= TICK_MSEC;
	}
	return true;
}

/* It is still the run that was asked, and it was not stopped meanwhile. */
static bool counts(struct probe *p)
{
	struct mb_container *c = p->c;

	if (is_ending(p))
		return false;
	mb_container_refresh(c);
	return c->state.status == MB_STATUS_RUNNING && c->run_fd >= 0 &&
	       c->state.run.pid == p->pid && c->state.run.pid_start == p->pid_start;
}

/* The lock is of this run alone: it goes with its directory. */
static int write_down(struct probe *p, int *ret_says, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = openat(p->c->run_fd, ".health.lock",
	                                O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct mb_container_health health;
	int before, r;

	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return mb_fail_sys(err, errno, "cannot lock the container's health");
	mb_container_health_load(p->c, &health);
	before = health.status;
	*ret_says = mb_container_health_take(&health, &p->c->record->config, &p->result, p->up);
	r = mb_container_health_save(p->c, &health, err);
	if (r == 0 && health.status != before) {
		MB_AUTO_FREE char *action = mb_asprintf(
			"health_status: %s", mb_container_health_name((unsigned)health.status));

		mb_container_event(p->c, action);
	}
	mb_container_health_done(&health);
	return r;
}

/* As long as it has been running, by no clock that jumps. */
static int64_t up_of(const struct mb_container *c)
{
	int64_t ticks = sysconf(_SC_CLK_TCK);
	int64_t began = (int64_t)c->state.run.pid_start * (MB_NSEC_PER_SEC / ticks);

	return mb_boottime_nsec() - began;
}

int mb_container_health_probe(struct mb_container *c, int *ret_says, int *ret_code,
                              struct mb_err *err)
{
	__attribute__((cleanup(probe_done))) struct probe p = {
		.c = c,
		.exec = MB_CONTAINER_EXEC_INIT,
		.pipe = {-1, -1},
		.pid = c->state.run.pid,
		.pid_start = c->state.run.pid_start,
		.check = c->record->config.healthcheck,
	};
	const struct mb_container_startup *startup = c->record->config.startup;
	struct mb_err why = MB_ERR_INIT;
	struct mb_container_health now;
	int r;

	if (!mb_container_health_is_probe(p.check)) {
		mb_fail(err, ENOENT, "container %s has no defined healthcheck", c->id);
		return MB_HEALTH_NO_PROBE;
	}
	if (c->state.status != MB_STATUS_RUNNING)
		return mb_fail(err, ESRCH, "container %s is not running", mb_container_name(c));
	mb_container_health_load(c, &now);
	if (startup && !now.began)
		p.check = &startup->check;
	mb_container_health_done(&now);
	p.up = up_of(c);
	r = run(&p, &why);
	if (!counts(&p))
		return MB_HEALTH_DISCARDED;
	/* A command that cannot be run is a result, too. */
	if (r != 0) {
		p.result.end = mb_now_nsec();
		p.result.exit_code = -1;
		mb_strset(&p.result.output, why.msg);
	}
	*ret_code = p.result.exit_code;
	return write_down(&p, ret_says, err);
}
