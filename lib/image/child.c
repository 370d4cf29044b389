/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"

int mb_image_child_start(struct mb_image_child *child, void (*run)(void *arg, int report_fd),
                         void *arg, struct mb_err *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		run(arg, ends[1]);
		_exit(1);
	}
	close(ends[1]);
	if (pid < 0) {
		int error = errno;

		close(ends[0]);
		return mb_fail_sys(err, error, "cannot fork");
	}
	*child = (struct mb_image_child){.pid = pid, .report_fd = ends[0]};
	return 0;
}

static int tell_end(struct mb_image_child *child, struct mb_err *err)
{
	int status = 0;
	pid_t pid = child->pid;

	child->pid = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		return mb_fail(err, EPIPE, "the unpacking process was ended by signal %d",
		               WTERMSIG(status));
	return mb_fail(err, EPIPE, "the unpacking process ended without a result");
}

int mb_image_child_read(struct mb_image_child *child, void *report, size_t n, struct mb_err *err)
{
	size_t got = 0;
	int r = mb_read_full(child->report_fd, report, n, &got);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read from the unpacking process");
	if (got != n)
		return tell_end(child, err);
	child->reported = true;
	return 0;
}

void mb_image_child_done(struct mb_image_child *child)
{
	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
		child->pid = 0;
	}
	if (child->report_fd > 0)
		mb_close(&child->report_fd);
}
