/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/cgroup.h — control groups of version 2, version 1, and of both side by side.
 *
 * A host is what is mounted, looked at once.  A cgroup is one path ("/mybox/ID",
 * relative to what is mounted) in every hierarchy in use, held open by descriptors: once open no
 * path is walked again.  Where a cgroup2 tree exists (pure or beside v1 controllers) it is what
 * kills, freezes and counts processes; v1 controllers only account and limit.
 *
 * Start of a container:
 *	mb_sys_cgroup_host_open();  mb_sys_cgroup_path_make();  mb_sys_cgroup_create();
 *	mb_sys_cgroup_join_open();  clone3(CLONE_INTO_CGROUP, join.v2_fd) unless it is -1;
 *	child: mb_sys_cgroup_join_self(), and only then unshare(CLONE_NEWCGROUP)
 * End: mb_sys_cgroup_kill(); mb_sys_cgroup_remove().
 */
#ifndef MB_SYS_CGROUP_H
#define MB_SYS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/own.h"
#include "sys/cgroup_limits.h"
#include "sys/cgroup_stats.h"

struct mb_err;
struct mb_str;
struct mb_strv;
struct mb_sys_cgroup;
struct mb_sys_cgroup_host;

enum mb_sys_cgroup_version {
	MB_SYS_CGROUP_V2,     /* cgroup2 alone */
	MB_SYS_CGROUP_HYBRID, /* v1 controllers and a cgroup2 tree */
	MB_SYS_CGROUP_V1,     /* v1 controllers alone */
};
enum { MB_SYS_CGROUP_ABSENT = 1 }; /* the documented condition: there is no such cgroup or file */
enum { MB_SYS_CGROUP_MAX_JOIN = 16 };

/* --- the host --- */

/* One hierarchy as mounted; all strings are borrowed from the host. */
struct mb_sys_cgroup_hierarchy {
	const char *mount_point; /* "/sys/fs/cgroup/cpu,cpuacct" */
	const char *controllers; /* "cpu,cpuacct", "name=systemd"; "" for cgroup2 */
	const char *own_path;    /* where this process is, as /proc/self/cgroup says */
	bool is_v2;
};

/* Return: 0, or -ENOENT when no cgroup hierarchy is mounted, or -errno, told. */
int mb_sys_cgroup_host_open(struct mb_sys_cgroup_host **ret, struct mb_err *err);
void mb_sys_cgroup_host_free(struct mb_sys_cgroup_host *host);
MB_AUTO_DEFINE(struct mb_sys_cgroup_host, mb_sys_cgroup_host_free)
enum mb_sys_cgroup_version mb_sys_cgroup_host_version(const struct mb_sys_cgroup_host *host);
/* Whether a controller ("memory", "pids", "cpu", "cpuset", "io" or "blkio", "devices",
 * "hugetlb", "rdma", "net_cls", "net_prio", "misc", "freezer") can be used, whichever version has
 * it. */
bool mb_sys_cgroup_host_has(const struct mb_sys_cgroup_host *host, const char *controller);
/* Every mounted hierarchy, for the runtime that shows them in a container. */
const struct mb_sys_cgroup_hierarchy *
mb_sys_cgroup_host_hierarchies(struct mb_sys_cgroup_host *host, size_t *ret_n);

/* The path of container @name below @parent: NULL is "mybox"; "/a/b" and "a/b" are paths;
 * "a-b.slice" is "/a.slice/a-b.slice".  Return: 0 (caller frees) or -EINVAL, told. */
int mb_sys_cgroup_path_make(const char *parent, const char *name, char **ret_path,
                            struct mb_err *err);
/* Absolute, with no component that leads elsewhere or moves a terminal. */
bool mb_sys_cgroup_path_is_valid(const char *path);

/* --- make, open, remove --- */

/* Make @path (and what is missing above it) with the controllers that accounting and @limits
 * (may be NULL) need, and apply them.  An existing one is taken over.  When it fails, what was
 * made is removed again.  @host must outlive the result.  Return: 0 or -errno, told;
 * -EOPNOTSUPP names what this host's cgroups cannot do. */
