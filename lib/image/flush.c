/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/flush.h"

#include <time.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "image/child.h"
#include "image/confine.h"

struct job {
	pid_t parent;
	int fd;
};

static void run(void *arg, int report_fd)
{
	const struct timespec pause = {.tv_nsec = MB_IMAGE_FLUSH_MSEC * 1000000};
	const struct job *job = arg;
	int keep[] = {job->fd, report_fd};

	if (mb_image_confine_begin(job->parent, keep, MB_N(keep), NULL) < 0)
		_exit(1);
	while (nanosleep(&pause, NULL) == 0 && syncfs(job->fd) == 0)
		;
	_exit(0);
}

int mb_image_flush_start(struct mb_image_child *child, int fd, struct mb_err *err)
{
	struct job job = {getpid(), fd};

	return mb_image_child_start(child, run, &job, err);
}
