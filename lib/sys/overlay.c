/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/fscontext.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"

enum {
	UNFIT = 1,       /* this method is not for this kernel or these layers */
	VALUE_MAX = 255, /* of fsconfig(FSCONFIG_SET_STRING) */
	DATA_MAX = 4095, /* of mount(2) */
};

static int check(const struct mb_sys_overlay *o, struct mb_err *err)
{
	if (o->n_lowers < 1 || o->n_lowers > MB_SYS_OVERLAY_LOWERS_MAX)
		return mb_fail(err, EINVAL, "an overlay of %zu layers: 1 to %d can be mounted",
		               o->n_lowers, MB_SYS_OVERLAY_LOWERS_MAX);
	if (o->upper_fd < 0 && o->n_lowers < 2)
		return mb_fail(err, EINVAL, "a read-only overlay needs two layers");
	return 0;
}

static int open_context(int *ret_fs, struct mb_err *err)
{
	int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	if (fs < 0)
		return mb_fail_sys(err, errno, "cannot open file system type 'overlay'");
	*ret_fs = fs;
	return 0;
}

static int finish_context(int fs, const struct mb_sys_overlay *o, int *ret_fd, struct mb_err *err)
{
	int r = mb_sys_fscontext_options(fs, o->options, err);

	return r < 0 ? r : mb_sys_fscontext_finish(fs, o->attr, ret_fd, err);
}

/* ---- by descriptor ---- */

static int set_fd(int fs, const char *key, int fd, struct mb_err *err)
{
	if (fsconfig(fs, FSCONFIG_SET_FD, key, NULL, fd) == 0)
		return 0;
	return mb_sys_fscontext_fail(fs, errno, err, "cannot set an overlay directory");
}

static int set_fds(int fs, const struct mb_sys_overlay *o, struct mb_err *err)
{
	int r = 0;

	/* Kernels before 6.13 do not know the key, or not with a descriptor (the first ones that
	 * do refuse O_PATH).  If the first one is taken, the rest is no question of version. */
	if (fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, o->lowers[0]) < 0) {
		if (errno == EINVAL || errno == EBADF || errno == EOPNOTSUPP)
			return UNFIT;
		return mb_sys_fscontext_fail(fs, errno, err, "cannot set an overlay directory");
	}
	for (size_t i = 1; r == 0 && i < o->n_lowers; i++)
		r = set_fd(fs, "lowerdir+", o->lowers[i], err);
	if (r == 0 && o->upper_fd >= 0)
		r = set_fd(fs, "upperdir", o->upper_fd, err);
	if (r == 0 && o->upper_fd >= 0)
		r = set_fd(fs, "workdir", o->work_fd, err);
	return r;
}

static int overlay_by_fds(const struct mb_sys_overlay *o, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int fs = -1;
	int r = open_context(&fs, err);

	if (r == 0)
		r = set_fds(fs, o, err);
	return r ? r : finish_context(fs, o, ret_fd, err);
}

/* ---- by numbers: names relative to /proc/self/fd ---- */

/* "5:6:7" */
static void add_numbers(struct mb_str *out, const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mb_str_addf(out, "%s%d", i ? ":" : "", fds[i]);
}

static int set_numbers(int fs, const struct mb_sys_overlay *o, const char *lowers,
                       struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv dirs = MB_STRV_INIT;

	mb_strv_addf(&dirs, "lowerdir=%s", lowers);
	if (o->upper_fd >= 0) {
		mb_strv_addf(&dirs, "upperdir=%d", o->upper_fd);
		mb_strv_addf(&dirs, "workdir=%d", o->work_fd);
	}
	return mb_sys_fscontext_options(fs, &dirs, err);
}

