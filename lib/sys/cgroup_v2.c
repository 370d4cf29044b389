/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

enum { DIRECTORY_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, PROCS_MAX = 1 << 20 };
enum { MOVE_ROUNDS = 8 };
#define SUBTREE "cgroup.subtree_control"
/* Where processes go that stand in the way of handing controllers on. */
#define LEAF "mybox-host"

static unsigned ctrls_read(int dir, const char *file)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	char text[ATTR_TEXT];
	unsigned bits = 0;

	if (mb_read_kernel_file(dir, file, text, sizeof(text)) < 0)
		return 0;
	mb_strv_split(&names, text, ' ');
	for (unsigned c = 0; c < CTRL_N_; c++)
		if (mb_strv_has(&names, mb_sys_cgroup_ctrl_name(c, true)))
			bits |= CTRL_BIT(c);
	return bits;
}

/* Move every process of @dir to a leaf below it.  Rounds, as they may be forking. */
static int evacuate(int dir)
{
	MB_AUTO_CLOSE int leaf = -1;

	if (mkdirat(dir, LEAF, 0755) < 0 && errno != EEXIST)
		return -errno;
	leaf = openat(dir, LEAF, DIRECTORY_FLAGS);
	if (leaf < 0)
		return -errno;
	for (int round = 0; round < MOVE_ROUNDS; round++) {
		MB_AUTO_STR struct mb_str procs = MB_STR_INIT;
		MB_AUTO_STRV struct mb_strv pids = MB_STRV_INIT;
		int r = mb_read_file(dir, "cgroup.procs", PROCS_MAX, &procs, NULL);

		if (r < 0 || !procs.len)
			return r;
		mb_strv_split(&pids, mb_str_text(&procs), '\n');
		MB_STRV_FOREACH (pid, &pids)
			if (*pid && strcmp(pid, "0") != 0)
				(void)mb_write_kernel_file(leaf, "cgroup.procs", pid);
	}
	return -EBUSY;
}

static int enable_one(int dir, enum mb_sys_cgroup_ctrl c)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "+%s", mb_sys_cgroup_ctrl_name(c, true));
	return mb_write_kernel_file(dir, SUBTREE, text);
}

/* Hand the controllers @bits on to the children of @dir.  One that fails is looked for again by
 * the caller.  A cgroup other than the real root must hold no process itself when it does so
 * (the kernel says EBUSY): where mybox itself lives in a container or a slice, those processes
 * are moved aside into a leaf. */
static int enable(int dir, unsigned bits, bool may_evacuate)
{
	unsigned missing = bits & ~ctrls_read(dir, SUBTREE);
	int first = 0;

	for (unsigned c = 0; c < CTRL_N_; c++) {
		int r;

		if (!(missing & CTRL_BIT(c)))
			continue;
		r = enable_one(dir, c);
		if (r == -EBUSY && may_evacuate) {
			may_evacuate = false;
			r = evacuate(dir);
			r = r < 0 ? r : enable_one(dir, c);
		}
		first = first ? first : r;
	}
	return first;
}

/* From the root to the parent of @path: make directories, hand controllers on. */
static int make_parents(struct mb_sys_cgroup *cg, int root, unsigned bits, struct mb_err *err)
{
	const char *own;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str so_far = MB_STR_INIT;
	MB_AUTO_CLOSE int dir = -1;

	mb_sys_cgroup_own_paths(cg->host);
	own = cg->host->trees[cg->host->v2].own_path;
	mb_strv_split(&names, cg->path + 1, '/');
	for (size_t i = 0; i < names.n; i++) {
		MB_AUTO_CLOSE int parent = mb_take_fd(&dir);
		int at = parent < 0 ? root : parent;
		bool ours = !i || mb_streq(mb_str_text(&so_far), own);

		if (bits)
			(void)enable(at, bits, ours);
		if (i + 1 == names.n)
			break;
		mb_str_addf(&so_far, "/%s", names.v[i]);
		if (mkdirat(at, names.v[i], 0755) < 0 && errno != EEXIST)
			return mb_fail_sys(err, errno, "cannot make '%s'", mb_str_text(&so_far));
		dir = openat(at, names.v[i], DIRECTORY_FLAGS);
		if (dir < 0)
			return mb_fail_sys(err, errno, "cannot open '%s'", mb_str_text(&so_far));
	}
	return 0;
}

