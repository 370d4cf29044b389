/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/fscontext.h"
#include "sys/path.h"

int mb_sys_fscontext_fail(int fs_fd, int errnum, struct mb_err *err, const char *what)
{
	MB_AUTO_STR struct mb_str log = MB_STR_INIT;
	MB_AUTO_FREE char *shown = NULL;
	char line[512];
	ssize_t n;

	/* One message a read, "e text" for errors, "w text" and "i text" for the rest. */
	while (fs_fd >= 0 && log.len < 600 && (n = read(fs_fd, line, sizeof(line) - 1)) > 2) {
		if (line[0] != 'e' && line[0] != 'w')
			continue;
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		mb_str_addf(&log, "%s%s", log.len ? "; " : "", line + 2);
	}
	if (!log.len)
		return mb_fail_sys(err, errnum, "%s", what);
	shown = mb_printable(mb_str_text(&log));
	return mb_fail_sys(err, errnum, "%s: %s", what, shown);
}

int mb_sys_fscontext_option(int fs_fd, const char *option, struct mb_err *err)
{
	const char *equals = strchr(option, '=');
	MB_AUTO_FREE char *key = NULL, *what = NULL;
	int r;

	if (!equals) {
		r = fsconfig(fs_fd, FSCONFIG_SET_FLAG, option, NULL, 0);
	} else {
		key = mb_strndup(option, (size_t)(equals - option));
		r = fsconfig(fs_fd, FSCONFIG_SET_STRING, key, equals + 1, 0);
	}
	if (r == 0)
		return 0;
	r = errno;
	what = mb_asprintf("cannot set mount option '%s'", option);
	return mb_sys_fscontext_fail(fs_fd, r, err, what);
}

int mb_sys_fscontext_options(int fs_fd, const struct mb_strv *options, struct mb_err *err)
{
	for (size_t i = 0; options && i < options->n; i++) {
		int r = mb_sys_fscontext_option(fs_fd, options->v[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

int mb_sys_fscontext_finish(int fs_fd, uint64_t attr, int *ret_fd, struct mb_err *err)
{
	int fd;

	if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return mb_sys_fscontext_fail(fs_fd, errno, err, "cannot make the file system");
	fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned)attr);
	if (fd < 0)
		return mb_sys_fscontext_fail(fs_fd, errno, err, "cannot make the mount");
	*ret_fd = fd;
	return 0;
}

int mb_sys_mount_new(const char *fstype, const struct mb_strv *options, uint64_t attr, int *ret_fd,
                     struct mb_err *err)
{
	MB_AUTO_CLOSE int fs = fsopen(fstype, FSOPEN_CLOEXEC);
	int r;

	if (fs < 0 && errno == ENODEV)
		return mb_fail(err, ENODEV,
		               "this kernel has no file system '%s', nor a module for it", fstype);
	if (fs < 0)
		return mb_fail_sys(err, errno, "cannot open file system type '%s'", fstype);
	r = mb_sys_fscontext_options(fs, options, err);
	if (r == 0)
		r = mb_sys_fscontext_finish(fs, attr, ret_fd, err);
	return r < 0 ? mb_wrap(err, r, "file system type '%s'", fstype) : 0;
}

int mb_sys_mount_private(int *ret_fd, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;

	mb_strv_add(&options, "mode=0700");
	return mb_sys_mount_new("tmpfs", &options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, ret_fd,
	                        err);
}

int mb_sys_mount_clone(int dirfd, const char *path, bool recursive, int *ret_fd, struct mb_err *err)
{
	const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
	                       (unsigned)(recursive ? AT_RECURSIVE : 0) |
	                       (unsigned)(path[0] ? 0 : AT_EMPTY_PATH);
	int fd = open_tree(dirfd, path, flags);

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot clone mount '%s'", path);
	*ret_fd = fd;
	return 0;
}

static int set_attr(int fd, struct mount_attr *attr, bool recursive, struct mb_err *err)
{
	const unsigned flags = AT_EMPTY_PATH | (unsigned)(recursive ? AT_RECURSIVE : 0);

	if (mount_setattr(fd, "", flags, attr, sizeof(*attr)) < 0)
		return mb_fail_sys(err, errno, "cannot change mount attributes");
	return 0;
}

int mb_sys_mount_take_part(void *arg, int *fd, struct mb_err *err)
{
	const struct mb_sys_mount_part *part = arg;
	MB_AUTO_CLOSE int place = -1, below = -1;
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return mb_fail_sys(err, errno, "cannot make a mount namespace");
	/* Descriptors from before are of the other namespace. */
	place = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place < 0)
		return mb_fail_sys(err, errno, "cannot open '/'");
	r = mb_sys_mount_move(part->mount_fd, place, err);
	if (r == 0)
		r = mb_sys_path_open(part->mount_fd, part->path, O_PATH, &below, err);
	return r < 0 ? r : mb_sys_mount_clone(below, "", true, fd, err);
}

int mb_sys_mount_setattr(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive,
                         struct mb_err *err)
{
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};

	return set_attr(fd, &attr, recursive, err);
}

int mb_sys_mount_idmap(int fd, int userns_fd, bool recursive, struct mb_err *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP,
	                          .userns_fd = (uint64_t)(unsigned)userns_fd};
	int r = set_attr(fd, &attr, recursive, err);

	return r < 0 ? mb_wrap(err, r, "cannot map the mount's ids") : 0;
}

int mb_sys_mount_move(int mount_fd, int target_fd, struct mb_err *err)
{
	const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;

	if (move_mount(mount_fd, "", target_fd, "", flags) < 0)
		return mb_fail_sys(err, errno, "cannot attach the mount");
	return 0;
}

int mb_sys_mount_proc(bool only_pids, const struct mb_strv *options, int *ret_fd,
                      struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;

	if (only_pids)
		mb_strv_add(&all, "subset=pid");
	if (options)
		mb_strv_add_all(&all, options);
	return mb_sys_mount_new("proc", &all,
	                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, ret_fd,
	                        err);
}
