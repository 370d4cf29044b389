/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container from its start to its removal. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/err.h"
#include "core/io.h"
#include "core/sock.h"
#include "core/str.h"
#include "runtime/hooks.h"
#include "runtime/runtime.h"

enum { KILL_TIMEOUT_MS = 10000, FREEZE_TIMEOUT_MS = 10000 };

/* ---- start ---- */

/* The container's own idea of process 1's number: the last of "NSpid:". */
static pid_t inner_pid(pid_t pid)
{
	MB_AUTO_FREE char *path = mb_asprintf("/proc/%d/status", pid);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	const char *line, *end, *last;

	if (mb_read_file(AT_FDCWD, path, 1 << 16, &text, NULL) < 0)
		return pid;
	line = strstr(mb_str_text(&text), "\nNSpid:");
	if (!line)
		return pid;
	end = strchrnul(line + 1, '\n');
	for (last = end; last > line && last[-1] >= '0' && last[-1] <= '9'; last--)
		;
	return last < end ? (pid_t)strtol(last, NULL, 10) : pid;
}

/* In the container, as its user: the program's own process waits meanwhile. */
static int run_inside(struct mb_bundle *b, const struct mb_oci_hook *hook, int state_fd, int pidfd,
                      struct mb_err *err)
{
	struct mb_oci_process process = *b->spec.process;
	struct mb_runtime_exec_request request = MB_RUNTIME_EXEC_REQUEST_INIT;
	struct mb_runtime_exec done = {.pidfd = -1, .console_fd = -1};
	MB_AUTO_CLOSE int cache_fd = mb_bundle_cache_open(b->root_fd);
	char *argv[] = {hook->path, NULL};
	int r, code = 0;

	process.terminal = false;
	process.args = hook->args;
	if (hook->args.n == 0)
		process.args = (struct mb_strv){.v = argv, .n = 1};
	process.env = hook->env;
	request.id = b->id;
	request.spec = &b->spec;
	request.process = &process;
	request.program = hook->path;
	request.pidfd = pidfd;
	request.pid = b->process.pid;
	request.stdio[0] = state_fd;
	request.cgroup = b->cgroup;
	/* Of its own nobody is there but process 1, which waits. */
	request.may_be_traced = b->spec.linux.seccomp && mb_bundle_is_shared(b);
	request.cache_fd = cache_fd;
	request.no_new_keyring = true;
	r = mb_runtime_exec(&request, &done, err);
	if (r < 0)
		return r;
	r = mb_sys_proc_wait_unless(done.pidfd, b->stop_fd, mb_runtime_hook_timeout_ms(hook), err);
	if (r != 0)
		(void)mb_sys_proc_signal(done.pidfd, SIGKILL, NULL);
	(void)mb_sys_proc_reap(done.pidfd, &code, NULL);
	mb_close(&done.pidfd);
	if (r == MB_SYS_PROC_TIMEOUT)
		return mb_fail(err, ETIMEDOUT, "'%s' was killed: it took over %d s", hook->path,
		               hook->timeout);
	if (r == 0 && code)
		r = mb_fail(err, ECHILD, "'%s' failed with exit status %d", hook->path, code);
	return r;
}

static int make_state(struct mb_bundle *b, int *ret_fd, struct mb_err *err)
{
	const struct mb_runtime_hook_state state = {
		.spec = &b->spec,
		.id = b->id,
		.status = "created",
		.bundle = b->record.bundle,
		.pid = inner_pid(b->process.pid),
	};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_runtime_hook_state_format(&state, &text);
	return mb_runtime_hook_input_make(text.buf, text.len, ret_fd, err);
}

