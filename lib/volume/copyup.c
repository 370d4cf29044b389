/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "store/doc.h"
#include "store/store.h"
#include "sys/path.h"
#include "sys/tree.h"
#include "volume/copy.h"
#include "volume/meta.h"

/* There while a copy is under way: what is in the volume then is half a copy, nobody's data. */
#define MARK "COPYING"

static bool is_empty(int fd)
{
	DIR *dir = mb_dir_open(fd, ".");
	bool empty;

	if (!dir)
		return false;
	empty = !mb_dir_next(dir);
	closedir(dir);
	return empty;
}

/* The image's directory at @path.  Return: 0; 1 when there is none; -errno. */
static int open_source(int rootfs_fd, const char *path, int *ret_fd, struct mb_err *err)
{
	int r = mb_sys_path_open(rootfs_fd, path, O_RDONLY | O_DIRECTORY, ret_fd, err);

	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? 1 : r;
}

static int begin(int volume_fd, int data, struct mb_err *err)
{
	int fd, r;

	if (faccessat(volume_fd, MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		r = mb_sys_tree_empty(data, err);
		if (r < 0)
			return r;
	}
	fd = openat(volume_fd, MARK, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot begin the copy");
	mb_close(&fd);
	return 0;
}

static int finish(int volume_fd, struct mb_volume *volume, struct mb_err *err)
{
	int r;

	/* What driver options mount may come back empty. */
	volume->copied = !mb_volume_has_mount(volume);
	r = mb_volume_meta_save(volume_fd, volume, MB_DOC_REPLACE, err);
	if (r == 0 && unlinkat(volume_fd, MARK, 0) < 0 && errno != ENOENT)
		r = mb_fail_sys(err, errno, "cannot end the copy");
	return r;
}

static int copy_up(int volume_fd, struct mb_volume *volume, int rootfs_fd, const char *path,
                   int data_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int from = -1, to = -1;
	bool half = faccessat(volume_fd, MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	int r;

	to = openat(data_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return mb_fail_sys(err, errno, "cannot read the volume");
	if (!half && !is_empty(to))
		return finish(volume_fd, volume, err);
	r = open_source(rootfs_fd, path, &from, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = begin(volume_fd, to, err);
	if (r == 0)
		r = mb_volume_copy_tree(from, to, err);
	return r == 0 ? finish(volume_fd, volume, err) : r;
}

int mb_volume_copy_up(struct mb_store *store, struct mb_volume *volume, int rootfs_fd,
                      const char *path, int data_fd, struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *now = NULL;
	MB_AUTO_CLOSE int fd = -1, lock = -1;
	int r;

	if (volume->copied)
		return 0;
	r = mb_volume_meta_open(store, volume->name, &fd, err);
	if (r == 0)
		r = mb_volume_meta_lock(store, volume->name, &lock, err);
	if (r == 0)
		r = mb_volume_meta_load(store, fd, volume->name, &now, err);
	if (r > 0)
		return -ENOENT;
	if (r == 0 && !now->copied)
		r = copy_up(fd, now, rootfs_fd, path, data_fd, err);
	if (r < 0)
		return mb_wrap(err, r, "cannot copy '%s' of the image into volume '%s'", path,
		               volume->name);
	volume->copied = now->copied;
	return 0;
}