/* The controllers that @path's parent hands on. */
static unsigned handed_on(int root, const char *path)
{
	const char *slash = strrchr(path + 1, '/');
	MB_AUTO_FREE char *file =
		slash ? mb_asprintf("%.*s/" SUBTREE, (int)(slash - path - 1), path + 1)
		      : mb_strdup(SUBTREE);

	return ctrls_read(root, file);
}

static int check_handed_on(const struct mb_sys_cgroup *cg, unsigned missing, struct mb_err *err)
{
	for (unsigned c = 0; c < CTRL_N_; c++)
		if (missing & CTRL_BIT(c))
			return mb_fail(err, EOPNOTSUPP,
			               "the parent of cgroup '%s' does not hand on the controller "
			               "'%s' (it may hold processes itself: name another with "
			               "--cgroup-parent)",
			               cg->path, mb_sys_cgroup_ctrl_name(c, true));
	return 0;
}

/* Where the root of the hierarchy is not ours to write to, what was delegated is the cgroup this
 * process is in. */
static bool move_into_own(struct mb_sys_cgroup *cg, int errnum)
{
	const char *own;
	char *path;

	if (errnum != EACCES && errnum != EPERM && errnum != EROFS)
		return false;
	mb_sys_cgroup_own_paths(cg->host);
	own = cg->host->trees[cg->host->v2].own_path;
	if (mb_streq(own, "/") || strstr(own, "..") || mb_starts_with(cg->path, own))
		return false;
	path = mb_asprintf("%s%s", own, cg->path);
	free(cg->path);
	cg->path = path;
	return true;
}

static int make_directory(struct mb_sys_cgroup *cg, int root, unsigned bits, struct mb_err *err)
{
	int t = cg->host->v2, r = 0;

	for (int attempt = 0; attempt < 3; attempt++) {
		r = mb_sys_cgroup_mkdir(root, cg->path + 1, &cg->made[t]);
		if (r == 0)
			return 0;
		if (r == -ENOENT) {
			r = make_parents(cg, root, bits, err);
			if (r < 0 && !move_into_own(cg, -r))
				return r;
		} else if (!move_into_own(cg, -r)) {
			break;
		}
	}
	return mb_fail_sys(err, -r, "cannot make '%s'", cg->path);
}

int mb_sys_cgroup_v2_make(struct mb_sys_cgroup *cg, unsigned want, unsigned must,
                          struct mb_err *err)
{
	int t = cg->host->v2, root, r;
	unsigned bits = want | must;

	r = mb_sys_cgroup_tree_root(cg->host, t, &root, err);
	if (r == 0 && cg->fd[t] < 0)
		r = make_directory(cg, root, bits, err);
	if (r < 0)
		return r;
	if (bits && (bits & ~handed_on(root, cg->path))) {
		r = make_parents(cg, root, bits, err);
		if (r == 0)
			r = check_handed_on(cg, must & ~handed_on(root, cg->path), err);
		if (r < 0)
			return r;
	}
	if (cg->fd[t] < 0)
		cg->fd[t] = openat(root, cg->path + 1, DIRECTORY_FLAGS);
	return cg->fd[t] < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", cg->path) : 0;
}

/* --- limits --- */

/* A number or, for -1, "max". */
static int put_or_max(int fd, const char *file, int64_t value, struct mb_err *err)
{
	if (value < 0)
		return mb_sys_cgroup_put(fd, err, file, "max");
	return mb_sys_cgroup_put(fd, err, file, "%lld", (long long)value);
}

/* docker limits the sum of memory and swap, version 2 swap alone. */
static int put_swap(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int64_t swap = l->memory_swap;

	if (!swap && l->memory < 0)
		swap = -1;
	if (!swap)
		return 0;
	if (!mb_sys_cgroup_has_file(fd, "memory.swap.max") && (l->memory_swap_optional || swap < 0))
		return 0;
	return put_or_max(fd, "memory.swap.max", swap < 0 ? -1 : swap - l->memory, err);
}

int mb_sys_cgroup_v2_memory(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = mb_sys_cgroup_memory_check(fd, "memory.current", l, err);

	if (r == 0)
		r = put_swap(fd, l, err);
	if (r == 0 && l->memory)
		r = put_or_max(fd, "memory.max", l->memory, err);
	if (r == 0 && l->memory_reservation)
		r = put_or_max(fd, "memory.low",
		               l->memory_reservation < 0 ? 0 : l->memory_reservation, err);
	return r;
}