static int run_start_hooks(struct mb_bundle *b, struct mb_err *err)
{
	const struct mb_oci_hooks *h = b->spec.hooks;
	MB_AUTO_CLOSE int pidfd = -1;
	int r = 0;

	if (!h || h->n_start_container == 0)
		return 0;
	r = mb_sys_proc_id_open(&b->process, &pidfd, err);
	if (r == MB_SYS_PROC_GONE)
		r = mb_fail(err, ESRCH, "the container has ended");
	for (size_t i = 0; r == 0 && i < h->n_start_container; i++) {
		MB_AUTO_CLOSE int state_fd = -1;

		r = make_state(b, &state_fd, err);
		if (r == 0)
			r = run_inside(b, &h->start_container[i], state_fd, pidfd, err);
		if (r < 0)
			mb_wrap(err, r, "startContainer hook %zu", i);
	}
	return r;
}

static int release(struct mb_bundle *b, struct mb_err *err)
{
	const struct mb_runtime_hook_state state = {
		.spec = &b->spec,
		.id = b->id,
		.status = "created",
		.bundle = b->record.bundle,
		.pid = b->process.pid,
	};
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_sock_connect(b->dir_fd, MB_BUNDLE_START, SOCK_SEQPACKET, &fd, err);

	if (r < 0)
		return mb_wrap(err, r, "cannot start container '%s'", b->id);
	r = mb_runtime_start(fd, &state, err);
	(void)!unlinkat(b->dir_fd, MB_BUNDLE_START, 0);
	return r;
}

static void kill_all(struct mb_bundle *b)
{
	MB_AUTO_CLOSE int pidfd = -1;

	if (b->process.pid && mb_sys_proc_id_open(&b->process, &pidfd, NULL) == 0)
		(void)mb_sys_proc_signal(pidfd, SIGKILL, NULL);
	if (b->cgroup || (b->record.cgroup && mb_bundle_cgroup_open(b, NULL) == 0))
		(void)mb_sys_cgroup_kill(b->cgroup, NULL);
}

int mb_bundle_start(struct mb_bundle *b, struct mb_err *err)
{
	enum mb_bundle_status status;
	int r = mb_bundle_status_read(b, &status, err);

	if (r < 0)
		return r;
	if (status == MB_BUNDLE_STOPPED)
		return mb_fail(err, ESRCH, "cannot start a container that has stopped");
	if (status == MB_BUNDLE_CREATING)
		return mb_fail(err, EBUSY, "cannot start a container that is being created");
	if (status != MB_BUNDLE_CREATED)
		return mb_fail(err, EBUSY, "cannot start an already running container");
	r = mb_bundle_spec_load(b, err);
	if (r < 0)
		return r;
	r = run_start_hooks(b, err);
	if (r == 0)
		r = release(b, err);
	if (r < 0) {
		kill_all(b);
		return r;
	}
	if (b->spec.hooks)
		mb_bundle_hooks_try(b, b->spec.hooks->poststart, b->spec.hooks->n_poststart,
		                    "poststart", "running");
	return 0;
}

/* ---- signals ---- */

static int signal_all(struct mb_bundle *b, int sig, struct mb_err *err)
{
	int r = mb_bundle_cgroup_open(b, err);

	if (r == MB_SYS_CGROUP_ABSENT)
		return 0;
	if (r < 0)
		return r;
	return sig == SIGKILL ? mb_sys_cgroup_kill(b->cgroup, err)
	                      : mb_sys_cgroup_signal(b->cgroup, sig, err);
}

/* Without a pid namespace of its own the end of process 1 is not that of the others. */
static bool shares_pids(struct mb_bundle *b)
{
	const struct mb_oci_namespace *ns;

	if (mb_bundle_spec_load(b, NULL) < 0)
		return false;
	ns = mb_oci_spec_find_namespace(&b->spec, "pid");
	return !ns || (ns->path && ns->path[0]);
}

