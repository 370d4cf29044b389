/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

/* A container that manages cgroups of its own decides how many there are. */
enum { DIRECTORIES_MAX = 65536, DIRECTORY_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW };

static int children_add(int fd, const char *path, struct mb_strv *paths, struct mb_err *err)
{
	MB_AUTO_CLOSEDIR DIR *dir = NULL;
	MB_AUTO_CLOSE int dir_fd = openat(fd, *path ? path : ".", DIRECTORY_FLAGS);
	struct stat st;

	if (dir_fd < 0)
		return errno == ENOENT || errno == ENODEV
		               ? 0
		               : mb_fail_sys(err, errno, "cannot open cgroup '%s'", path);
	/* kernfs counts subdirectories: most cgroups have none, and need no reading. */
	if (fstat(dir_fd, &st) == 0 && st.st_nlink == 2)
		return 0;
	dir = mb_dir_take(mb_take_fd(&dir_fd));
	if (!dir)
		return mb_fail_sys(err, errno, "cannot read cgroup '%s'", path);
	for (const struct dirent *e; (e = mb_dir_next(dir));) {
		if (e->d_type != DT_DIR)
			continue;
		if (paths->n >= DIRECTORIES_MAX)
			return mb_fail(err, E2BIG, "more than %d cgroups", DIRECTORIES_MAX);
		mb_strv_addf(paths, "%s%s%s", path, *path ? "/" : "", e->d_name);
	}
	return 0;
}

int mb_sys_cgroup_children(int fd, struct mb_strv *ret_names, struct mb_err *err)
{
	return children_add(fd, "", ret_names, err);
}

int mb_sys_cgroup_walk(int fd, struct mb_strv *ret_paths, struct mb_err *err)
{
	int r = children_add(fd, "", ret_paths, err);

	for (size_t i = 0; i < ret_paths->n && r == 0; i++)
		r = children_add(fd, ret_paths->v[i], ret_paths, err);
	return r;
}

int mb_sys_cgroup_mkdir(int fd, const char *path, bool *ret_made)
{
	*ret_made = true;
	if (mkdirat(fd, path, 0755) == 0)
		return 0;
	/* A left-over would bring its counters along, and one that was ever killed through
	 * cgroup.kill kills what is cloned into it (README.cgroup.md): make it anew if nobody is
	 * in. */
	if (errno == EEXIST && unlinkat(fd, path, AT_REMOVEDIR) == 0 &&
	    mkdirat(fd, path, 0755) == 0)
		return 0;
	*ret_made = false;
	return errno == EEXIST || errno == EBUSY || errno == ENOTEMPTY ? 0 : -errno;
}