/* One file holds both: what is not asked for is written as it is. */
static int put_quota(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	if (!l->cpu_quota && !l->cpu_period)
		return 0;
	if (!l->cpu_quota) {
		char now[ATTR_TEXT] = "max";

		(void)mb_read_kernel_file(fd, "cpu.max", now, sizeof(now));
		now[strcspn(now, " ")] = '\0';
		return mb_sys_cgroup_put(fd, err, "cpu.max", "%s %llu", *now ? now : "max",
		                         (unsigned long long)l->cpu_period);
	}
	if (l->cpu_quota < 0 && !l->cpu_period)
		return mb_sys_cgroup_put(fd, err, "cpu.max", "max");
	if (l->cpu_quota < 0)
		return mb_sys_cgroup_put(fd, err, "cpu.max", "max %llu",
		                         (unsigned long long)l->cpu_period);
	if (!l->cpu_period)
		return mb_sys_cgroup_put(fd, err, "cpu.max", "%lld", (long long)l->cpu_quota);
	return mb_sys_cgroup_put(fd, err, "cpu.max", "%lld %llu", (long long)l->cpu_quota,
	                         (unsigned long long)l->cpu_period);
}

int mb_sys_cgroup_v2_cpu(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	bool burst_late = false;
	int r = mb_sys_cgroup_idle_off(fd, l, err);

	if (r == 0 && l->cpu_shares)
		r = mb_sys_cgroup_put_weight(fd, "cpu.weight",
		                             mb_sys_cgroup_weight_of_shares(l->cpu_shares), l, err);
	if (r == 0)
		r = mb_sys_cgroup_put_burst(fd, "cpu.max.burst", l, &burst_late, err);
	if (r == 0)
		r = put_quota(fd, l, err);
	if (r == 0 && burst_late)
		r = mb_sys_cgroup_put_burst(fd, "cpu.max.burst", l, NULL, err);
	if (r == 0 && l->has_cpu_idle && l->cpu_idle)
		r = mb_sys_cgroup_put(fd, err, "cpu.idle", "1");
	return r;
}

static int put_throttle(int fd, const struct mb_sys_cgroup_throttle *t, struct mb_err *err)
{
	const struct {
		const char *key;
		uint64_t rate;
	} rates[] = {{"rbps", t->read_bps},
	             {"wbps", t->write_bps},
	             {"riops", t->read_iops},
	             {"wiops", t->write_iops}};
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;
	int r = 0;

	for (size_t i = 0; i < MB_N(rates); i++)
		if (rates[i].rate == UINT64_MAX)
			mb_str_addf(&line, " %s=max", rates[i].key);
		else if (rates[i].rate)
			mb_str_addf(&line, " %s=%llu", rates[i].key,
			            (unsigned long long)rates[i].rate);
	if (line.len)
		r = mb_sys_cgroup_put(fd, err, "io.max", "%u:%u%s", t->major, t->minor,
		                      mb_str_text(&line));
	if (r == 0 && t->weight && mb_sys_cgroup_has_file(fd, "io.bfq.weight"))
		return mb_sys_cgroup_put(fd, err, "io.bfq.weight", "%u:%u %u", t->major, t->minor,
		                         (unsigned)t->weight);
	if (r == 0 && t->weight)
		r = mb_sys_cgroup_put(fd, err, "io.weight", "%u:%u %llu", t->major, t->minor,
		                      (unsigned long long)mb_sys_cgroup_weight_of_blkio(t->weight));
	return r;
}

int mb_sys_cgroup_v2_io(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	/* BFQ, where it is built, has version 1's scale. */
	if (l->blkio_weight && mb_sys_cgroup_has_file(fd, "io.bfq.weight"))
		r = mb_sys_cgroup_put(fd, err, "io.bfq.weight", "%u", (unsigned)l->blkio_weight);
	else if (l->blkio_weight)
		r = mb_sys_cgroup_put(
			fd, err, "io.weight", "%llu",
			(unsigned long long)mb_sys_cgroup_weight_of_blkio(l->blkio_weight));
	for (size_t i = 0; i < l->n_throttles && r == 0; i++)
		r = put_throttle(fd, &l->throttles[i], err);
	return r;
}
