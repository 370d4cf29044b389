/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/tree.h"

static int read_names(int fd, struct mb_strv *out)
{
	int r = mb_dir_names(fd, ".", out);

	mb_strv_sort(out);
	return r;
}

/* What the kernel shows of itself is no file of anybody's: the mount point is there, empty. */
enum { MQUEUE_MAGIC = 0x19800202 };

static bool is_of_kernel(int fd)
{
	static const unsigned types[] = {PROC_SUPER_MAGIC,   SYSFS_MAGIC,
	                                 CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
	                                 DEVPTS_SUPER_MAGIC, MQUEUE_MAGIC};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < MB_N(types); i++)
		if ((unsigned)fs.f_type == types[i])
			return true;
	return false;
}

bool mb_build_walk_is_gone(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ESTALE;
}

/* One directory; those in it go to @pending, the first one last. */
static int walk_one(const struct mb_build_walk *walk, int top_fd, const char *path,
                    struct mb_strv *pending, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT, below = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r = mb_sys_tree_open_across(top_fd, path, &fd);

	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (r == 0 && !(*path && is_of_kernel(fd)))
		r = read_names(fd, &names);
	if (walk->is_live && *path && mb_build_walk_is_gone(r))
		return 0;
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read '%s'", *path ? path : ".");
	r = walk->directory ? walk->directory(walk->arg, path, fd, &st, err) : 0;
	for (size_t i = 0; i < names.n && r == 0; i++) {
		const char *name = names.v[i];
		MB_AUTO_FREE char *child = mb_asprintf("%s%s%s", path, *path ? "/" : "", name);

		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (!walk->is_live || !mb_build_walk_is_gone(-errno))
				r = mb_fail_sys(err, errno, "cannot look at '%s'", child);
			continue;
		}
		if (walk->skips && walk->skips(walk->arg, child, S_ISDIR(st.st_mode)))
			continue;
		if (S_ISDIR(st.st_mode))
			mb_strv_take(&below, mb_take_ptr(&child));
		else if (walk->entry)
			r = walk->entry(walk->arg, child, fd, name, &st, err);
	}
	for (size_t i = below.n; i-- > 0 && r == 0;)
		mb_strv_add(pending, below.v[i]);
	return r;
}

int mb_build_walk(int top_fd, const struct mb_build_walk *walk, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv pending = MB_STRV_INIT;
	int r = 0;

	mb_strv_add(&pending, "");
	while (pending.n && r == 0) {
		MB_AUTO_FREE char *path = pending.v[--pending.n];

		pending.v[pending.n] = NULL;
		r = walk_one(walk, top_fd, path, &pending, err);
	}
	return r;
}

/* --- times ------------------------------------------------------------------------------------ */

static bool is_later(const struct timespec *t, int64_t epoch)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec > epoch;
}

/* @name NULL: the directory itself. */
static int clamp(int dir_fd, const char *name, const struct stat *st, int64_t epoch)
{
	struct timespec when = {epoch / 1000000000, epoch % 1000000000};
	struct timespec times[2] = {when, when};

	int r;

	if (!is_later(&st->st_mtim, epoch))
		return 0;
	r = name ? utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) : futimens(dir_fd, times);
	return r < 0 ? -errno : 0;
}

static int clamp_directory(void *arg, const char *path, int fd, const struct stat *st,
                           struct mb_err *err)
{
	int r = clamp(fd, NULL, st, *(const int64_t *)arg);

	return r < 0 ? mb_fail_sys(err, -r, "cannot set the time of '%s'", path) : 0;
}

static int clamp_entry(void *arg, const char *path, int dir_fd, const char *name,
                       const struct stat *st, struct mb_err *err)
{
	int r = clamp(dir_fd, name, st, *(const int64_t *)arg);

	return r < 0 ? mb_fail_sys(err, -r, "cannot set the time of '%s'", path) : 0;
}

static int walk_below(int dir_fd, const char *name, const struct mb_build_walk *walk,
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int top =
		openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (top < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", name);
	return mb_build_walk(top, walk, err);
}

int mb_build_walk_clamp(int dir_fd, const char *name, int64_t epoch, struct mb_err *err)
{
	const struct mb_build_walk walk = {
		.directory = clamp_directory, .entry = clamp_entry, .arg = &epoch};

	return walk_below(dir_fd, name, &walk, err);
}

/* --- owners ----------------------------------------------------------------------------------- */

struct owner {
	uid_t uid;
	gid_t gid;
};

static int own_directory(void *arg, const char *path, int fd, const struct stat *st,
                         struct mb_err *err)
{
	const struct owner *o = arg;

	(void)st;
	return fchown(fd, o->uid, o->gid) < 0
	               ? mb_fail_sys(err, errno, "cannot set the owner of '%s'", path)
	               : 0;
}

static int own_entry(void *arg, const char *path, int dir_fd, const char *name,
                     const struct stat *st, struct mb_err *err)
{
	const struct owner *o = arg;

	(void)st;
	return fchownat(dir_fd, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) < 0
	               ? mb_fail_sys(err, errno, "cannot set the owner of '%s'", path)
	               : 0;
}

int mb_build_walk_own(int dir_fd, const char *name, uid_t uid, gid_t gid, struct mb_err *err)
{
	struct owner owner = {uid, gid};
	const struct mb_build_walk walk = {
		.directory = own_directory, .entry = own_entry, .arg = &owner};

	return walk_below(dir_fd, name, &walk, err);
}