int mb_sys_cgroup_create(struct mb_sys_cgroup_host *host, const char *path,
                         const struct mb_sys_cgroup_limits *limits, struct mb_sys_cgroup **ret,
                         struct mb_err *err);
/* The directory in hierarchy @h (of mb_sys_cgroup_host_hierarchies()) in which a process of @cg is:
 * its own, or the caller's where @cg has none.  O_PATH.  Return: 0; MB_SYS_CGROUP_ABSENT, where
 * the mounted hierarchy does not show it; or -errno. */
int mb_sys_cgroup_place_open(struct mb_sys_cgroup *cg, size_t h, int *ret_fd, struct mb_err *err);
/* The two halves of it, for who has something to do between them: the directories alone, with the
 * controllers that @limits will need; and then @limits (of one from make() that runs no program
 * yet).  A failure of the second half removes nothing. */
int mb_sys_cgroup_make(struct mb_sys_cgroup_host *host, const char *path,
                       const struct mb_sys_cgroup_limits *limits, struct mb_sys_cgroup **ret,
                       struct mb_err *err);
int mb_sys_cgroup_limit(struct mb_sys_cgroup *cg, const struct mb_sys_cgroup_limits *limits,
                        struct mb_err *err);
/* Open what exists of @path.  Return: 0; MB_SYS_CGROUP_ABSENT; or -errno, told. */
int mb_sys_cgroup_open(struct mb_sys_cgroup_host *host, const char *path,
                       struct mb_sys_cgroup **ret, struct mb_err *err);
/* Is the directory of this handle still there?  Who made it anew made another. */
bool mb_sys_cgroup_is_there(const struct mb_sys_cgroup *cg);
/* Free the handle only. */
void mb_sys_cgroup_free(struct mb_sys_cgroup *cg);
MB_AUTO_DEFINE(struct mb_sys_cgroup, mb_sys_cgroup_free)
const char *mb_sys_cgroup_path(const struct mb_sys_cgroup *cg); /* borrowed; what open() takes */
/* Change the limits of a live one. */
int mb_sys_cgroup_update(struct mb_sys_cgroup *cg, const struct mb_sys_cgroup_limits *limits,
                         struct mb_err *err);
/* Remove it and all below it from every hierarchy.  What is gone already is no failure.  The
 * last processes' exit is waited for, for a second at most.  Return: 0; -EBUSY when processes
 * remain; or -errno, told. */
int mb_sys_cgroup_remove(struct mb_sys_cgroup *cg, struct mb_err *err);
/* A group of its own for one exec: below @cg in the tree that kills, and in @cg itself
 * everywhere else, so that every limit of @cg holds.  It can be joined, killed, listed and
 * removed alone, and goes with @cg.  @name is one path component. */
int mb_sys_cgroup_sub_create(struct mb_sys_cgroup *cg, const char *name, struct mb_sys_cgroup **ret,
                             struct mb_err *err);
/* Names of all directories right below @parent (NULL: "mybox") in any hierarchy, sorted. */
int mb_sys_cgroup_list(struct mb_sys_cgroup_host *host, const char *parent,
                       struct mb_strv *ret_names, struct mb_err *err);

/* --- join --- */

struct mb_sys_cgroup_join {
	int v2_fd; /* for clone3's CLONE_INTO_CGROUP; -1 on pure v1 */
	int n_tasks_fds;
	int tasks_fds[MB_SYS_CGROUP_MAX_JOIN]; /* v1: the child itself writes "0" to each */
};
#define MB_SYS_CGROUP_JOIN_INIT ((struct mb_sys_cgroup_join){.v2_fd = -1})

/* The descriptors that join @cg; all close-on-exec and owned by *@ret. */
int mb_sys_cgroup_join_open(struct mb_sys_cgroup *cg, struct mb_sys_cgroup_join *ret,
                            struct mb_err *err);
/* In the single-threaded child: enter the v1 groups.  Async-signal-safe.  (The cgroup2 tree was
 * entered by clone3.)  Return: 0 or -errno, nothing told. */
int mb_sys_cgroup_join_self(const struct mb_sys_cgroup_join *join);
/* The same for a child that was cloned without CLONE_INTO_CGROUP; costs about 10 ms.  Since Linux
 * 6.14 a child cloned into another cgroup is killed at birth when its parent's own cgroup was
 * ever the target of cgroup.kill: a child that dies of SIGKILL before its first word is to be
 * cloned again this way. */
