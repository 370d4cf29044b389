/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

enum { MAX_DEPTH = 64 };

static int copy_tree(int from_fd, int to_fd, int depth, struct mb_err *err);

/* Modes after owners: a change of owner takes the set-id bits away. */
static int copy_owner(int fd, const struct stat *st, struct mb_err *err)
{
	if (fchown(fd, st->st_uid, st->st_gid) < 0 || fchmod(fd, st->st_mode & 07777) < 0)
		return mb_fail_sys(err, errno, "cannot set owner and mode");
	return 0;
}

static int copy_bytes(int from, int to, struct mb_err *err)
{
	for (;;) {
		ssize_t n = sendfile(to, from, NULL, 1 << 30);

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot copy");
	}
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st,
                     struct mb_err *err)
{
	MB_AUTO_CLOSE int from =
		openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	MB_AUTO_CLOSE int to = -1;
	struct stat now;
	int r;

	if (from < 0 || fstat(from, &now) < 0)
		return mb_fail_sys(err, errno, "cannot open");
	if (!S_ISREG(now.st_mode))
		return mb_fail(err, EINVAL, "changed while being copied");
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return mb_fail_sys(err, errno, "cannot make");
	r = copy_bytes(from, to, err);
	return r < 0 ? r : copy_owner(to, st, err);
}

static int copy_link(int from_dir, int to_dir, const char *name, const struct stat *st,
                     struct mb_err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return mb_fail_sys(err, errno, "cannot read the link");
	target[n] = '\0';
	if (symlinkat(target, to_dir, name) < 0 ||
	    fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return mb_fail_sys(err, errno, "cannot make the link");
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static int copy_dir(int from_dir, int to_dir, const char *name, int depth, struct mb_err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_CLOSE int from = openat(from_dir, name, flags), to = -1;

	if (from < 0)
		return mb_fail_sys(err, errno, "cannot open");
	if (mkdirat(to_dir, name, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot make");
	to = openat(to_dir, name, flags);
	if (to < 0)
		return mb_fail_sys(err, errno, "cannot open the copy");
	return copy_tree(from, to, depth + 1, err);
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static int copy_entry(int from, int to, const char *name, int depth, struct mb_err *err)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return mb_fail_sys(err, errno, "cannot look at it");
	if (S_ISDIR(st.st_mode))
		return copy_dir(from, to, name, depth, err);
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name, &st, err);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, &st, err);
	return 0;
}

/* @from_fd is open for reading and stays the caller's.  NOLINTNEXTLINE(misc-no-recursion) */
static int copy_tree(int from_fd, int to_fd, int depth, struct mb_err *err)
{
	MB_AUTO_CLOSEDIR DIR *dir = mb_dir_open(from_fd, ".");
	const struct dirent *entry;
	struct stat st;
	int r = 0;

	if (depth > MAX_DEPTH)
		r = mb_fail(err, ELOOP, "directories are nested too deeply");
	if (!dir || fstat(from_fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot read the directory");
	while (r == 0 && (entry = mb_dir_next(dir))) {
		r = copy_entry(from_fd, to_fd, entry->d_name, depth, err);
		if (r < 0)
			mb_wrap(err, r, "'%s'", entry->d_name);
	}
	return r < 0 ? r : copy_owner(to_fd, &st, err);
}

int mb_runtime_copyup(int from_fd, int to_fd, struct mb_err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC; /* both may be O_PATH */
	MB_AUTO_CLOSE int from = openat(from_fd, ".", flags), to = openat(to_fd, ".", flags);

	if (from < 0 || to < 0)
		return mb_fail_sys(err, errno, "cannot open what to copy");
	return copy_tree(from, to, 0, err);
}
