/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mounts of the spec, in its order.  Each is made detached, gets its flags while nobody sees
 * it, and is moved onto a target that is held by a descriptor resolved in the new root: whoever
 * swaps directories in a shared volume meanwhile moves nothing of the host's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "runtime/child.h"
#include "runtime/copyup.h"
#include "runtime/plan.h"
#include "sys/cgroup.h"
#include "sys/mount.h"
#include "sys/path.h"

/* Where a link of the image has led into procfs, the clean name was not the truth. */
static int check_target(const struct mb_runtime_mount *m, int target_fd, struct mb_err *err)
{
	struct statfs fs;

	if (fstatfs(target_fd, &fs) < 0)
		return mb_fail_sys(err, errno, "cannot look at the target");
	if (fs.f_type == PROC_SUPER_MAGIC && !mb_starts_with(m->destination, "/proc/"))
		return mb_fail(err, EPERM, "the target is in procfs");
	return 0;
}

/* proc and sysfs go where their name says, through no link: programs and our own masks trust
 * that place. */
static int open_strict(int root_fd, const char *path, int *ret_fd, struct mb_err *err)
{
	const uint64_t how = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	const int flags = O_PATH | O_DIRECTORY;
	int r = mb_sys_path_openat2(root_fd, path, flags, 0, how, ret_fd);

	if (r == -ENOENT) {
		r = mb_sys_path_mkdirs(root_fd, path, 0755, NULL, err);
		if (r < 0)
			return r;
		r = mb_sys_path_openat2(root_fd, path, flags, 0, how, ret_fd);
	}
	if (r == -ELOOP || r == -ENOTDIR)
		return mb_fail(err, -r, "'%s' is no ordinary directory in the image", path);
	return r < 0 ? mb_fail_sys(err, -r, "cannot open '%s'", path) : 0;
}

static int open_target(struct mb_runtime_child *c, const struct mb_runtime_mount *m, int *ret_fd,
                       struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (m->kind == MB_RUNTIME_MOUNT_PROC || m->kind == MB_RUNTIME_MOUNT_SYSFS)
		return open_strict(c->root_fd, m->destination, ret_fd, err);
	if (m->is_file)
		r = mb_sys_path_touch(c->root_fd, m->destination, 0644, &fd, err);
	else
		r = mb_sys_path_mkdirs(c->root_fd, m->destination, 0755, &fd, err);
	if (r == 0)
		r = check_target(m, fd, err);
	if (r == 0)
		*ret_fd = mb_take_fd(&fd);
	return r;
}

/* Where the kernel refuses a new sysfs (a user namespace that does not own the network), the
 * host's own is shown, with all that is mounted there under the same flags. */
static int make_sysfs(const struct mb_runtime_mount *m, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_sys_mount_new("sysfs", &m->data, m->flags.set, ret_fd, err);

	if (r != -EPERM)
		return r;
	r = mb_sys_mount_clone(AT_FDCWD, "/sys", true, &fd, err);
	if (r == 0)
		r = mb_sys_mount_setattr(fd, m->flags.set, 0, MS_PRIVATE, true, err);
	if (r == 0)
		*ret_fd = mb_take_fd(&fd);
	return r;
}

static int make_mount(const struct mb_runtime_mount *m, int *ret_fd, struct mb_err *err)
{
	int r;

	if (m->kind == MB_RUNTIME_MOUNT_SYSFS)
		return make_sysfs(m, ret_fd, err);
	r = mb_sys_mount_new(m->type, &m->data, m->flags.set, ret_fd, err);
	if (r == 0 && m->is_idmapped)
		r = mb_sys_mount_idmap(*ret_fd, m->userns_fd, false, err);
	return r;
}

/* What is said counts, and what is not said is off, as mount(2) has it. */
static int change_mount(const struct mb_runtime_child *c, const struct mb_runtime_mount *m,
                        struct mb_err *err)
{
	const uint64_t all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
	                     MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODIRATIME;
	MB_AUTO_CLOSE int fd = -1;
	struct mb_sys_mount_flags flags = m->flags;
	int r = mb_sys_path_open(c->root_fd, m->destination, O_PATH, &fd, err);

	if (r == 0)
		r = check_target(m, fd, err);
	if (r < 0)
		return r;
	flags.clear |= all & ~flags.set;
	r = mb_sys_mount_flags_apply(fd, &flags, err);
	return r == -EINVAL ? mb_fail(err, EINVAL, "nothing is mounted there to change") : r;
}

/* A bind's flags were applied by the command; a new mount was born with its own. */
static int finish_flags(const struct mb_runtime_mount *m, int fd, struct mb_err *err)
{
	const struct mb_sys_mount_flags *f = &m->flags;

	if (m->kind == MB_RUNTIME_MOUNT_BIND ||
	    (!f->clear && !f->rec_set && !f->rec_clear && !f->propagation))
		return 0;
	return mb_sys_mount_flags_apply(fd, f, err);
}

static void keep_fd(struct mb_runtime_child *c, size_t i, int fd)
{
	const struct mb_runtime_mount *m = &c->plan->mounts[i];

	if (m->kind == MB_RUNTIME_MOUNT_PROC && mb_streq(m->destination, "/proc"))
		c->proc_fd = fd;
	else if (m->kind == MB_RUNTIME_MOUNT_DEVPTS && mb_streq(m->destination, "/dev/pts"))
		c->devpts_fd = fd;
	else if (i == c->plan->dev_mount)
		c->dev_fd = fd;
	else if (m->kind != MB_RUNTIME_MOUNT_BIND)
		close(fd);
}

