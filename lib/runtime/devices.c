/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes and links of /dev. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "runtime/child.h"
#include "runtime/plan.h"
#include "sys/mount.h"
#include "sys/path.h"

enum { UEVENT_MAX = 4096 };

static const struct {
	const char *name;
	unsigned int major, minor;
} nodes[] = {
	{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
	{"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

/* What is found there must be the device it is said to be: an image may have put anything. */
static int verify_node(int dir_fd, const char *name, mode_t type, dev_t rdev, struct mb_err *err)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return mb_fail_sys(err, errno, "cannot look at '%s'", name);
	if ((st.st_mode & S_IFMT) != type || (type != S_IFIFO && st.st_rdev != rdev))
		return mb_fail(err, EEXIST, "'%s' is there and is something else", name);
	return 0;
}

static bool is_device(int fd, mode_t type, dev_t rdev)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type &&
	       st.st_rdev == rdev;
}

/* Where the host has the device, by the name that its kernel gives it. */
static int find_device(mode_t type, dev_t rdev)
{
	MB_AUTO_FREE char *path =
		mb_asprintf("/sys/dev/%s/%u:%u/uevent", type == S_IFBLK ? "block" : "char",
	                    major(rdev), minor(rdev));
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;

	if (mb_read_file(AT_FDCWD, path, UEVENT_MAX, &text, NULL) < 0)
		return -1;
	mb_strv_split(&lines, mb_str_text(&text), '\n');
	MB_STRV_FOREACH (line, &lines) {
		const char *name = mb_skip_prefix(line, "DEVNAME=");
		MB_AUTO_FREE char *node = mb_asprintf("/dev/%s", name ? name : "");

		if (name)
			return open(node, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	return -1;
}

static int open_device(const char *name, mode_t type, dev_t rdev, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("/dev/%s", name);
	MB_AUTO_CLOSE int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (!is_device(fd, type, rdev)) {
		mb_close(&fd);
		fd = find_device(type, rdev);
	}
	if (!is_device(fd, type, rdev))
		return mb_fail(err, ENODEV, "the host has no node for the device %u:%u",
		               major(rdev), minor(rdev));
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

/* In a user namespace there is no mknod: the host's node is shown instead. */
static int bind_node(int dir_fd, const char *name, const struct mb_runtime_device *d,
                     struct mb_err *err)
{
	const int flags = O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	const mode_t type = d->mode & S_IFMT;
	MB_AUTO_CLOSE int host_fd = -1, mount_fd = -1, target_fd = -1;
	int r = open_device(name, type, d->rdev, &host_fd, err);

	if (r < 0)
		return r;
	target_fd = openat(dir_fd, name, flags, 0600);
	if (target_fd < 0 && errno == EEXIST)
		return verify_node(dir_fd, name, type, d->rdev, err);
	if (target_fd < 0)
		return mb_fail_sys(err, errno, "cannot make '%s'", name);
	r = mb_sys_mount_clone(host_fd, "", false, &mount_fd, err);
	return r < 0 ? r : mb_sys_mount_move(mount_fd, target_fd, err);
}

static int make_node(const struct mb_runtime_child *c, int dir_fd, const char *name,
                     const struct mb_runtime_device *d, struct mb_err *err)
{
	const mode_t type = d->mode & S_IFMT;

	if (c->plan->has_userns && type != S_IFIFO)
		return bind_node(dir_fd, name, d, err);
	if (mknodat(dir_fd, name, d->mode, d->rdev) < 0) {
		if (errno != EEXIST)
			return mb_fail_sys(err, errno, "cannot make '%s'", name);
		return verify_node(dir_fd, name, type, d->rdev, err);
	}
	if ((d->uid || d->gid) && fchownat(dir_fd, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return mb_fail_sys(err, errno, "cannot set the owner of '%s'", name);
	return 0;
}

static int make_defaults(struct mb_runtime_child *c, struct mb_err *err)
{
	for (size_t i = 0; i < MB_N(nodes); i++) {
		const struct mb_runtime_device d = {
			.mode = S_IFCHR | 0666,
			.rdev = makedev(nodes[i].major, nodes[i].minor),
		};
		int r = make_node(c, c->dev_fd, nodes[i].name, &d, err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < MB_N(links); i++) {
		if (symlinkat(links[i].target, c->dev_fd, links[i].name) < 0 && errno != EEXIST)
			return mb_fail_sys(err, errno, "cannot make '%s'", links[i].name);
	}
	/* Where the kernel has it; what it leads to is masked. */
	if (faccessat(AT_FDCWD, "/proc/kcore", F_OK, 0) == 0 &&
	    symlinkat("/proc/kcore", c->dev_fd, "core") < 0 && errno != EEXIST)
		return mb_fail_sys(err, errno, "cannot make 'core'");
	return 0;
}

static int make_asked(struct mb_runtime_child *c, const struct mb_runtime_device *d,
                      struct mb_err *err)
{
	const char *name = strrchr(d->path, '/') + 1;
	MB_AUTO_FREE char *parent = mb_strndup(d->path, (size_t)(name - d->path));
	MB_AUTO_CLOSE int dir_fd = -1;
	int r;

	/* Ours leads to this container's terminals; the host's would lead to all of them. */
	if (mb_streq(d->path, "/dev/ptmx"))
		return 0;
	if (!name[0] || mb_streq(name, "..") || mb_streq(name, "."))
		return mb_fail(err, EINVAL, "'%s' is no file name", d->path);
	r = mb_sys_path_mkdirs(c->root_fd, parent, 0755, &dir_fd, err);
	return r < 0 ? r : make_node(c, dir_fd, name, d, err);
}

int mb_runtime_devices_make(struct mb_runtime_child *c, struct mb_err *err)
{
	const struct mb_runtime_plan *plan = c->plan;
	int r = 0;

	if (plan->dev_is_bound)
		return 0;
	if (c->dev_fd < 0)
		r = mb_sys_path_mkdirs(c->root_fd, "/dev", 0755, &c->dev_fd, err);
	if (r == 0)
		r = make_defaults(c, err);
	for (size_t i = 0; r == 0 && i < plan->n_devices; i++) {
		r = make_asked(c, &plan->devices[i], err);
		if (r < 0)
			mb_wrap(err, r, "device '%s'", plan->devices[i].path);
	}
	return r < 0 ? mb_wrap(err, r, "/dev") : 0;
}

int mb_runtime_null_open(int dirfd, const char *path, int flags, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r = mb_sys_path_open(dirfd, path, flags, &fd, err);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot look at '%s'", path);
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return mb_fail(err, ENODEV, "'%s' is not the null device", path);
	*ret_fd = mb_take_fd(&fd);
	return 0;
}