static int overlay_by_numbers(const struct mb_sys_overlay *o, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str numbers = MB_STR_INIT;
	MB_AUTO_CLOSE int fs = -1, back = -1, fd = -1;
	int r;

	add_numbers(&numbers, o->lowers, o->n_lowers);
	if (numbers.len > VALUE_MAX)
		return UNFIT;
	r = open_context(&fs, err);
	if (r < 0)
		return r;
	back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (back < 0 || chdir("/proc/self/fd") < 0)
		return mb_fail_sys(err, errno, "cannot enter '/proc/self/fd'");
	/* New overlay parsers look the names up at once, older ones when the file system is made:
	 * both must find us here. */
	r = set_numbers(fs, o, mb_str_text(&numbers), err);
	if (r == 0)
		r = finish_context(fs, o, &fd, err);
	if (fchdir(back) < 0 && r == 0)
		r = mb_fail_sys(err, errno, "cannot return to the working directory");
	if (r == 0)
		*ret_fd = mb_take_fd(&fd);
	return r;
}

/* ---- by a helper ---- */

/* A descriptor from before unshare(CLONE_NEWNS) shows a mount of the old namespace, of which an
 * overlay may not be made.  Find the same directory by its name in the new one; the name is from
 * before as well, for in a chroot the kernel tells those of foreign mounts from another root. */
static int add_name(struct mb_strv *names, int fd, struct mb_err *err)
{
	char link[MB_SYS_PATH_FD_TEXT], path[PATH_MAX];
	ssize_t n = readlink(mb_sys_path_of_fd(fd, link), path, sizeof(path) - 1);

	if (n < 0)
		return mb_fail_sys(err, errno, "cannot read '%s'", link);
	path[n] = '\0';
	mb_strv_add(names, path);
	return 0;
}

/* Of the lowers, the upper and the work directory. */
static int add_names(struct mb_strv *names, const struct mb_sys_overlay *o, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->n_lowers; i++)
		r = add_name(names, o->lowers[i], err);
	if (r == 0 && o->upper_fd >= 0)
		r = add_name(names, o->upper_fd, err);
	if (r == 0 && o->upper_fd >= 0)
		r = add_name(names, o->work_fd, err);
	return r;
}

static int find_again(int fd, const char *path, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int found = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat want, have;

	if (found < 0)
		return mb_fail_sys(err, errno, "cannot open layer '%s'", path);
	if (fstat(fd, &want) < 0 || fstat(found, &have) < 0)
		return mb_fail_sys(err, errno, "cannot stat layer '%s'", path);
	if (want.st_dev != have.st_dev || want.st_ino != have.st_ino)
		return mb_fail(err, ESTALE, "layer '%s' was exchanged", path);
	*ret_fd = mb_take_fd(&found);
	return 0;
}

