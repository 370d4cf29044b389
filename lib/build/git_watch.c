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
	SILENCE_SEC = 30,     /* as for http */
	TOTAL_SEC = 4 * 3600, /* of all that is run for one repository */
	CPU_SEC = 3600,       /* of one process */
	DEPTH_MAX = 8,        /* of processes */
	CHEAP = 10,           /* so many times a look's own duration passes before the next one, */
	APART_SEC = 5,        /* but never more than this */
};
/* Of one process, what it has for itself alone: packs are mapped and do not count. */
#define MEMORY_MAX (UINT64_C(4) << 30)

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1 /* whose shadow memory is more than that before git is executed */
#else
#define UNDER_SANITIZER 0
#endif

void mb_build_git_watch_begin(struct mb_build_git_watch *watch, int dir_fd)
{
	struct rlimit files = {RLIM_INFINITY, RLIM_INFINITY};
	int64_t now = mb_monotonic_nsec();

	*watch = (struct mb_build_git_watch){.dir_fd = dir_fd,
	                                     .limit = MB_BUILD_FETCH_MAX,
	                                     .begun = now,
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
	const struct {
		int what;
		rlim_t most;
	} limits[] = {{RLIMIT_FSIZE, watch->limit},
	              {RLIMIT_DATA, UNDER_SANITIZER ? RLIM_INFINITY : MEMORY_MAX},
	              {RLIMIT_CPU, CPU_SEC}};

	for (size_t i = 0; i < MB_N(limits); i++) {
		struct rlimit is = {RLIM_INFINITY, RLIM_INFINITY};
		rlim_t most = limits[i].most;

		if (getrlimit(limits[i].what, &is) == 0 && is.rlim_max < most)
			most = is.rlim_max;
		if (setrlimit(limits[i].what, &(struct rlimit){most, most}) < 0)
			return mb_fail_sys(err, errno, "cannot limit git");
	}
	return 0;
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

/* Processor time of one process and those that it has waited for; @ret_busy: or it waits for a
 * disk. */
static uint64_t ticks_of_one(pid_t pid, bool *ret_busy)
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
	*ret_busy = *ret_busy || (fields.n && strcmp(fields.v[0], "D") == 0);
	for (size_t i = UTIME - FIRST; i <= CSTIME - FIRST && i < fields.n; i++)
		if (mb_parse_u64(fields.v[i], &n) == 0)
			sum += n;
	return sum;
}

/* And of those below it. */
static uint64_t ticks_of(pid_t pid, unsigned depth, bool *ret_busy)
{
	MB_AUTO_STRV struct mb_strv children = MB_STRV_INIT;
	uint64_t sum = ticks_of_one(pid, ret_busy);
	char path[64], text[4096];
	uint32_t child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if (!depth || mb_read_kernel_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return sum;
	mb_strv_split(&children, text, ' ');
	MB_STRV_FOREACH (word, &children)
		if (mb_parse_u32(word, &child) == 0)
			sum += ticks_of((pid_t)child, depth - 1, ret_busy);
	return sum;
}

int mb_build_git_watch_measure(struct mb_build_git_watch *watch, struct mb_err *err)
{
	uint64_t bytes = 0;

	/* What it cannot be asked now is asked the next time. */
	if (mb_sys_tree_weigh(watch->dir_fd, ".", watch->limit, &bytes) < 0)
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
	bool busy = false;
	uint64_t ticks;
	int r;

	if (now < watch->next)
		return 0;
	r = mb_build_git_watch_measure(watch, err);
	ticks = ticks_of(watch->pid, DEPTH_MAX, &busy);
	/* Less, when one has ended and nobody has waited for it. */
	if (ticks != watch->ticks || busy)
		mb_build_git_watch_heard(watch);
	watch->ticks = ticks;
	took = CHEAP * (mb_monotonic_nsec() - now);
	took = took > MB_NSEC_PER_SEC ? took : MB_NSEC_PER_SEC;
	took = took < APART_SEC * MB_NSEC_PER_SEC ? took : APART_SEC * MB_NSEC_PER_SEC;
	now = mb_monotonic_nsec();
	watch->next = now + took;
	if (r == 0 && now - watch->moved > SILENCE_SEC * MB_NSEC_PER_SEC)
		r = mb_fail(err, ETIMEDOUT,
		            "git has said, written and computed nothing for %d seconds",
		            SILENCE_SEC);
	if (r == 0 && now - watch->begun > TOTAL_SEC * MB_NSEC_PER_SEC)
		r = mb_fail(err, ETIMEDOUT, "git has taken more than %d hours", TOTAL_SEC / 3600);
	return r;
}
