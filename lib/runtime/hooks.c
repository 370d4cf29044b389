/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/spec.h"
#include "runtime/child.h"
#include "runtime/init/protocol.h"
#include "runtime/plan.h"
#include "sys/proc.h"
#include "json/json.h"

enum { SAID_LIMIT = 400 }; /* bytes of a failed hook's words that are told */

void mb_runtime_hook_state_format(const struct mb_runtime_hook_state *state, struct mb_str *out)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();
	struct json_object *annotations;

	mb_json_set_str(o, "ociVersion", state->spec->oci_version);
	mb_json_set_str(o, "id", state->id);
	mb_json_set_str(o, "status", state->status);
	if (state->pid > 0)
		mb_json_set_i64(o, "pid", state->pid);
	mb_json_set_str(o, "bundle", state->bundle);
	if (state->spec->annotations.n) {
		annotations = mb_json_new_object();
		MB_KV_FOREACH (p, &state->spec->annotations)
			mb_json_set_str(annotations, p->key, p->value);
		mb_json_set(o, "annotations", annotations);
	}
	mb_json_format(o, false, out);
}

/* A file in memory: a hook that does not read it holds nobody up, nor does one that is told much.
 */
int mb_runtime_hook_input_make(const char *text, size_t n, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = memfd_create("state", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot make a memory file");
	r = mb_write_full(fd, text, n);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return mb_fail_sys(err, r < 0 ? -r : errno, "cannot write a memory file");
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

struct hook_files {
	int input, output, failed[2], cwd, stop;
};

static _Noreturn void become_hook(const struct mb_oci_hook *hook, const struct hook_files *f)
{
	char *alone[] = {hook->path, NULL};
	int code;

	setsid(); /* killed with all that it started */
	mb_sys_proc_reset_signals();
	if ((f->cwd < 0 || fchdir(f->cwd) == 0) && dup2(f->input, 0) == 0 &&
	    dup2(f->output, 1) == 1 && dup2(f->output, 2) == 2)
		execve(hook->path, hook->args.n ? hook->args.v : alone,
		       hook->env.n ? hook->env.v : environ);
	code = errno;
	(void)!write(f->failed[1], &code, sizeof(code));
	_exit(127);
}

/* What it said last, on one line. */
static char *read_words(int fd)
{
	char text[SAID_LIMIT + 1] = "";
	const off_t size = lseek(fd, 0, SEEK_END);
	const off_t from = size > SAID_LIMIT ? size - SAID_LIMIT : 0;
	ssize_t n = pread(fd, text, SAID_LIMIT, from);

	if (n < 0)
		n = 0;
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	text[n] = '\0';
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	return mb_printable(text);
}

static int explain(const struct mb_oci_hook *hook, int code, int output, struct mb_err *err)
{
	MB_AUTO_FREE char *words = read_words(output);

	if (code > 128)
		return mb_fail(err, ECHILD, "'%s' was killed by signal %d%s%s", hook->path,
		               code - 128, *words ? ": " : "", words);
	return mb_fail(err, ECHILD, "'%s' failed with exit status %d%s%s", hook->path, code,
	               *words ? ": " : "", words);
}

int mb_runtime_hook_timeout_ms(const struct mb_oci_hook *hook)
{
	if (!hook->has_timeout)
		return -1;
	return hook->timeout > INT_MAX / 1000 ? INT_MAX : hook->timeout * 1000;
}

static int await_hook(const struct mb_oci_hook *hook, pid_t pid, int pidfd,
                      const struct hook_files *f, struct mb_err *err)
{
	int code = 0, told = 0;
	size_t n = 0;
	int r = mb_sys_proc_wait_unless(pidfd, f->stop, mb_runtime_hook_timeout_ms(hook), err);

	if (r != 0) {
		(void)kill(
			-pid,
			SIGKILL); /* its group: the leader is not reaped, so the number is ours */
		(void)mb_sys_proc_signal(pidfd, SIGKILL, NULL);
	}
	if (mb_sys_proc_reap(pidfd, &code, r == 0 ? err : NULL) < 0 && r == 0)
		return -err->code;
	if (r == MB_SYS_PROC_TIMEOUT)
		return mb_fail(err, ETIMEDOUT, "'%s' was killed: it took over %d s", hook->path,
		               hook->timeout);
	if (r < 0)
		return r;
	if (mb_read_full(f->failed[0], &told, sizeof(told), &n) == 0 && n == sizeof(told))
		return mb_fail_sys(err, told, "cannot execute '%s'", hook->path);
	return code ? explain(hook, code, f->output, err) : 0;
}

static int run_one(const struct mb_oci_hook *hook, struct hook_files *f, struct mb_err *err)
{
	struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	MB_AUTO_CLOSE int pidfd = -1;
	pid_t pid = -1;
	int r;

	f->output = memfd_create("hook", MFD_CLOEXEC);
	if (f->output < 0 || pipe2(f->failed, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	r = mb_sys_proc_clone(&how, &pid, &pidfd, err);
	if (r < 0)
		return r;
	if (pid == 0)
		become_hook(hook, f);
	mb_close(&f->failed[1]);
	return await_hook(hook, pid, pidfd, f, err);
}

int mb_runtime_hooks_run(const struct mb_oci_hook *v, size_t n,
                         const struct mb_runtime_hook_run *how,
                         const struct mb_runtime_hook_state *state, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = 0;

	if (n == 0)
		return 0;
	mb_runtime_hook_state_format(state, &text);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct hook_files f = {.input = -1,
		                       .output = -1,
		                       .failed = {-1, -1},
		                       .cwd = how->cwd_fd,
		                       .stop = how->stop_fd};

		r = mb_runtime_hook_input_make(text.buf, text.len, &f.input, err);
		if (r == 0)
			r = run_one(&v[i], &f, err);
		mb_close(&f.input);
		mb_close(&f.output);
		mb_close(&f.failed[0]);
		mb_close(&f.failed[1]);
		if (r < 0)
			mb_wrap(err, r, "%s hook %zu", how->name, i);
	}
	return r;
}

/* Process 1, with all mounts made and its old root still there. */
int mb_runtime_hooks_await(struct mb_runtime_child *c, struct mb_err *err)
{
	const struct mb_runtime_plan *plan = c->plan;
	const struct mb_oci_hooks *h = plan->spec->hooks;
	const struct mb_runtime_hook_state state = {
		.spec = plan->spec,
		.id = plan->req.id,
		.status = "creating",
		.bundle = plan->req.bundle,
		.pid = getpid(),
	};
	const struct mb_runtime_hook_run how = {
		.name = "createContainer", .cwd_fd = c->root_fd, .stop_fd = -1};
	int r;

	if (!plan->has_early_hooks)
		return 0;
	r = mb_runtime_channel_send(c->channel, MB_RUNTIME_SETTLED, -1, 0);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot reach the command");
	mb_runtime_channel_wait(c->channel, MB_RUNTIME_HOOKED);
	return mb_runtime_hooks_run(h->create_container, h->n_create_container, &how, &state, err);
}
