/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host part of a plan: everything of the host that process 1 will need, opened by the command
 * while paths still mean what the user meant. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "runtime/idmap.h"
#include "runtime/init/blob.h"
#include "runtime/label.h"
#include "runtime/plan.h"
#include "runtime/seccomp.h"
#include "sys/cgroup.h"
#include "sys/mount.h"
#include "sys/proc.h"
#include "sys/seal.h"

enum { PROC_ROOT_INODE = 1 };

/* Paths of the bundle are relative to it. */
static int base_of(const struct mb_runtime_plan *plan, const char *path, int *ret_fd,
                   struct mb_err *err)
{
	*ret_fd = AT_FDCWD;
	if (path[0] == '/')
		return 0;
	if (plan->req.bundle_fd < 0)
		return mb_fail(err, EINVAL, "'%s' is a relative path, and there is no bundle",
		               path);
	*ret_fd = plan->req.bundle_fd;
	return 0;
}

static int check_directory(int fd, struct mb_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot look at it");
	return S_ISDIR(st.st_mode) ? 0 : mb_fail_sys(err, ENOTDIR, "cannot enter it");
}

/* What the host mounts later is seen only where the bundle wants it. */
static int open_root(struct mb_runtime_plan *plan, struct mb_err *err)
{
	const uint64_t propagation = plan->root_propagation == MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
	const char *path = plan->spec->root.path;
	int base_fd = -1, r;

	if (plan->req.rootfs_fd >= 0) {
		plan->root_fd = plan->req.rootfs_fd;
		plan->root_is_borrowed = true;
		return 0;
	}
	r = base_of(plan, path, &base_fd, err);
	if (r == 0)
		r = mb_sys_mount_clone(base_fd, path, true, &plan->root_fd, err);
	if (r == 0)
		r = check_directory(plan->root_fd, err);
	if (r == 0)
		r = mb_sys_mount_setattr(plan->root_fd, 0, 0, propagation, true, err);
	return r < 0 ? mb_wrap(err, r, "root file system '%s'", path) : 0;
}

static int open_source(const struct mb_runtime_plan *plan, struct mb_runtime_mount *m,
                       struct mb_err *err)
{
	int base_fd = -1;
	int r = base_of(plan, m->source, &base_fd, err);

	if (r < 0)
		return r;
	return mb_sys_mount_clone(base_fd, m->source, m->flags.bind_recursive, &m->fd, err);
}

/* The user namespace by which the ids of @m are mapped: of its own mappings, or the container's. */
static int open_mapping(const struct mb_runtime_plan *plan, struct mb_runtime_mount *m,
                        struct mb_err *err)
{
	const struct mb_oci_linux *l = &plan->spec->linux;
	const struct mb_oci_mount *s = m->spec;
	MB_AUTO_RUNTIME_IDMAP struct mb_sys_id_maps maps = {0};

	for (size_t i = 0; !s->n_uid_mappings && i < plan->n_joins; i++) {
		if (plan->joins[i].flag != CLONE_NEWUSER)
			continue;
		m->userns_fd = fcntl(plan->joins[i].fd, F_DUPFD_CLOEXEC, 3);
		return m->userns_fd < 0 ? mb_fail_sys(err, errno, "cannot copy a descriptor") : 0;
	}
	if (s->n_uid_mappings)
		mb_runtime_idmap_make(s->uid_mappings, s->n_uid_mappings, s->gid_mappings,
		                      s->n_gid_mappings, &maps);
	else
		mb_runtime_idmap_make(l->uid_mappings, l->n_uid_mappings, l->gid_mappings,
		                      l->n_gid_mappings, &maps);
	return mb_sys_userns_new(&maps, &m->userns_fd, err);
}

/* A whole procfs, and nothing below it or like it. */
static int check_proc(int fd, const struct stat *st, struct mb_err *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return mb_fail_sys(err, errno, "cannot look at the source");
	if (fs.f_type != PROC_SUPER_MAGIC || st->st_ino != PROC_ROOT_INODE)
		return mb_fail(err, EPERM, "the source is no procfs");
	return 0;
}

