/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths that a container must not read or write.  Files are covered by a null device that we made
 * ourselves in the fresh /dev (or the host's, where there is none), and verified; directories by
 * copies of one empty read-only tmpfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/strv.h"
#include "runtime/child.h"
#include "runtime/plan.h"
#include "sys/mount.h"
#include "sys/path.h"

/* Return: 1 when there is nothing at @path: nothing to protect. */
static int open_covered(const struct mb_runtime_child *c, const char *path, int *ret_fd,
                        struct mb_err *err)
{
	const uint64_t how = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	int r = mb_sys_path_openat2(c->root_fd, path, O_PATH, 0, how, ret_fd);

	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		return 1;
	return r < 0 ? mb_fail_sys(err, -r, "cannot open") : 0;
}

/* The first use attaches the empty tmpfs, and later ones copy it from there. */
static int make_empty(struct mb_runtime_child *c, int *ret_fd, struct mb_err *err)
{
	const uint64_t attr =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;

	if (c->mask_fd >= 0)
		return mb_sys_mount_clone(c->mask_fd, "", false, ret_fd, err);
	mb_strv_add(&options, "ro");
	mb_strv_add(&options, "size=0k");
	mb_strv_add(&options, "nr_inodes=2");
	mb_strv_add(&options, "mode=755");
	return mb_sys_mount_new("tmpfs", &options, attr, ret_fd, err);
}

static int open_null(struct mb_runtime_child *c, struct mb_err *err)
{
	if (c->null_fd >= 0)
		return 0;
	if (c->plan->dev_mount != SIZE_MAX)
		return mb_runtime_null_open(c->dev_fd, "null", O_PATH, &c->null_fd, err);
	return mb_runtime_null_open(AT_FDCWD, "/dev/null", O_PATH, &c->null_fd, err);
}

static int mask_file(struct mb_runtime_child *c, int *ret_fd, struct mb_err *err)
{
	int r = open_null(c, err);

	return r < 0 ? r : mb_sys_mount_clone(c->null_fd, "", false, ret_fd, err);
}

static int mask(struct mb_runtime_child *c, const char *path, struct mb_err *err)
{
	MB_AUTO_CLOSE int target_fd = -1, mount_fd = -1;
	struct stat st;
	int r = open_covered(c, path, &target_fd, err);

	if (r)
		return r < 0 ? r : 0;
	if (fstat(target_fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot look at it");
	if (S_ISDIR(st.st_mode))
		r = make_empty(c, &mount_fd, err);
	else
		r = mask_file(c, &mount_fd, err);
	if (r == 0)
		r = mb_sys_mount_move(mount_fd, target_fd, err);
	if (r == 0 && S_ISDIR(st.st_mode) && c->mask_fd < 0)
		c->mask_fd = mb_take_fd(&mount_fd);
	return r;
}

static int protect(const struct mb_runtime_child *c, const char *path, struct mb_err *err)
{
	MB_AUTO_CLOSE int target_fd = -1, mount_fd = -1;
	int r = open_covered(c, path, &target_fd, err);

	if (r)
		return r < 0 ? r : 0;
	r = mb_sys_mount_clone(target_fd, "", true, &mount_fd, err);
	if (r == 0)
		r = mb_sys_mount_setattr(mount_fd, MOUNT_ATTR_RDONLY, 0, 0, true, err);
	return r < 0 ? r : mb_sys_mount_move(mount_fd, target_fd, err);
}

int mb_runtime_masks_apply(struct mb_runtime_child *c, struct mb_err *err)
{
	const struct mb_oci_linux *l = &c->plan->spec->linux;

	MB_STRV_FOREACH (path, &l->readonly_paths) {
		int r = protect(c, path, err);

		if (r < 0)
			return mb_wrap(err, r, "read-only path '%s'", path);
	}
	MB_STRV_FOREACH (path, &l->masked_paths) {
		int r = mask(c, path, err);

		if (r < 0)
			return mb_wrap(err, r, "masked path '%s'", path);
	}
	return 0;
}