int mb_bundle_kill(struct mb_bundle *b, int sig, bool all, struct mb_err *err)
{
	MB_AUTO_CLOSE int pidfd = -1;
	int r = MB_SYS_PROC_GONE;

	if (all)
		return signal_all(b, sig, err);
	if (mb_sys_proc_id_is_running(&b->process))
		r = mb_sys_proc_id_open(&b->process, &pidfd, err);
	if (r == 0)
		r = mb_sys_proc_signal(pidfd, sig, err);
	if (r == MB_SYS_PROC_GONE)
		return mb_fail(err, ESRCH, "container not running");
	if (r == 0 && sig == SIGKILL && shares_pids(b))
		r = signal_all(b, sig, err);
	return r;
}

/* ---- the end ---- */

static int await_end(struct mb_bundle *b, struct mb_err *err)
{
	MB_AUTO_CLOSE int pidfd = -1;
	int r;

	if (b->process.pid == 0)
		return 0;
	r = mb_sys_proc_id_open(&b->process, &pidfd, err);
	if (r == 0)
		r = mb_sys_proc_wait(pidfd, KILL_TIMEOUT_MS, err);
	if (r == MB_SYS_PROC_TIMEOUT)
		return mb_fail(err, ETIMEDOUT, "container '%s' does not die", b->id);
	return r < 0 ? r : 0;
}

int mb_bundle_destroy(struct mb_bundle *b, struct mb_err *err)
{
	int r;

	kill_all(b);
	r = await_end(b, err);
	if (r == 0)
		r = mb_bundle_cgroup_remove(b, err);
	if (r < 0)
		return r;
	if (b->has_record && mb_bundle_spec_load(b, NULL) == 0 && b->spec.hooks)
		mb_bundle_hooks_try(b, b->spec.hooks->poststop, b->spec.hooks->n_poststop,
		                    "poststop", "stopped");
	return mb_bundle_files_remove(b, err);
}

int mb_bundle_delete(struct mb_bundle *b, bool force, struct mb_err *err)
{
	enum mb_bundle_status status = MB_BUNDLE_STOPPED;
	int r = 0;

	if (!force)
		r = mb_bundle_status_read(b, &status, err);
	if (r < 0)
		return r;
	if (status != MB_BUNDLE_STOPPED && status != MB_BUNDLE_CREATED)
		return mb_fail(err, EBUSY, "cannot delete container %s that is not stopped: %s",
		               b->id, mb_bundle_status_name(status));
	return mb_bundle_destroy(b, err);
}

/* ---- pause ---- */

static int freeze(struct mb_bundle *b, bool frozen, struct mb_err *err)
{
	int r = mb_bundle_cgroup_open(b, err);

	if (r == MB_SYS_CGROUP_ABSENT)
		return mb_fail(err, ENOENT, "the control group of '%s' is gone", b->id);
	return r < 0 ? r : mb_sys_cgroup_freeze(b->cgroup, frozen, FREEZE_TIMEOUT_MS, err);
}

int mb_bundle_pause(struct mb_bundle *b, struct mb_err *err)
{
	enum mb_bundle_status status;
	int r = mb_bundle_status_read(b, &status, err);

	if (r < 0)
		return r;
	if (status != MB_BUNDLE_RUNNING && status != MB_BUNDLE_CREATED)
		return mb_fail(err, ESRCH, "container not running or created: %s",
		               mb_bundle_status_name(status));
	return freeze(b, true, err);
}

int mb_bundle_resume(struct mb_bundle *b, struct mb_err *err)
{
	enum mb_bundle_status status;
	int r = mb_bundle_status_read(b, &status, err);

	if (r < 0)
		return r;
	if (status != MB_BUNDLE_PAUSED)
		return mb_fail(err, EINVAL, "container not paused");
	return freeze(b, false, err);
}

int mb_bundle_pids(struct mb_bundle *b, pid_t **ret_pids, size_t *ret_n, struct mb_err *err)
{
	int r = mb_bundle_cgroup_open(b, err);

	if (r == MB_SYS_CGROUP_ABSENT)
		return mb_fail(err, ESRCH, "container not running");
	return r < 0 ? r : mb_sys_cgroup_pids(b->cgroup, ret_pids, ret_n, err);
}