static int private_namespace(struct mb_err *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return mb_fail_sys(err, errno, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return mb_fail_sys(err, errno, "cannot make mounts private");
	return 0;
}

static int helper_data(const struct mb_sys_overlay *o, const struct mb_strv *names,
                       struct mb_str *data, struct mb_err *err)
{
	int fds[MB_SYS_OVERLAY_LOWERS_MAX], upper, work, r;

	/* The descriptors end with this process. */
	for (size_t i = 0; i < o->n_lowers; i++) {
		r = find_again(o->lowers[i], names->v[i], &fds[i], err);
		if (r < 0)
			return r;
	}
	mb_str_add(data, "lowerdir=");
	add_numbers(data, fds, o->n_lowers);
	if (o->upper_fd >= 0) {
		r = find_again(o->upper_fd, names->v[o->n_lowers], &upper, err);
		if (r == 0)
			r = find_again(o->work_fd, names->v[o->n_lowers + 1], &work, err);
		if (r < 0)
			return r;
		mb_str_addf(data, ",upperdir=%d,workdir=%d", upper, work);
	}
	for (size_t i = 0; o->options && i < o->options->n; i++)
		mb_str_addf(data, ",%s", o->options->v[i]);
	if (data->len > DATA_MAX)
		return mb_fail(err, E2BIG, "the options of the overlay are too long");
	return 0;
}

/* In the child. */
static int helper_mount(void *arg, int *fd, struct mb_err *err)
{
	const struct mb_sys_overlay *o = arg;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str data = MB_STR_INIT;
	int r = add_names(&names, o, err);

	if (r == 0)
		r = private_namespace(err);
	if (r == 0)
		r = helper_data(o, &names, &data, err);
	if (r < 0)
		return r;
	if (chdir("/proc/self/fd") < 0)
		return mb_fail_sys(err, errno, "cannot enter '/proc/self/fd'");
	/* Somewhere that is surely there; its content is looked up before it is covered. */
	if (mount("overlay", "/proc", "overlay", 0, mb_str_text(&data)) < 0)
		return mb_fail_sys(err, errno, "cannot mount overlay");
	r = mb_sys_mount_clone(AT_FDCWD, "/proc", false, fd, err);
	if (r == 0 && o->attr)
		r = mb_sys_mount_setattr(*fd, o->attr, MOUNT_ATTR__ATIME, 0, false, err);
	return r;
}

static int overlay_by_helper(const struct mb_sys_overlay *o, int *ret_fd, struct mb_err *err)
{
	struct mb_sys_overlay copy = *o;

	return mb_sys_proc_call(helper_mount, &copy, ret_fd, err);
}

/* In order of preference. */
static int (*const methods[])(const struct mb_sys_overlay *o, int *ret_fd, struct mb_err *err) = {
	[MB_SYS_OVERLAY_FDS] = overlay_by_fds,
	[MB_SYS_OVERLAY_SHORT] = overlay_by_numbers,
	[MB_SYS_OVERLAY_HELPER] = overlay_by_helper,
};

/* ---- layers whose ids are mapped ---- */

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mb_close(&fds[i]);
}

/* A mount of the layer @fd, which is number @i. */
static int map_ids(const struct mb_sys_overlay *o, size_t i, int fd, int *ret_fd,
                   struct mb_err *err)
{
	int r = mb_sys_mount_clone(fd, "", false, ret_fd, err);

	if (r == 0 && i >= o->n_unmapped)
		r = mb_sys_mount_idmap(*ret_fd, o->userns_fd, false, err);
	return r < 0 ? mb_wrap(err, r, "cannot map the ids of a layer") : 0;
}

/* Mounts that are nowhere, for kernels that take them. */
static int overlay_of_detached(const struct mb_sys_overlay *o, int *ret_fd, struct mb_err *err)
{
	int mapped[MB_SYS_OVERLAY_LOWERS_MAX], r = 0;
	struct mb_sys_overlay copy = *o;

	copy.lowers = mapped;
	for (size_t i = 0; i < o->n_lowers; i++)
		mapped[i] = -1;
	for (size_t i = 0; r == 0 && i < o->n_lowers; i++)
		r = map_ids(o, i, o->lowers[i], &mapped[i], err);
	if (r == 0)
		r = overlay_by_fds(&copy, ret_fd, err);
	close_all(mapped, o->n_lowers);
	return r;
}

/* A mount of one layer on the tmpfs, in the directory of its number. */
static int place_layer(const struct mb_sys_overlay *o, size_t i, const char *path, int tmpfs_fd,
                       struct mb_err *err)
{
	MB_AUTO_CLOSE int found = -1, mapped = -1, place = -1;
	char name[24];
	int r = find_again(o->lowers[i], path, &found, err);

