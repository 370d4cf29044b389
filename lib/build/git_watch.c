/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/git_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "build/context.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/strv.h"
#include "sys/tree.h"

enum {
	SILENCE_SEC = 30, /* as for http */
	DEPTH_MAX = 8,    /* of processes */
	CHEAP = 10,       /* so many times a look's own duration passes before the next one */
};

void mb_build_git_watch_begin(struct mb_build_git_watch *watch, int dir_fd)
{
	struct rlimit files = {RLIM_INFINITY, RLIM_INFINITY};
	int64_t now = mb_monotonic_nsec();

	*watch = (struct mb_build_git_watch){.dir_fd = dir_fd,
	                                     .limit = MB_BUILD_FETCH_MAX,
	                                     .moved = now,
	                                     .next = now + MB_NSEC_PER_SEC};
	/* Whoever may write no larger file gets no larger context. */
	if (getrlimit(RLIMIT_FSIZE, &files) == 0 && files.rlim_max < watch->limit)
		watch->limit = files.rlim_max;
}

void mb_build_git_watch_start(struct mb_build_git_watch *watch, pid_t pid)
{
	watch->pid = pid;
	watch->ticks = 0;
	mb_build_git_watch_heard(watch);
}

int mb_build_git_watch_limit(const struct mb_build_git_watch *watch, struct mb_err *err)
{
	const struct rlimit files = {watch->limit, watch->limit};

	return setrlimit(RLIMIT_FSIZE, &files) < 0 ? mb_fail_sys(err, errno, "cannot limit files")
	                                           : 0;
}

int mb_build_git_watch_wait(const struct mb_build_git_watch *watch)
{
	int64_t left = watch->next - mb_monotonic_nsec();

	return left <= 0 ? 0 : (int)(left / 1000000) + 1;
}

void mb_build_git_watch_heard(struct mb_build_git_watch *watch)
{
	watch->moved = mb_monotonic_nsec();
}

/* --- what it does ----------------------------------------------------------------------------- */

/* Processor time of one process and those that it has waited for. */
static uint64_t ticks_of_one(pid_t pid)
{
	enum { UTIME = 14, CSTIME = 17, FIRST = 3 };
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	char path[64], text[1024];
	const char *rest;
	uint64_t sum = 0, n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (mb_read_kernel_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 0;
	rest = strrchr(text, ')');
	if (rest && rest[1] == ' ')
		mb_strv_split(&fields, rest + 2, ' ');
	for (size_t i = UTIME - FIRST; i <= CSTIME - FIRST && i < fields.n; i++)
		if (mb_parse_u64(fields.v[i], &n) == 0)
			sum += n;
	return sum;
}

/* And of those below it. */
static uint64_t ticks_of(pid_t pid, unsigned depth)
{
	MB_AUTO_STRV struct mb_strv children = MB_STRV_INIT;
	uint64_t sum = ticks_of_one(pid);
	char path[64], text[4096];
	uint32_t child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if (!depth || mb_read_kernel_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return sum;
	mb_strv_split(&children, text, ' ');
	MB_STRV_FOREACH (word, &children)
		if (mb_parse_u32(word, &child) == 0)
			sum += ticks_of((pid_t)child, depth - 1);
	return sum;
}

int mb_build_git_watch_measure(struct mb_build_git_watch *watch, struct mb_err *err)
{
	uint64_t bytes = 0;

	/* What it cannot be asked now is asked the next time. */
	if (mb_sys_tree_measure(watch->dir_fd, ".", &bytes) < 0)
		return 0;
	if (bytes != watch->bytes)
		mb_build_git_watch_heard(watch);
	watch->bytes = bytes;
	return bytes <= watch->limit ? 0
	                             : mb_fail(err, EFBIG, "it is longer than %llu bytes",
	                                       (unsigned long long)watch->limit);
}

int mb_build_git_watch_look(struct mb_build_git_watch *watch, struct mb_err *err)
{
	int64_t now = mb_monotonic_nsec(), took;
	uint64_t ticks;
	int r;

	if (now < watch->next)
		return 0;
	r = mb_build_git_watch_measure(watch, err);
	ticks = ticks_of(watch->pid, DEPTH_MAX);
	/* Less, when one has ended and nobody has waited for it. */
	if (ticks != watch->ticks)
		mb_build_git_watch_heard(watch);
	watch->ticks = ticks;
	took = CHEAP * (mb_monotonic_nsec() - now);
	watch->next = mb_monotonic_nsec() + (took > MB_NSEC_PER_SEC ? took : MB_NSEC_PER_SEC);
	if (r == 0 && mb_monotonic_nsec() - watch->moved > SILENCE_SEC * MB_NSEC_PER_SEC)
		r = mb_fail(err, ETIMEDOUT, "the server has sent nothing for %d seconds",
		            SILENCE_SEC);
	return r;
}
