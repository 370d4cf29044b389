/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/plan.h — what a spec means, as data, before anything is done (private).
 *
 * plan.c and plan_mounts.c fill it from the request without touching the machine; host.c opens
 * what the host has to give; child.c performs it.
 */
#ifndef MB_RUNTIME_PLAN_H
#define MB_RUNTIME_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/strv.h"
#include "oci/spec.h"
#include "runtime/attributes.h"
#include "runtime/runtime.h"
#include "runtime/seccomp.h"
#include "sys/caps.h"
#include "sys/cgroup.h"
#include "sys/mount.h"

struct mb_err;
struct mb_str;
struct sock_filter;

enum { MB_RUNTIME_MAX_NS = 8, MB_RUNTIME_MAX_HIERARCHIES = 16 };

/* A namespace to join: the path as the spec has it, or a descriptor of the request. */
struct mb_runtime_join {
	int flag; /* CLONE_NEW* */
	const char *type, *path;
	int fd; /* host part; owned unless borrowed */
	bool is_borrowed;
};

enum mb_runtime_mount_kind {
	MB_RUNTIME_MOUNT_NEW,  /* a file system of its own: tmpfs, mqueue, overlay... */
	MB_RUNTIME_MOUNT_BIND, /* from the host, or handed over as a descriptor */
	MB_RUNTIME_MOUNT_PROC,
	MB_RUNTIME_MOUNT_SYSFS,
	MB_RUNTIME_MOUNT_CGROUP,
	MB_RUNTIME_MOUNT_DEVPTS,
	MB_RUNTIME_MOUNT_REMOUNT, /* other flags or options for what is there */
};

struct mb_runtime_mount {
	enum mb_runtime_mount_kind kind;
	const struct mb_oci_mount *spec;
	char *destination; /* clean: "/a/b" */
	const char *type, *source;
	struct mb_sys_mount_flags flags;
	struct mb_strv data; /* for the file system */
	bool copy_up;        /* tmpfs: begin with what the image has there */
	bool is_idmapped;    /* by the entry's own mappings, or the container's */
	bool must_be_proc;   /* what is bound is a whole procfs, or refused */
	bool is_file;        /* host part: the source is no directory */
	int fd;              /* host part: the source, detached; -1 otherwise */
	bool fd_is_borrowed;
	int userns_fd; /* host part: its own id mapping; -1 */
};

struct mb_runtime_device {
	const char *path; /* "/dev/fuse" */
	mode_t mode;      /* with S_IFMT */
	dev_t rdev;
	uint32_t uid, gid;
};

struct mb_runtime_rlimit {
	int resource;
	const char *name;
	uint64_t soft, hard;
};

enum mb_runtime_filter {
	MB_RUNTIME_FILTER_NONE,
	MB_RUNTIME_FILTER_BUILTIN,
	MB_RUNTIME_FILTER_PROFILE,  /* of the spec */
	MB_RUNTIME_FILTER_HARDENED, /* the built-in one, and stricter */
};

struct mb_runtime_plan {
	struct mb_runtime_request req;
	const struct mb_oci_spec *spec;
	const struct mb_oci_process *process;

	/* The pure part. */
	uint64_t clone_flags; /* new ones, but for the cgroup's */
	bool has_new_cgroupns, has_new_userns, has_new_timens;
	bool has_userns; /* new or joined */
	/* The namespaces are joined before process 1 is born, while the privileges of the host are
	 * there, by a process between: where a user namespace or clocks of its own are wanted. */
	bool joins_early;
	struct mb_runtime_join joins[MB_RUNTIME_MAX_NS];
	size_t n_joins;
	struct mb_runtime_mount *mounts;
	size_t n_mounts;
	size_t dev_mount;  /* index of the fresh /dev, or SIZE_MAX */
	bool dev_is_bound; /* /dev comes from elsewhere: nothing is made in it */
	struct mb_runtime_device *devices;
	size_t n_devices;
	struct mb_runtime_rlimit *rlimits;
	size_t n_rlimits;
	uint64_t root_propagation; /* MS_* or 0 */
	bool root_propagation_recursive;
	bool sysctl_waits;    /* it names an interface, which comes with the network */
	bool has_early_hooks; /* process 1 stops for them before it changes its root */
	struct mb_runtime_attributes attributes;
	struct mb_sys_creds creds; /* groups owned */
	enum mb_runtime_filter filter;

	/* The host part; every descriptor -1 when not in use. */
	int channel[2]; /* [0] the command's, [1] process 1's */
	int birth[2];   /* a pipe; [1] is the parent's to be, until it has told of process 1 */
	int root_fd;
	bool root_is_borrowed;
	int init_fd;
	struct mb_runtime_seccomp seccomp;
	int label_fd;
	bool label_by_file;
	bool filter_is_known; /* to allow what the stub does after it */
	struct mb_sys_cgroup_join cgroup;
	struct mb_sys_cgroup_host *cgroup_host; /* borrowed, or the next */
	struct mb_sys_cgroup_host *own_cgroup_host;
	/* Version 1: what the container sees of each hierarchy, detached; -1: it makes a mount. */
	int cgroup_mounts[MB_RUNTIME_MAX_HIERARCHIES];

	/* What came through the channel. */
	bool is_cloned, is_settled, is_created, is_executing, is_ended;
	pid_t pid;
	int pidfd, console_fd, notify_fd;
	pid_t container_pid; /* exec: process 1 */
	const char *status;  /* for who is notified; NULL: "creating" */
	struct mb_strv warnings;
};

/* The pure part.  Return: 0 or -errno, told. */
int mb_runtime_plan_fill(struct mb_runtime_plan *plan, const struct mb_runtime_request *req,
                         struct mb_err *err);
void mb_runtime_plan_init(struct mb_runtime_plan *plan);
void mb_runtime_plan_done(struct mb_runtime_plan *plan);
/* Parts of it. */
int mb_runtime_plan_namespaces(struct mb_runtime_plan *plan, struct mb_err *err);
int mb_runtime_plan_mounts(struct mb_runtime_plan *plan, struct mb_err *err);
int mb_runtime_plan_devices(struct mb_runtime_plan *plan, struct mb_err *err);
int mb_runtime_plan_sysctls(struct mb_runtime_plan *plan, struct mb_err *err);
/* Credentials of @process: ids, groups and capability sets. */
void mb_runtime_plan_creds(const struct mb_oci_process *process, struct mb_sys_creds *ret);
/* The set of @names.  One that no kernel knows is left out, and added to @unknown (or NULL). */
uint64_t mb_runtime_caps_parse(const struct mb_strv *names, struct mb_strv *unknown);
int mb_runtime_plan_rlimits(const struct mb_oci_process *process, struct mb_runtime_rlimit **ret,
                            size_t *ret_n, struct mb_err *err);
void mb_runtime_plan_print(const struct mb_runtime_plan *plan, struct mb_str *out);
/* May a mount with this clean destination be?  Everything below /proc but what lxcfs serves is
 * refused: programs trust it. */
bool mb_runtime_mount_is_allowed(const char *destination, const char *type);

/* Every option that a mount may have beside those of its file system; ended by NULL. */
extern const char *const mb_runtime_mount_options[];

/* May a container look at the version 1 hierarchy @h? */
bool mb_runtime_hierarchy_is_shown(const struct mb_sys_cgroup_hierarchy *h);

/* The host part: open what the host gives. */
int mb_runtime_plan_open(struct mb_runtime_plan *plan, struct mb_err *err);

#endif
