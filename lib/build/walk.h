/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/walk.h — trees that somebody else made, walked in a fixed order by descriptors.
 *
 * No link is followed, nothing leads out of the tree, and depth costs no descriptors.  What the
 * kernel shows of itself (/proc, /sys, ...) is empty, unless it is the top.
 */
#ifndef MB_BUILD_WALK_H
#define MB_BUILD_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct mb_err;

struct mb_build_walk {
	/* Paths are relative to the top; "" is the top itself.  Return: 0 or -errno, told. */
	int (*directory)(void *arg, const char *path, int fd, const struct stat *st,
	                 struct mb_err *err);
	/* Whatever is no directory: @name in @dir_fd. */
	int (*entry)(void *arg, const char *path, int dir_fd, const char *name,
	             const struct stat *st, struct mb_err *err);
	/* Leave it out, with all below a directory; NULL: nothing. */
	bool (*skips)(void *arg, const char *path, bool is_directory);
	void *arg;
	/* What goes or becomes something else meanwhile, below the top, is left out. */
	bool is_live;
};
/* Does @r say so of something that was there a moment ago? */
bool mb_build_walk_is_gone(int r);
/* A directory before what is in it, names in the order of their bytes, what is no directory first.
 * @top_fd may be O_PATH. */
int mb_build_walk(int top_fd, const struct mb_build_walk *walk, struct mb_err *err);
/* All that is in the tree @name below @dir_fd is @uid's and @gid's. */
int mb_build_walk_own(int dir_fd, const char *name, uid_t uid, gid_t gid, struct mb_err *err);
/* No time of what is in the tree @name below @dir_fd is later than @epoch (nsec). */
int mb_build_walk_clamp(int dir_fd, const char *name, int64_t epoch, struct mb_err *err);

#endif
