/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/cgroup_priv.h — what the files of cgroup*.c share; nobody else includes it. */
#ifndef MB_SYS_CGROUP_PRIV_H
#define MB_SYS_CGROUP_PRIV_H

#include "core/str.h"
#include "core/strv.h"
#include "sys/cgroup.h"

#define MB_SYS_CGROUP_PARENT "mybox" /* the default */

/* Controllers that mybox knows; version 2 calls blkio "io". */
enum mb_sys_cgroup_ctrl {
	CTRL_CPU,
	CTRL_CPUACCT,
	CTRL_CPUSET,
	CTRL_MEMORY,
	CTRL_DEVICES,
	CTRL_PIDS,
	CTRL_IO,
	CTRL_FREEZER,
	CTRL_HUGETLB,
	CTRL_RDMA,
	CTRL_MISC, /* reached by `unified` alone */
	CTRL_NET_CLS,
	CTRL_NET_PRIO,
	CTRL_N_,
};
#define CTRL_BIT(c) (1u << (c))

enum { TREES_MAX = 20, ATTR_TEXT = 4096 };

/* One hierarchy.  root_fd is -1 until first used. */
struct tree {
	struct mb_sys_cgroup_hierarchy pub;
	char *mount_point, *controllers, *own_path; /* what pub borrows */
	unsigned ctrls;                             /* v1: mounted here; v2: what the root has */
	int root_fd;
	int score; /* which of several mounts of one hierarchy is taken */
};

struct mb_sys_cgroup_host {
	struct tree trees[TREES_MAX];
	size_t n;
	struct mb_sys_cgroup_hierarchy pub[TREES_MAX];
	int v2;               /* index of the cgroup2 tree or -1 */
	int core;             /* index of the tree that kills, freezes and counts, or -1 */
	int by_ctrl[CTRL_N_]; /* index of the tree a controller is used in, or -1 */
	unsigned users;       /* of the shared one */
	bool knows_own;       /* own paths were read */
	bool is_fake;         /* a unit test's directories: no magic numbers to verify */
};

struct mb_sys_cgroup {
	struct mb_sys_cgroup_host *host;
	char *path;           /* "/mybox/ID" */
	bool is_sub;          /* owns a directory in the core tree alone */
	int fd[TREES_MAX];    /* O_PATH directories; -1 where it has none */
	bool made[TREES_MAX]; /* by this handle: undone when creation fails */
};

/* cgroup_host.c */
const char *mb_sys_cgroup_ctrl_name(enum mb_sys_cgroup_ctrl c, bool v2);
/* A host from texts instead of /proc, for unit tests: directories stand for hierarchies. */
int mb_sys_cgroup_host_fake(const char *mountinfo, const char *self_cgroup,
                            struct mb_sys_cgroup_host **ret, struct mb_err *err);
unsigned mb_sys_cgroup_ctrl_bit(const char *name);
unsigned mb_sys_cgroup_ctrl_bits(const char *list, char separator);
void mb_sys_cgroup_tree_done(struct tree *t);
/* Read where this process is; fills own_path and pub. */
void mb_sys_cgroup_own_paths(struct mb_sys_cgroup_host *host);
/* cgroup_mounts.c: fill trees[].  probe() returns false where the layout is not the usual. */
bool mb_sys_cgroup_probe(struct mb_sys_cgroup_host *host);
void mb_sys_cgroup_mountinfo_parse(struct mb_sys_cgroup_host *host, char *text);
/* The root directory of tree @t, opened on first use. */
int mb_sys_cgroup_tree_root(struct mb_sys_cgroup_host *host, int t, int *ret_fd,
                            struct mb_err *err);

/* cgroup_v2.c: @want are bits of controllers that are nice to have, @must have to be there. */
int mb_sys_cgroup_v2_make(struct mb_sys_cgroup *cg, unsigned want, unsigned must,
                          struct mb_err *err);
/* cgroup_v1.c */
int mb_sys_cgroup_v1_make(struct mb_sys_cgroup *cg, int t, struct mb_err *err);

