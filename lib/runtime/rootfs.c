/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root file system: put into the new mount namespace, and made its root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "runtime/child.h"
#include "runtime/plan.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"

/* Who was started in a chroot has a root below that of the namespace.  Were the new root put there,
 * the host's would remain where everybody arrives who joins the namespace: exec above all.  Joining
 * the namespace that one is in leads to its root. */
static int leave_chroot(struct mb_err *err)
{
	MB_AUTO_CLOSE int ns_fd = -1;
	int r = mb_sys_proc_ns_open(0, "mnt", &ns_fd, err);

	return r < 0 ? r : mb_sys_proc_ns_join_fd(ns_fd, CLONE_NEWNS, err);
}

/* A hook finds the root file system where the bundle has it, also when it joins the namespace. */
static char *place_of_root(const struct mb_runtime_plan *plan)
{
	const char *path = plan->spec->root.path;

	if (!plan->has_early_hooks || !path || !plan->req.bundle)
		return mb_strdup("/");
	return path[0] == '/' ? mb_strdup(path) : mb_asprintf("%s/%s", plan->req.bundle, path);
}

/* The new root covers the old one at "/": no directory of the host is needed for it, and
 * pivot_root takes it from there.  Nothing of what follows may spread to the host, so its copy
 * becomes private first. */
int mb_runtime_rootfs_attach(struct mb_runtime_child *c, struct mb_err *err)
{
	MB_AUTO_FREE char *place = place_of_root(c->plan);
	MB_AUTO_CLOSE int host_fd = -1;
	/* Who joined one is at its root already. */
	int r = c->plan->clone_flags & CLONE_NEWNS ? leave_chroot(err) : 0;

	if (r < 0)
		return r;
	host_fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (host_fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", place);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return mb_fail_sys(err, errno, "cannot make the mounts private");
	r = mb_sys_mount_move(c->root_fd, host_fd, err);
	return r < 0 ? mb_wrap(err, r, "root file system") : 0;
}

static int make_readonly(const struct mb_runtime_child *c, struct mb_err *err)
{
	int r = 0;

	if (c->plan->spec->root.readonly)
		r = mb_sys_mount_setattr(c->root_fd, MOUNT_ATTR_RDONLY, 0, 0, false, err);
	return r < 0 ? mb_wrap(err, r, "root file system") : 0;
}

/* The last of all: pivot_root moves nothing that is shared, and what cannot be bound cannot be
 * covered by masks. */
static int make_propagate(const struct mb_runtime_child *c, struct mb_err *err)
{
	int r = 0;

	if (c->plan->root_propagation)
		r = mb_sys_mount_setattr(c->root_fd, 0, 0, c->plan->root_propagation,
		                         c->plan->root_propagation_recursive, err);
	return r < 0 ? mb_wrap(err, r, "root file system") : 0;
}

/* What is the first of all mounts cannot be put away: it stays below, out of sight. */
static int enter_without_pivot(const struct mb_runtime_child *c, struct mb_err *err)
{
	MB_AUTO_CLOSE int host_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (host_fd < 0)
		return mb_fail_sys(err, errno, "cannot open '/'");
	if (c->plan->has_early_hooks)
		r = mb_sys_mount_move(c->root_fd, host_fd, err);
	if (r < 0)
		return r;
	if (chroot(".") < 0 || chdir("/") < 0)
		return mb_fail_sys(err, errno, "cannot enter the root file system");
	return make_propagate(c, err);
}

int mb_runtime_rootfs_enter(struct mb_runtime_child *c, struct mb_err *err)
{
	const char *cwd = c->plan->process->cwd;
	int r;

	/* As docker does, what is missing is made, as root. */
	r = mb_sys_path_mkdirs(c->root_fd, cwd && cwd[0] ? cwd : "/", 0755, &c->cwd_fd, err);
	if (r < 0)
		return mb_wrap(err, r, "working directory '%s'", cwd);
	r = make_readonly(c, err);
	if (r < 0)
		return r;
	if (fchdir(c->root_fd) < 0)
		return mb_fail_sys(err, errno, "cannot enter the root file system");
	if (c->plan->req.no_pivot)
		return enter_without_pivot(c, err);
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return mb_fail_sys(err, errno, "cannot change the root file system");
	/* The old root now lies over the new one. */
	if (umount2(".", MNT_DETACH) < 0)
		return mb_fail_sys(err, errno, "cannot leave the host's file systems");
	if (chdir("/") < 0)
		return mb_fail_sys(err, errno, "cannot enter '/'");
	return make_propagate(c, err);
}

int mb_runtime_cwd_enter(struct mb_runtime_child *c, struct mb_err *err)
{
	const char *cwd = c->plan->process->cwd;
	int r;

	if (fchdir(c->cwd_fd) < 0)
		return mb_fail_sys(err, errno, "working directory '%s'", cwd);
	r = mb_sys_path_check_cwd(err);
	return r < 0 ? mb_wrap(err, r, "working directory '%s'", cwd) : 0;
}
