/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/git_watch.h — a git under way: what it brings and takes has a bound, and it does
 * something. */
#ifndef MB_BUILD_GIT_WATCH_H
#define MB_BUILD_GIT_WATCH_H

#include <stdint.h>
#include <sys/types.h>

struct mb_err;

struct mb_build_git_watch {
	int dir_fd; /* where it writes */
	pid_t pid;
	uint64_t limit, bytes, ticks;
	/* nsec, monotonic: when the first was started, it last did anything, and the next look is
	 */
	int64_t begun, moved, next;
};
/* Before any is started. */
void mb_build_git_watch_begin(struct mb_build_git_watch *watch, int dir_fd);
/* One is: it has done nothing yet. */
void mb_build_git_watch_start(struct mb_build_git_watch *watch, pid_t pid);
/* In the child: no file of its becomes longer than all may be, and it has bounds of memory and
 * processor time. */
int mb_build_git_watch_limit(const struct mb_build_git_watch *watch, struct mb_err *err);
/* Milliseconds to the next look. */
int mb_build_git_watch_wait(const struct mb_build_git_watch *watch);
/* It said something. */
void mb_build_git_watch_heard(struct mb_build_git_watch *watch);
/* Look, if it is time.  Return: 0; -EFBIG: there is too much; -ETIMEDOUT: it has neither said nor
 * written nor computed anything for long, or all of it takes too long; told. */
int mb_build_git_watch_look(struct mb_build_git_watch *watch, struct mb_err *err);
/* Is there too much?  Return: 0; -EFBIG, told. */
int mb_build_git_watch_measure(struct mb_build_git_watch *watch, struct mb_err *err);

#endif