/* cgroup_limits.c: the controllers that @limits ask for. */
int mb_sys_cgroup_limits_need(const struct mb_sys_cgroup_host *host,
                              const struct mb_sys_cgroup_limits *limits, unsigned *ret_ctrls,
                              struct mb_err *err);
/* What must be so before the first process is inside: version 1's devices; then the rest. */
int mb_sys_cgroup_limits_apply_first(struct mb_sys_cgroup *cg,
                                     const struct mb_sys_cgroup_limits *limits, struct mb_err *err);
int mb_sys_cgroup_limits_apply(struct mb_sys_cgroup *cg, const struct mb_sys_cgroup_limits *limits,
                               struct mb_err *err);
/* Whether tree @t holds @path's controller @c in version 2's files. */
bool mb_sys_cgroup_ctrl_is_v2(const struct mb_sys_cgroup_host *host, enum mb_sys_cgroup_ctrl c);
/* The directory of @cg in which controller @c's files are, or -1. */
int mb_sys_cgroup_ctrl_fd(const struct mb_sys_cgroup *cg, enum mb_sys_cgroup_ctrl c);

/* cgroup_attr.c: one value of one file. */
/* Write @fmt's text.  A file that is not there is -EOPNOTSUPP, told. */
int mb_sys_cgroup_put(int fd, struct mb_err *err, const char *file, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool mb_sys_cgroup_has_file(int fd, const char *file);
/* First number of a file; "max" is UINT64_MAX.  Return: 0 or -errno, nothing told. */
int mb_sys_cgroup_get(int fd, const char *file, uint64_t *ret);
/* The number after "@key " at a line's start in @text.  Return: whether it is there. */
bool mb_sys_cgroup_find(const char *text, const char *key, uint64_t *ret);

/* cgroup_walk.c */
/* Relative paths of all directories below @fd, parents first; "" (itself) is not among them. */
int mb_sys_cgroup_walk(int fd, struct mb_strv *ret_paths, struct mb_err *err);
/* A fresh directory, or the one that is there if it is in use.  Return: 0 or -errno, not told. */
int mb_sys_cgroup_mkdir(int fd, const char *path, bool *ret_made);
/* Names of those right below @fd. */
int mb_sys_cgroup_children(int fd, struct mb_strv *ret_names, struct mb_err *err);

/* cgroup_v1.c, cgroup_v2.c: one function for each controller and version. */
int mb_sys_cgroup_v1_memory(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);
int mb_sys_cgroup_v1_cpu(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);
int mb_sys_cgroup_v1_io(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);
int mb_sys_cgroup_v2_memory(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);
int mb_sys_cgroup_v2_cpu(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);
int mb_sys_cgroup_v2_io(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);

/* cgroup_both.c: what both versions do alike. */
/* Whether @l's memory limit is above what @usage_file says, if that is asked for. */
int mb_sys_cgroup_memory_check(int fd, const char *usage_file, const struct mb_sys_cgroup_limits *l,
                               struct mb_err *err);
/* A group that is idle has no weight: leave that state first. */
int mb_sys_cgroup_idle_off(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);
int mb_sys_cgroup_put_weight(int fd, const char *file, uint64_t weight,
                             const struct mb_sys_cgroup_limits *l, struct mb_err *err);
/* The burst, which the quota bounds: with @ret_late a refusal means that it is to be written
 * after the quota. */
int mb_sys_cgroup_put_burst(int fd, const char *file, const struct mb_sys_cgroup_limits *l,
                            bool *ret_late, struct mb_err *err);
int mb_sys_cgroup_v1_hugetlb(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);
int mb_sys_cgroup_v2_hugetlb(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);
/* @l with what an update leaves out and the rest depends on, as it is now. */
void mb_sys_cgroup_limits_complete(const struct mb_sys_cgroup *cg, struct mb_sys_cgroup_limits *l);

/* cgroup_rare.c */
int mb_sys_cgroup_rdma(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);
int mb_sys_cgroup_v1_net_cls(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);
int mb_sys_cgroup_v1_net_prio(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);

#endif
