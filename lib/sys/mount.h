/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/mount.h — mounts as descriptors: made detached, changed, then moved to their place.
 *
 * A mount that is not attached is seen by nobody, so its flags are right before anyone can use
 * it.  What the kernel says on the file system context ("overlay: ...") ends up in the error
 * text.  Flags are MOUNT_ATTR_* and propagation MS_* of <sys/mount.h>.
 */
#ifndef MB_SYS_MOUNT_H
#define MB_SYS_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* This folder stands before libc's <sys/> in the search path, so either way of writing
 * "sys/mount.h" ends here: give libc's part too. */
#include_next <sys/mount.h>

struct mb_err;
struct mb_strv;

/* A new instance of @fstype, detached.  @options: "key=value" ("source=..." too) or "flag",
 * NULL for none.  @attr: MOUNT_ATTR_* */
int mb_sys_mount_new(const char *fstype, const struct mb_strv *options, uint64_t attr, int *ret_fd,
                     struct mb_err *err);
/* A new tmpfs, detached, which is root's alone: without devices and set-user-ID programs. */
int mb_sys_mount_private(int *ret_fd, struct mb_err *err);
/* A detached copy of what is at @path below @dirfd ("" = @dirfd itself); follows a last link, so
 * hostile paths come through mb_sys_path_open() and "". */
int mb_sys_mount_clone(int dirfd, const char *path, bool recursive, int *ret_fd,
                       struct mb_err *err);
/* A function for mb_sys_proc_call(), @arg a struct mb_sys_mount_part: a detached copy of what is at
 * .path in the detached mount .mount_fd.  The kernel gives a part of a mount only where that is
 * attached: in a mount namespace of the child's own, which ends with it. */
struct mb_sys_mount_part {
	int mount_fd;
	const char *path;
};
int mb_sys_mount_take_part(void *arg, int *fd, struct mb_err *err);
/* Change flags and propagation (MS_PRIVATE..., 0 = as it is) of the mount @fd. */
int mb_sys_mount_setattr(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive,
                         struct mb_err *err);
/* Map ids by the user namespace @userns_fd; only for a detached mount. */
int mb_sys_mount_idmap(int fd, int userns_fd, bool recursive, struct mb_err *err);
/* Attach the detached mount @mount_fd on @target_fd (an O_PATH descriptor of a directory, or of a
 * file for a file's mount). */
int mb_sys_mount_move(int mount_fd, int target_fd, struct mb_err *err);
/* A procfs of our own, detached, for the pid namespace of the caller: nosuid, nodev, noexec.
 * @only_pids leaves out everything but the processes (subset=pid), so that nothing can be done
 * through sys/ or sysrq-trigger.  @options: more of them, NULL for none. */
int mb_sys_mount_proc(bool only_pids, const struct mb_strv *options, int *ret_fd,
                      struct mb_err *err);

/* ---- overlay ---- */
/* The 128 that an image may have, what lies below any and the container's own. */
enum { MB_SYS_OVERLAY_LOWERS_MAX = 130 };
enum mb_sys_overlay_method {
	MB_SYS_OVERLAY_BEST = 0, /* the first below that the kernel and the layers allow */
	MB_SYS_OVERLAY_FDS,      /* "lowerdir+" by descriptor: Linux 6.13 */
	MB_SYS_OVERLAY_SHORT,    /* one "lowerdir" of at most 255 bytes: some 80 layers */
	MB_SYS_OVERLAY_HELPER,   /* mount(2) by a child in a mount namespace of its own */
	MB_SYS_OVERLAY_METHOD_N_
};
struct mb_sys_overlay {
	const int *lowers;             /* directories, top first; O_PATH will do */
	size_t n_lowers;               /* without an upper at least 2 */
	int upper_fd;                  /* -1: read-only overlay; work_fd is then ignored */
	int work_fd;                   /* empty directory on the file system of the upper */
	const struct mb_strv *options; /* "volatile", "userxattr", "metacopy=off", ...; or NULL */
	uint64_t attr;                 /* MOUNT_ATTR_* */
	enum mb_sys_overlay_method method;
	/* Ids of the lowers are mapped by this user namespace (the upper's are not): Linux 5.19. */
	bool maps_ids;
	int userns_fd;
	size_t n_unmapped; /* so many of the lowers, from the top, are as they are all the same */
};
/* The overlay, detached. */
int mb_sys_mount_overlay(const struct mb_sys_overlay *o, int *ret_fd, struct mb_err *err);

/* ---- options as OCI and docker write them ---- */
struct mb_sys_mount_flags {
	uint64_t set, clear;         /* MOUNT_ATTR_* of this mount */
	uint64_t rec_set, rec_clear; /* the same for the whole tree: rro, rnosuid, ... */
	uint64_t propagation;        /* MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE or 0 */
	bool propagation_recursive;  /* rshared, ... */
	bool bind, bind_recursive;   /* bind or rbind; rbind */
	bool remount;
	bool idmap, idmap_recursive;
};
/* Take every option that the table knows out of @options; what is left is for the file system
 * (or the caller: z, Z, nocopy, tmpcopyup) and is added to @data in order, "defaults" dropped.
 * Later ones win over earlier ones.  Two different propagations are -EINVAL. */
int mb_sys_mount_flags_parse(const struct mb_strv *options, struct mb_sys_mount_flags *ret,
                             struct mb_strv *data, struct mb_err *err);
/* Is @option in the table? */
bool mb_sys_mount_flags_known(const char *option);
/* Apply to a detached mount: this mount, the tree, propagation. */
int mb_sys_mount_flags_apply(int fd, const struct mb_sys_mount_flags *flags, struct mb_err *err);

#endif
