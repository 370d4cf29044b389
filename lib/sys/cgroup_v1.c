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

int mb_sys_cgroup_v1_memory(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = put_memory_and_swap(fd, l, err);

	if (r == 0 && l->memory_reservation)
		r = put_number(fd, "memory.soft_limit_in_bytes", l->memory_reservation, err);
	if (r == 0 && l->has_swappiness)
		r = put_number(fd, "memory.swappiness", l->swappiness, err);
	if (r == 0 && l->oom_kill_disable)
		r = put_number(fd, "memory.oom_control", 1, err);
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

int mb_sys_cgroup_v1_cpu(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	if (l->cpu_shares)
		r = put_number(fd, "cpu.shares", (int64_t)l->cpu_shares, err);
	if (r == 0)
		r = put_bandwidth(fd, l, err);
	if (r == 0 && l->cpu_burst)
		r = put_number(fd, "cpu.cfs_burst_us", (int64_t)l->cpu_burst, err);
	if (r == 0 && l->cpu_rt_period)
		r = put_number(fd, "cpu.rt_period_us", (int64_t)l->cpu_rt_period, err);
	if (r == 0 && l->cpu_rt_runtime)
		r = put_number(fd, "cpu.rt_runtime_us", l->cpu_rt_runtime, err);
	if (r == 0 && l->has_cpu_idle)
		r = put_number(fd, "cpu.idle", l->cpu_idle, err);
	return r;
}

/* "MAJOR:MINOR RATE" to one of the throttle files; no rate, no write. */
static int put_rate(int fd, const char *file, const struct mb_sys_cgroup_throttle *t, uint64_t rate,
                    struct mb_err *err)
{
	if (!rate)
		return 0;
	return mb_sys_cgroup_put(fd, err, file, "%u:%u %llu", t->major, t->minor,
	                         (unsigned long long)rate);
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
		r = put_rate(fd, "blkio.bfq.weight_device", t, t->weight, err);
	return r;
}

int mb_sys_cgroup_v1_io(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	if (l->blkio_weight)
		r = put_number(fd,
		               mb_sys_cgroup_has_file(fd, "blkio.weight") ? "blkio.weight"
		                                                          : "blkio.bfq.weight",
		               l->blkio_weight, err);
	for (size_t i = 0; i < l->n_throttles && r == 0; i++)
		r = put_throttle(fd, &l->throttles[i], err);
	return r;
}

int mb_sys_cgroup_v1_hugetlb(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < l->n_hugepages && r == 0; i++) {
		MB_AUTO_FREE char *file =
			mb_asprintf("hugetlb.%s.limit_in_bytes", l->hugepages[i].size);

		r = mb_sys_cgroup_put(fd, err, file, "%llu",
		                      (unsigned long long)l->hugepages[i].bytes);
	}
	return r;
}