static int open_mount(struct mb_runtime_plan *plan, struct mb_runtime_mount *m, struct mb_err *err)
{
	struct stat st;
	int r = m->is_idmapped ? open_mapping(plan, m, err) : 0;

	if (r < 0 || m->kind != MB_RUNTIME_MOUNT_BIND)
		return r;
	if (m->fd < 0)
		r = open_source(plan, m, err);
	if (r < 0)
		return r;
	if (fstat(m->fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot look at the source");
	m->is_file = !S_ISDIR(st.st_mode);
	if (m->must_be_proc)
		r = check_proc(m->fd, &st, err);
	if (r == 0 && m->is_idmapped)
		r = mb_sys_mount_idmap(m->fd, m->userns_fd, m->flags.idmap_recursive, err);
	return r < 0 ? r : mb_sys_mount_flags_apply(m->fd, &m->flags, err);
}

/* A mount of a hierarchy made in a cgroup namespace is a file system of its own, dear to make and
 * to take down; the same directory through the host's costs nothing.  What cannot be had so is
 * left to process 1. */
static int open_hierarchies(struct mb_runtime_plan *plan, const struct mb_runtime_mount *m,
                            struct mb_err *err)
{
	struct mb_sys_cgroup_host *host = plan->cgroup_host;
	const struct mb_sys_cgroup_hierarchy *h;
	size_t n = 0;
	int r = 0;

	if (!host || host != plan->req.cgroup_host || !plan->req.cgroup ||
	    !plan->has_new_cgroupns || plan->has_userns ||
	    mb_sys_cgroup_host_version(host) == MB_SYS_CGROUP_V2)
		return 0;
	h = mb_sys_cgroup_host_hierarchies(host, &n);
	for (size_t i = 0; r == 0 && i < n && i < MB_N(plan->cgroup_mounts); i++) {
		MB_AUTO_CLOSE int place = -1, fd = -1;

		if (!mb_runtime_hierarchy_is_shown(&h[i]))
			continue;
		r = mb_sys_cgroup_place_open(plan->req.cgroup, i, &place, err);
		if (r == MB_SYS_CGROUP_ABSENT) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = mb_sys_mount_clone(place, "", false, &fd, err);
		if (r == 0)
			r = mb_sys_mount_setattr(fd, m->flags.set, 0, MS_PRIVATE, false, err);
		if (r == 0)
			plan->cgroup_mounts[i] = mb_take_fd(&fd);
	}
	return r;
}

static int open_mounts(struct mb_runtime_plan *plan, struct mb_err *err)
{
	const struct mb_runtime_mount *cgroup = NULL;

	for (size_t i = 0; i < plan->n_mounts; i++) {
		struct mb_runtime_mount *m = &plan->mounts[i];
		int r = open_mount(plan, m, err);

		if (r < 0)
			return mb_wrap(err, r, "mount '%s'", m->destination);
		if (m->kind == MB_RUNTIME_MOUNT_CGROUP)
			cgroup = m;
	}
	plan->cgroup_host = plan->req.cgroup_host;
	if (!cgroup)
		return 0;
	if (plan->cgroup_host)
		return open_hierarchies(plan, cgroup, err);
	if (mb_sys_cgroup_host_open(&plan->own_cgroup_host, err) < 0)
		return -err->code;
	plan->cgroup_host = plan->own_cgroup_host;
	return 0;
}

/* Its root file system becomes the container's. */
static int check_mount_ns(int fd, struct mb_err *err)
{
	static const char *const hosts[] = {"/proc/self/ns/mnt", "/proc/1/ns/mnt"};
	struct stat its, host;

	if (fstat(fd, &its) < 0)
		return mb_fail_sys(err, errno, "cannot look at a mount namespace");
	for (size_t i = 0; i < MB_N(hosts); i++)
		if (stat(hosts[i], &host) == 0 && host.st_ino == its.st_ino &&
		    host.st_dev == its.st_dev)
			return mb_fail(err, EPERM, "the mount namespace to join is the host's");
	return 0;
}

static int open_joins(struct mb_runtime_plan *plan, struct mb_err *err)
{
	for (size_t i = 0; i < plan->n_joins; i++) {
		struct mb_runtime_join *j = &plan->joins[i];
		int r;

		if (j->fd >= 0)
			continue;
		j->fd = open(j->path, O_RDONLY | O_CLOEXEC);
		if (j->fd < 0)
			return mb_fail_sys(err, errno, "cannot open the %s namespace '%s'", j->type,
			                   j->path);
		r = j->flag == CLONE_NEWNS ? check_mount_ns(j->fd, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int mb_runtime_plan_open(struct mb_runtime_plan *plan, struct mb_err *err)
{
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, plan->channel) < 0 ||
	    pipe2(plan->birth, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a socket pair");
	r = open_root(plan, err);
	if (r == 0)
		r = open_joins(plan, err);
	if (r == 0)
		r = open_mounts(plan, err);
	if (r == 0 && plan->req.cgroup)
		r = mb_sys_cgroup_join_open(plan->req.cgroup, &plan->cgroup, err);
	if (r == 0)
		r = mb_runtime_seccomp_open(plan->spec->linux.seccomp, plan->filter, plan->process,
		                            plan->req.cache_fd, &plan->seccomp, err);
	if (r == 0)
		r = mb_runtime_label_open(plan->process, &plan->label_fd, &plan->label_by_file,
		                          err);
	plan->filter_is_known = plan->filter == MB_RUNTIME_FILTER_BUILTIN ||
	                        plan->filter == MB_RUNTIME_FILTER_HARDENED;
	if (r == 0)
		r = mb_sys_seal_blob("mybox-init", mb_runtime_init_elf, mb_runtime_init_elf_size,
		                     &plan->init_fd, err);
	return r;
}