/* ---- control groups ---- */

/* "cpu,cpuacct" of a mount point's last part. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int make_hierarchy(const struct mb_sys_cgroup_hierarchy *h, uint64_t attr, int *ret_fd,
                          struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;

	mb_strv_add(&options, "source=cgroup");
	mb_strv_split(&options, h->controllers, ',');
	return mb_sys_mount_new("cgroup", &options, attr, ret_fd, err);
}

/* @shared: the command's copy of what there is, or -1. */
static int mount_hierarchy(const struct mb_sys_cgroup_hierarchy *h, int shared, uint64_t attr,
                           int dir_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int own = -1, target_fd = -1;
	const char *name = base_name(h->mount_point);
	int r = shared < 0 ? make_hierarchy(h, attr, &own, err) : 0;

	if (r < 0)
		return r;
	if (mkdirat(dir_fd, name, 0555) < 0)
		return mb_fail_sys(err, errno, "cannot make '%s'", name);
	target_fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target_fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", name);
	return mb_sys_mount_move(shared < 0 ? own : shared, target_fd, err);
}

/* "cpu" -> "cpu,cpuacct", where a program looks for one controller. */
static void link_controllers(const struct mb_sys_cgroup_hierarchy *h, int dir_fd)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

	if (!strchr(h->controllers, ','))
		return;
	mb_strv_split(&names, h->controllers, ',');
	MB_STRV_FOREACH (name, &names) {
		/* One that is there already serves as well. */
		(void)!symlinkat(base_name(h->mount_point), dir_fd, name);
	}
}

/* What programs read to find their limits.  Each mount costs a start and an end 50 us, so the
 * hierarchies that a container cannot use (named ones, devices, freezer, network classes) are
 * left out. */
bool mb_runtime_hierarchy_is_shown(const struct mb_sys_cgroup_hierarchy *h)
{
	static const char *const shown[] = {"memory", "cpu", "cpuacct", "cpuset", "pids", "blkio"};
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

	if (h->is_v2)
		return false;
	mb_strv_split(&names, h->controllers, ',');
	for (size_t i = 0; i < MB_N(shown); i++) {
		if (mb_strv_has(&names, shown[i]))
			return true;
	}
	return false;
}

static int mount_v1(struct mb_runtime_child *c, const struct mb_runtime_mount *m, int target_fd,
                    struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = -1;
	const struct mb_sys_cgroup_hierarchy *h;
	size_t n = 0;
	int r;

	mb_strv_add(&options, "mode=755");
	mb_strv_add(&options, "size=64k");
	r = mb_sys_mount_new("tmpfs", &options, m->flags.set & ~(uint64_t)MOUNT_ATTR_RDONLY, &fd,
	                     err);
	if (r == 0)
		r = mb_sys_mount_move(fd, target_fd, err);
	h = mb_sys_cgroup_host_hierarchies(c->plan->cgroup_host, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!mb_runtime_hierarchy_is_shown(&h[i]))
			continue;
		r = mount_hierarchy(&h[i], c->plan->cgroup_mounts[i], m->flags.set, fd, err);
		if (r < 0)
			mb_wrap(err, r, "'%s'", h[i].mount_point);
		else
			link_controllers(&h[i], fd);
	}
	if (r == 0)
		r = mb_sys_mount_setattr(fd, m->flags.set, 0, 0, false, err);
	return r;
}

static int mount_cgroup(struct mb_runtime_child *c, const struct mb_runtime_mount *m, int target_fd,
                        struct mb_err *err)
{
	struct mb_sys_cgroup_host *host = c->plan->cgroup_host;
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (!host)
		return mb_fail(err, ENOENT, "no control groups are mounted on this host");
	if (mb_sys_cgroup_host_version(host) != MB_SYS_CGROUP_V2)
		return mount_v1(c, m, target_fd, err);
	r = mb_sys_mount_new("cgroup2", NULL, m->flags.set, &fd, err);
	return r < 0 ? r : mb_sys_mount_move(fd, target_fd, err);
}

/* ---- all ---- */

static int apply_one(struct mb_runtime_child *c, size_t i, struct mb_err *err)
{
	const struct mb_runtime_mount *m = &c->plan->mounts[i];
	MB_AUTO_CLOSE int target_fd = -1;
	int fd = m->fd, r;

	if (m->kind == MB_RUNTIME_MOUNT_REMOUNT)
		return change_mount(c, m, err);
	r = open_target(c, m, &target_fd, err);
	if (r < 0)
		return r;
	if (m->kind == MB_RUNTIME_MOUNT_CGROUP)
		return mount_cgroup(c, m, target_fd, err);
	if (m->kind != MB_RUNTIME_MOUNT_BIND)
		r = make_mount(m, &fd, err);
	if (r == 0)
		r = finish_flags(m, fd, err);
	if (r == 0 && m->copy_up)
		r = mb_runtime_copyup(target_fd, fd, err);
	if (r == 0)
		r = mb_sys_mount_move(fd, target_fd, err);
	if (r == 0)
		keep_fd(c, i, fd);
	return r;
}

int mb_runtime_mounts_apply(struct mb_runtime_child *c, struct mb_err *err)
{
	for (size_t i = 0; i < c->plan->n_mounts; i++) {
		int r = apply_one(c, i, err);

		if (r < 0)
			return mb_wrap(err, r, "mount '%s'", c->plan->mounts[i].destination);
	}
	return 0;
}
