/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/unit/runtime/box.h — whole starts and execs on a root file system of one static busybox. */
#ifndef MB_TEST_RUNTIME_BOX_H
#define MB_TEST_RUNTIME_BOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/spec.h"
#include "runtime/runtime.h"
#include "sys/tree.h"

static const char bundle_base[] =
	"{\"ociVersion\":\"1.2.0\",\"process\":{\"user\":{\"uid\":0,\"gid\":0,"
	"\"additionalGids\":[0]},\"cwd\":\"/\",\"args\":[\"sh\",\"-c\",\"true\"],"
	"\"env\":[\"PATH=/bin\"],\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\"],"
	"\"effective\":[\"CAP_CHOWN\",\"CAP_KILL\"],\"permitted\":[\"CAP_CHOWN\",\"CAP_KILL\"]}},"
	"\"root\":{\"path\":\"rootfs\"},\"hostname\":\"web\",\"mounts\":["
	"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
	"\"options\":[\"nosuid\",\"mode=755\"]},"
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
	"\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"]}],"
	"\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"ipc\"},"
	"{\"type\":\"uts\"},{\"type\":\"network\"},{\"type\":\"cgroup\"}],"
	"\"maskedPaths\":[\"/proc/timer_list\",\"/proc/acpi\",\"/proc/absent\"],"
	"\"readonlyPaths\":[\"/proc/sys\"]}}";

static char dir[] = "/tmp/mybox-test-start-XXXXXX";
static int dir_fd = -1;
static const char *skip_reason;

struct box {
	struct mb_oci_spec spec;
	struct mb_runtime_request req;
	struct mb_runtime_plan *plan;
	struct mb_runtime_ready ready;
	struct mb_runtime_started started;
	struct mb_err err;
	struct mb_str out;
	pid_t parent;
	int output;
};

static inline void run_or_die(const char *command)
{
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test's own words */
}

static inline int make_all(void **state)
{
	MB_AUTO_FREE char *command = NULL;

	(void)state;
	if (geteuid() != 0) {
		skip_reason = "needs root";
		return 0;
	}
	if (access("/bin/busybox", X_OK) < 0) {
		skip_reason = "needs a static /bin/busybox";
		return 0;
	}
	if (!mkdtemp(dir))
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	command = mb_asprintf("cd %s && mkdir -p rootfs/bin rootfs/etc rootfs/full canary && "
	                      "cp /bin/busybox rootfs/bin/ && echo data >rootfs/full/file && "
	                      "ln -s file rootfs/full/link && "
	                      "for a in sh cat ls id grep touch hostname sleep kill tty mkdir "
	                      "readlink stat stty wc; do ln -s busybox rootfs/bin/$a; done",
	                      dir);
	run_or_die(command);
	return 0;
}

static inline int unmake_all(void **state)
{
	(void)state;
	if (skip_reason)
		return 0;
	mb_close(&dir_fd);
	return mb_sys_tree_remove(AT_FDCWD, dir, NULL);
}

static inline int setup(void **state)
{
	struct box *b = mb_calloc(1, sizeof(*b));

	*state = b;
	b->req = MB_RUNTIME_REQUEST_INIT;
	b->req.id = "test";
	b->req.spec = &b->spec;
	b->req.bundle_fd = dir_fd;
	b->req.seccomp_default = true;
	b->output = -1;
	b->ready.pidfd = b->ready.netns_fd = b->started.console_fd = -1;
	return mb_oci_spec_load(bundle_base, strlen(bundle_base), &b->spec, &b->err);
}

static inline int teardown(void **state)
{
	struct box *b = *state;

	if (b->ready.pid > 0)
		kill(b->ready.pid, SIGKILL);
	if (b->parent > 0)
		waitpid(b->parent, NULL, 0);
	mb_runtime_plan_free(b->plan);
	mb_close(&b->ready.pidfd);
	mb_close(&b->ready.netns_fd);
	mb_close(&b->started.console_fd);
	mb_close(&b->output);
	mb_oci_spec_done(&b->spec);
	mb_str_done(&b->out);
	free(b);
	return 0;
}

static inline void script(struct box *b, const char *text)
{
	mb_strset(&b->spec.process->args.v[2], text);
}

/* What the monitor does: be the parent, and pass the exit code on. */
static inline _Noreturn void be_parent(struct box *b)
{
	int status = 0;
	pid_t pid = -1;

	if (mb_runtime_plan_clone(b->plan, &pid, NULL, &b->err) < 0)
		_exit(125);
	for (int fd = 3; fd < 256; fd++)
		close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static inline int start(struct box *b)
{
	int pipes[2], r;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	b->req.stdio[1] = b->req.stdio[2] = pipes[1];
	b->output = pipes[0];
	r = mb_runtime_plan_new(&b->req, &b->plan, &b->err);
	if (r == 0) {
		b->parent = fork();
		if (b->parent == 0)
			be_parent(b);
		close(pipes[1]);
		r = mb_runtime_plan_await_ready(b->plan, &b->ready, &b->err);
	} else {
		close(pipes[1]);
	}
	return r < 0 ? r : mb_runtime_plan_start(b->plan, &b->started, &b->err);
}

static inline int finish(struct box *b)
{
	int status = 0;

	mb_str_reset(&b->out);
	mb_read_fd(b->output, 1 << 20, &b->out, NULL);
	assert_int_equal(waitpid(b->parent, &status, 0), b->parent);
	b->parent = 0;
	b->ready.pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static inline void expect(struct box *b, const char *text, const char *output)
{
	script(b, text);
	if (start(b) < 0)
		fail_msg("%s", b->err.msg);
	(void)finish(b);
	assert_string_equal(mb_str_text(&b->out), output);
}

#define NEEDS_ROOT                                                   \
	do {                                                         \
		if (skip_reason) {                                   \
			print_message("skipped: %s\n", skip_reason); \
			skip();                                      \
		}                                                    \
	} while (0)

static inline int run_exec(struct box *b, const char *text, int *ret_code)
{
	struct mb_runtime_exec_request x = MB_RUNTIME_EXEC_REQUEST_INIT;
	struct mb_runtime_exec got = {.pidfd = -1, .console_fd = -1};
	struct mb_oci_process process = *b->spec.process;
	int pipes[2], status = 0, r;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	process.args = (struct mb_strv){0};
	mb_strv_add(&process.args, text[0] == '!' ? text + 1 : "sh");
	mb_strv_add(&process.args, "-c");
	mb_strv_add(&process.args, text);
	x.id = "test";
	x.spec = &b->spec;
	x.process = &process;
	x.pidfd = b->ready.pidfd;
	x.pid = b->ready.pid;
	x.stdio[1] = x.stdio[2] = pipes[1];
	x.seccomp_default = true;
	r = mb_runtime_exec(&x, &got, &b->err);
	close(pipes[1]);
	mb_str_reset(&b->out);
	mb_read_fd(pipes[0], 1 << 20, &b->out, NULL);
	close(pipes[0]);
	if (r == 0) {
		assert_int_equal(waitpid(got.pid, &status, 0), got.pid);
		*ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	mb_close(&got.pidfd);
	mb_strv_done(&process.args);
	return r;
}

#endif