int mb_sys_cgroup_join_self_slowly(const struct mb_sys_cgroup_join *join);
void mb_sys_cgroup_join_done(struct mb_sys_cgroup_join *join);
/* Move a whole process in, in every hierarchy.  On v1 this costs many milliseconds: a start
 * uses join_self. */
int mb_sys_cgroup_attach(struct mb_sys_cgroup *cg, pid_t pid, struct mb_err *err);

/* --- processes --- */

/* SIGKILL to every process in and below, those that are just being forked too. */
int mb_sys_cgroup_kill(struct mb_sys_cgroup *cg, struct mb_err *err);
/* @sig once to every process in and below that is there when we look, and to no other. */
int mb_sys_cgroup_signal(struct mb_sys_cgroup *cg, int sig, struct mb_err *err);
/* Freeze or thaw, and wait for it at most @timeout_ms.  Return: 0, -ETIMEDOUT or -errno, told. */
int mb_sys_cgroup_freeze(struct mb_sys_cgroup *cg, bool frozen, int timeout_ms, struct mb_err *err);
int mb_sys_cgroup_is_frozen(struct mb_sys_cgroup *cg, bool *ret, struct mb_err *err);
/* Whether any process lives in or below it. */
int mb_sys_cgroup_is_populated(struct mb_sys_cgroup *cg, bool *ret, struct mb_err *err);
/* Wait until none does.  Return: 0, -ETIMEDOUT or -errno, told. */
int mb_sys_cgroup_wait_empty(struct mb_sys_cgroup *cg, int timeout_ms, struct mb_err *err);
/* All processes in and below, sorted, as this pid namespace numbers them; caller frees. */
int mb_sys_cgroup_pids(struct mb_sys_cgroup *cg, pid_t **ret_pids, size_t *ret_n,
                       struct mb_err *err);

/* --- figures --- */

int mb_sys_cgroup_stats_read(struct mb_sys_cgroup *cg, struct mb_sys_cgroup_stats *ret,
                             struct mb_err *err);
/* One file of controller @controller ("memory", "io" or "blkio" ...), or with "" of the tree that
 * counts processes, as it is, in *@out (emptied first).  Return: 0; MB_SYS_CGROUP_ABSENT when this
 * group or this kernel has none; or -errno, told. */
int mb_sys_cgroup_file_read(struct mb_sys_cgroup *cg, const char *controller, const char *file,
                            struct mb_str *out, struct mb_err *err);
/* Whether this group has files of @controller. */
bool mb_sys_cgroup_has(const struct mb_sys_cgroup *cg, const char *controller);
/* Whether @controller's files are those of version 2. */
bool mb_sys_cgroup_is_v2(const struct mb_sys_cgroup *cg, const char *controller);
/* The file that has a line "oom_kill N" in both versions, to be handed to who stays (pread at 0).
 * Return: 0 and *@ret_fd owned by the caller; MB_SYS_CGROUP_ABSENT without a memory controller;
 * or -errno, told. */
int mb_sys_cgroup_oom_open(struct mb_sys_cgroup *cg, int *ret_fd, struct mb_err *err);
/* A descriptor to poll for out-of-memory events, and the events to poll it for: POLLPRI on v2
 * (memory.events), POLLIN on v1 (an eventfd, to be read).  Returns as oom_open. */
int mb_sys_cgroup_oom_event_open(struct mb_sys_cgroup *cg, int *ret_fd, short *ret_events,
                                 struct mb_err *err);
/* cgroup.kill, open for writing "1", to be handed to who stays.  Return: 0;
 * MB_SYS_CGROUP_ABSENT on pure v1 or before Linux 5.14; or -errno, told. */
int mb_sys_cgroup_kill_open(struct mb_sys_cgroup *cg, int *ret_fd, struct mb_err *err);
/* cgroup.events (POLLPRI; "populated 0|1", "frozen 0|1").  Returns as kill_open. */
int mb_sys_cgroup_events_open(struct mb_sys_cgroup *cg, int *ret_fd, struct mb_err *err);

#endif