	snprintf(name, sizeof(name), "%zu", i);
	if (r == 0)
		r = map_ids(o, i, found, &mapped, err);
	if (r < 0)
		return r;
	if (mkdirat(tmpfs_fd, name, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot make a place for a layer");
	place = openat(tmpfs_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0)
		return mb_fail_sys(err, errno, "cannot open the place of a layer");
	return mb_sys_mount_move(mapped, place, err);
}

/* "lowerdir=0:1:2,upperdir=/proc/self/fd/7,..." */
static int mapped_data(const struct mb_sys_overlay *o, const struct mb_strv *names, int tmpfs_fd,
                       struct mb_str *data, struct mb_err *err)
{
	int upper, work, r = 0;

	mb_str_add(data, "lowerdir=");
	for (size_t i = 0; r == 0 && i < o->n_lowers; i++) {
		r = place_layer(o, i, names->v[i], tmpfs_fd, err);
		mb_str_addf(data, "%s%zu", i ? ":" : "", i);
	}
	if (r == 0 && o->upper_fd >= 0) {
		r = find_again(o->upper_fd, names->v[o->n_lowers], &upper, err);
		if (r == 0)
			r = find_again(o->work_fd, names->v[o->n_lowers + 1], &work, err);
		if (r == 0)
			mb_str_addf(data, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d",
			            upper, work);
	}
	for (size_t i = 0; o->options && i < o->options->n; i++)
		mb_str_addf(data, ",%s", o->options->v[i]);
	if (r == 0 && data->len > DATA_MAX)
		return mb_fail(err, E2BIG, "the options of the overlay are too long");
	return r;
}

/* In the child: kernels before 6.15 make overlays of mounts that are somewhere. */
static int mapped_helper(void *arg, int *fd, struct mb_err *err)
{
	const struct mb_sys_overlay *o = arg;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str data = MB_STR_INIT;
	MB_AUTO_CLOSE int tmpfs_fd = -1, place = -1;
	int r = add_names(&names, o, err);

	if (r == 0)
		r = private_namespace(err);
	if (r == 0)
		r = mb_sys_mount_new("tmpfs", NULL, 0, &tmpfs_fd, err);
	if (r < 0)
		return r;
	place = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place < 0)
		return mb_fail_sys(err, errno, "cannot open '/sys'");
	r = mb_sys_mount_move(tmpfs_fd, place, err);
	if (r == 0)
		r = mapped_data(o, &names, tmpfs_fd, &data, err);
	if (r < 0)
		return r;
	if (fchdir(tmpfs_fd) < 0)
		return mb_fail_sys(err, errno, "cannot enter the layers");
	if (mount("overlay", "/proc", "overlay", 0, mb_str_text(&data)) < 0)
		return mb_fail_sys(err, errno, "cannot mount overlay on layers with mapped ids");
	r = mb_sys_mount_clone(AT_FDCWD, "/proc", false, fd, err);
	if (r == 0 && o->attr)
		r = mb_sys_mount_setattr(*fd, o->attr, MOUNT_ATTR__ATIME, 0, false, err);
	return r;
}

/* The first may be refused where the second is not: by kernels that know the option already, but
 * not yet mounts that are nowhere. */
static int overlay_mapped(const struct mb_sys_overlay *o, int *ret_fd, struct mb_err *err)
{
	struct mb_sys_overlay copy = *o;
	struct mb_err first = MB_ERR_INIT;

	if (o->method <= MB_SYS_OVERLAY_FDS && overlay_of_detached(o, ret_fd, &first) == 0)
		return 0;
	if (o->method == MB_SYS_OVERLAY_FDS)
		return mb_fail(err, first.code, "%s", first.msg);
	return mb_sys_proc_call(mapped_helper, &copy, ret_fd, err);
}

int mb_sys_mount_overlay(const struct mb_sys_overlay *o, int *ret_fd, struct mb_err *err)
{
	int r = check(o, err);

	if (r < 0)
		return r;
	r = o->maps_ids ? overlay_mapped(o, ret_fd, err) : UNFIT;
	for (size_t i = MB_SYS_OVERLAY_FDS; r == UNFIT && i < MB_SYS_OVERLAY_METHOD_N_; i++) {
		if (o->method == MB_SYS_OVERLAY_BEST || o->method == i)
			r = methods[i](o, ret_fd, err);
	}
	if (r == UNFIT)
		return mb_fail(err, EOPNOTSUPP, "cannot mount overlay this way on this kernel");
	return r < 0 ? mb_wrap(err, r, "cannot mount overlay") : 0;
}
