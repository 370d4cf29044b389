/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

enum { DIRECTORY_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW };

/* --- directories --- */

/* A cpuset is born empty and takes no process: it begins with what its parent has. */
static int cpuset_inherit(int parent, int fd, struct mb_err *err)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};

	for (size_t i = 0; i < MB_N(files); i++) {
		char own[ATTR_TEXT], above[ATTR_TEXT];
		int r = mb_read_kernel_file(fd, files[i], own, sizeof(own));

		if (r == 0 && *own)
			continue;
		if (r == 0)
			r = mb_read_kernel_file(parent, files[i], above, sizeof(above));
		if (r < 0)
			return mb_fail_sys(err, -r, "cannot read '%s'", files[i]);
		r = mb_sys_cgroup_put(fd, err, files[i], "%s", above);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One level at a time, from the root of the hierarchy. */
static int make_stepwise(int root, const char *path, bool is_cpuset, bool *ret_made,
                         struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_CLOSE int dir = -1;

	mb_strv_split(&names, path + 1, '/');
	MB_STRV_FOREACH (name, &names) {
		MB_AUTO_CLOSE int parent = mb_take_fd(&dir);
		int at = parent < 0 ? root : parent;
		int r;

		*ret_made = mkdirat(at, name, 0755) == 0;
		if (!*ret_made && errno != EEXIST)
			return mb_fail_sys(err, errno, "cannot make '%s'", path);
		dir = openat(at, name, DIRECTORY_FLAGS);
		if (dir < 0)
			return mb_fail_sys(err, errno, "cannot open '%s'", path);
		r = is_cpuset ? cpuset_inherit(at, dir, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int mb_sys_cgroup_v1_make(struct mb_sys_cgroup *cg, int t, struct mb_err *err)
{
	bool is_cpuset = cg->host->trees[t].ctrls & CTRL_BIT(CTRL_CPUSET);
	const char *path = cg->path;
	int root, r;

	r = mb_sys_cgroup_tree_root(cg->host, t, &root, err);
	if (r < 0)
		return r;
	/* Nearly always the parent is there already. */
	r = is_cpuset ? -ENOENT : mb_sys_cgroup_mkdir(root, path + 1, &cg->made[t]);
	if (r == -ENOENT)
		r = make_stepwise(root, path, is_cpuset, &cg->made[t], err);
	else if (r < 0)
		return mb_fail_sys(err, -r, "cannot make '%s'", path);
	if (r < 0)
		return r;
	cg->fd[t] = openat(root, path + 1, DIRECTORY_FLAGS);
	return cg->fd[t] < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", path) : 0;
}

/* --- limits --- */

static int put_number(int fd, const char *file, int64_t value, struct mb_err *err)
{
	return mb_sys_cgroup_put(fd, err, file, "%lld", (long long)value);
}

static int put_memory(int fd, int64_t bytes, struct mb_err *err)
{
	uint64_t used = 0, both = UINT64_MAX;
	char text[32];
	int r;

	(void)snprintf(text, sizeof(text), "%lld", (long long)bytes);
	r = mb_write_kernel_file(fd, "memory.limit_in_bytes", text);
	if (r == 0)
		return 0;
	if (r == -EBUSY && !mb_sys_cgroup_get(fd, "memory.usage_in_bytes", &used))
		return mb_fail(err, EBUSY,
		               "cannot limit memory to %lld bytes: %llu are in use and cannot be "
		               "taken back",
		               (long long)bytes, (unsigned long long)used);
	if (r == -EINVAL && !mb_sys_cgroup_get(fd, "memory.memsw.limit_in_bytes", &both) &&
	    (uint64_t)bytes > both)
		return mb_fail(err, EINVAL,
		               "a memory limit of %lld bytes is over the limit of %llu for memory "
		               "and swap: change both together",
		               (long long)bytes, (unsigned long long)both);
	return mb_fail_sys(err, -r, "cannot write '%s' to 'memory.limit_in_bytes'", text);
}

static int put_swap(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	if (l->memory_swap_optional && !mb_sys_cgroup_has_file(fd, "memory.memsw.limit_in_bytes"))
		return 0;
	return put_number(fd, "memory.memsw.limit_in_bytes", l->memory_swap, err);
}

/* At any time memory <= memory and swap must hold, so the order depends on the direction. */
static int put_memory_and_swap(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	uint64_t now = UINT64_MAX;
	bool raise;
	int r = 0;

	if (l->memory && l->memory_swap)
		(void)mb_sys_cgroup_get(fd, "memory.memsw.limit_in_bytes", &now);
	raise = l->memory_swap && l->memory && (l->memory < 0 || (uint64_t)l->memory > now);
	if (raise)
		r = put_swap(fd, l, err);
	if (r == 0 && l->memory)
		r = put_memory(fd, l->memory, err);
	if (r == 0 && l->memory_swap && !raise)
		r = put_swap(fd, l, err);
	return r;
}

static int put_kernel_memory(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	/* The file is there still, but since Linux 5.16 it takes nothing. */
	if (l->kernel_memory > 0)
		r = put_number(fd, "memory.kmem.limit_in_bytes", l->kernel_memory, err);
	if (r == -EOPNOTSUPP)
		return mb_fail(err, EOPNOTSUPP,
		               "this kernel no longer limits kernel memory (--kernel-memory)");
	if (r == 0 && l->kernel_memory_tcp)
		r = put_number(fd, "memory.kmem.tcp.limit_in_bytes", l->kernel_memory_tcp, err);
	return r;
}

int mb_sys_cgroup_v1_memory(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = mb_sys_cgroup_memory_check(fd, "memory.usage_in_bytes", l, err);

	if (r == 0)
		r = put_memory_and_swap(fd, l, err);
	if (r == 0)
		r = put_kernel_memory(fd, l, err);

	if (r == 0 && l->memory_reservation)
		r = put_number(fd, "memory.soft_limit_in_bytes", l->memory_reservation, err);
	if (r == 0 && l->has_swappiness)
		r = put_number(fd, "memory.swappiness", l->swappiness, err);
	if (r == 0 && (l->oom_kill_disable || l->oom_kill_enable))
		r = put_number(fd, "memory.oom_control", l->oom_kill_disable, err);
	return r;
}

/* The parent bounds quota / period, so one of the two orders may be refused half way. */
static int put_bandwidth(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0, late = 0;

	if (l->cpu_period)
		r = put_number(fd, "cpu.cfs_period_us", (int64_t)l->cpu_period, err);
	if (r == -EINVAL && l->cpu_quota)
		late = r;
	else if (r < 0)
		return r;
	r = l->cpu_quota ? put_number(fd, "cpu.cfs_quota_us", l->cpu_quota, err) : 0;
	if (r == 0 && late)
		r = put_number(fd, "cpu.cfs_period_us", (int64_t)l->cpu_period, err);
	return r;
}

/* The runtime must fit into the period all the time: one of the two orders works. */
static int put_realtime(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	bool late = false;
	int r = 0;

	if (l->cpu_rt_period)
		r = put_number(fd, "cpu.rt_period_us", (int64_t)l->cpu_rt_period, err);
	if (r == -EINVAL && l->cpu_rt_runtime) {
		late = true;
		r = 0;
	}
	if (r == 0 && l->cpu_rt_runtime)
		r = put_number(fd, "cpu.rt_runtime_us", l->cpu_rt_runtime, err);
	if (r == 0 && late)
		r = put_number(fd, "cpu.rt_period_us", (int64_t)l->cpu_rt_period, err);
	return r;
}

int mb_sys_cgroup_v1_cpu(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	bool burst_late = false;
	int r = mb_sys_cgroup_idle_off(fd, l, err);

	if (r == 0 && l->cpu_shares)
		r = mb_sys_cgroup_put_weight(fd, "cpu.shares", l->cpu_shares, l, err);
	if (r == 0)
		r = mb_sys_cgroup_put_burst(fd, "cpu.cfs_burst_us", l, &burst_late, err);
	if (r == 0)
		r = put_bandwidth(fd, l, err);
	if (r == 0 && burst_late)
		r = mb_sys_cgroup_put_burst(fd, "cpu.cfs_burst_us", l, NULL, err);
	if (r == 0)
		r = put_realtime(fd, l, err);
	if (r == 0 && l->has_cpu_idle && l->cpu_idle)
		r = put_number(fd, "cpu.idle", 1, err);
	return r;
}

/* "MAJOR:MINOR RATE" to one of the throttle files, where 0 ends the limit; no rate, no write. */
static int put_rate(int fd, const char *file, const struct mb_sys_cgroup_throttle *t, uint64_t rate,
                    struct mb_err *err)
{
	if (!rate)
		return 0;
	return mb_sys_cgroup_put(fd, err, file, "%u:%u %llu", t->major, t->minor,
	                         rate == UINT64_MAX ? 0ull : (unsigned long long)rate);
}

/* CFQ's where a kernel still has it, else BFQ's. */
static const char *weight_file(int fd, bool of_device)
{
	if (mb_sys_cgroup_has_file(fd, "blkio.weight"))
		return of_device ? "blkio.weight_device" : "blkio.weight";
	return of_device ? "blkio.bfq.weight_device" : "blkio.bfq.weight";
}

static int put_throttle(int fd, const struct mb_sys_cgroup_throttle *t, struct mb_err *err)
{
	int r = put_rate(fd, "blkio.throttle.read_bps_device", t, t->read_bps, err);

	if (r == 0)
		r = put_rate(fd, "blkio.throttle.write_bps_device", t, t->write_bps, err);
	if (r == 0)
		r = put_rate(fd, "blkio.throttle.read_iops_device", t, t->read_iops, err);
	if (r == 0)
		r = put_rate(fd, "blkio.throttle.write_iops_device", t, t->write_iops, err);
	if (r == 0)
		r = put_rate(fd, weight_file(fd, true), t, t->weight, err);
	if (r == 0)
		r = put_rate(fd, "blkio.leaf_weight_device", t, t->leaf_weight, err);
	return r;
}

int mb_sys_cgroup_v1_io(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	if (l->blkio_weight)
		r = put_number(fd, weight_file(fd, false), l->blkio_weight, err);
	if (r == 0 && l->blkio_leaf_weight)
		r = put_number(fd, "blkio.leaf_weight", l->blkio_leaf_weight, err);
	for (size_t i = 0; i < l->n_throttles && r == 0; i++)
		r = put_throttle(fd, &l->throttles[i], err);
	return r;
}
