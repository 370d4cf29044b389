/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "sys/cgroup_priv.h"
#include "sys/device.h"

enum { CPU_MAX = 8191, PERIOD_MIN = 1000, PERIOD_MAX = 1000000, QUOTA_MIN = 1000 };

typedef int apply_fn(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err);

bool mb_sys_cgroup_ctrl_is_v2(const struct mb_sys_cgroup_host *host, enum mb_sys_cgroup_ctrl c)
{
	return host->by_ctrl[c] >= 0 && host->by_ctrl[c] == host->v2;
}

int mb_sys_cgroup_ctrl_fd(const struct mb_sys_cgroup *cg, enum mb_sys_cgroup_ctrl c)
{
	return cg->host->by_ctrl[c] < 0 ? -1 : cg->fd[cg->host->by_ctrl[c]];
}

/* --- what is asked for --- */

static bool wants_memory(const struct mb_sys_cgroup_limits *l)
{
	return l->memory || l->memory_swap || l->memory_reservation || l->has_swappiness ||
	       l->oom_kill_disable || l->oom_kill_enable || l->kernel_memory > 0 ||
	       l->kernel_memory_tcp;
}

static bool wants_cpu(const struct mb_sys_cgroup_limits *l)
{
	return l->cpu_shares || l->cpu_quota || l->cpu_period || l->cpu_burst || l->has_cpu_burst ||
	       l->has_cpu_idle || l->cpu_rt_runtime || l->cpu_rt_period;
}

static bool wants_cpuset(const struct mb_sys_cgroup_limits *l)
{
	return (l->cpuset_cpus && *l->cpuset_cpus) || (l->cpuset_mems && *l->cpuset_mems);
}

static bool wants_pids(const struct mb_sys_cgroup_limits *l)
{
	return l->pids_max != 0;
}

static bool wants_io(const struct mb_sys_cgroup_limits *l)
{
	return l->blkio_weight || l->blkio_leaf_weight || l->n_throttles;
}

static bool wants_hugetlb(const struct mb_sys_cgroup_limits *l)
{
	return l->n_hugepages != 0;
}

static bool wants_rdma(const struct mb_sys_cgroup_limits *l)
{
	return l->n_rdma != 0;
}

static bool wants_net_cls(const struct mb_sys_cgroup_limits *l)
{
	return l->has_net_class;
}

static bool wants_net_prio(const struct mb_sys_cgroup_limits *l)
{
	return l->n_net_priorities != 0;
}

static bool wants_devices(const struct mb_sys_cgroup_limits *l)
{
	return l->n_devices != 0;
}

static int apply_cpuset(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	if (l->cpuset_cpus && *l->cpuset_cpus)
		r = mb_sys_cgroup_put(fd, err, "cpuset.cpus", "%s", l->cpuset_cpus);
	if (r == 0 && l->cpuset_mems && *l->cpuset_mems)
		r = mb_sys_cgroup_put(fd, err, "cpuset.mems", "%s", l->cpuset_mems);
	return r;
}

static int apply_pids(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	if (l->pids_max < 0)
		return mb_sys_cgroup_put(fd, err, "pids.max", "max");
	return mb_sys_cgroup_put(fd, err, "pids.max", "%lld", (long long)l->pids_max);
}

static int apply_devices_v1(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	return mb_sys_device_apply_v1(fd, l->devices, l->n_devices, err);
}

/* Containers in mybox's own parent share a program; a foreign parent is not littered. */
static int devices_apply_v2(struct mb_sys_cgroup *cg, const struct mb_sys_cgroup_limits *l,
                            struct mb_err *err)
{
	MB_AUTO_CLOSE int parent = -1;
	int root, r = mb_sys_cgroup_tree_root(cg->host, cg->host->v2, &root, err);

	if (r < 0)
		return r;
	if (mb_starts_with(cg->path, "/" MB_SYS_CGROUP_PARENT "/"))
		parent = openat(root, MB_SYS_CGROUP_PARENT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return mb_sys_device_apply_v2(cg->fd[cg->host->v2], l->devices, l->n_devices, err);
	return mb_sys_device_apply_v2_kept(parent, cg->fd[cg->host->v2], l->devices, l->n_devices,
	                                   err);
}

/* The order is that of writing.  cpuset comes first: a v1 cpuset takes no process before. */
static const struct limit {
	enum mb_sys_cgroup_ctrl ctrl;
	bool (*wants)(const struct mb_sys_cgroup_limits *l);
	apply_fn *apply_v1, *apply_v2;
} limits_table[] = {
	{CTRL_CPUSET, wants_cpuset, apply_cpuset, apply_cpuset},
	{CTRL_MEMORY, wants_memory, mb_sys_cgroup_v1_memory, mb_sys_cgroup_v2_memory},
	{CTRL_CPU, wants_cpu, mb_sys_cgroup_v1_cpu, mb_sys_cgroup_v2_cpu},
	{CTRL_PIDS, wants_pids, apply_pids, apply_pids},
	{CTRL_IO, wants_io, mb_sys_cgroup_v1_io, mb_sys_cgroup_v2_io},
	{CTRL_HUGETLB, wants_hugetlb, mb_sys_cgroup_v1_hugetlb, mb_sys_cgroup_v2_hugetlb},
	{CTRL_RDMA, wants_rdma, mb_sys_cgroup_rdma, mb_sys_cgroup_rdma},
	{CTRL_NET_CLS, wants_net_cls, mb_sys_cgroup_v1_net_cls, NULL},
	{CTRL_NET_PRIO, wants_net_prio, mb_sys_cgroup_v1_net_prio, NULL},
	{CTRL_DEVICES, wants_devices, apply_devices_v1, NULL /* devices_apply_v2() */},
};

/* --- checks that need no system --- */

static int check_memory(const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	if (l->memory < -1 || l->memory_swap < -1 || l->memory_reservation < -1)
		return mb_fail(err, EINVAL, "a memory limit is negative");
	if (l->kernel_memory < -1 || l->kernel_memory_tcp < -1)
		return mb_fail(err, EINVAL, "a kernel memory limit is negative");
	if (l->memory_swap > 0 && l->memory <= 0)
		return mb_fail(err, EINVAL,
		               "a limit of memory and swap needs a memory limit beside it");
	if (l->memory_swap > 0 && l->memory_swap < l->memory)
		return mb_fail(err, EINVAL,
		               "the limit of memory and swap is below the memory limit");
	if (l->memory > 0 && l->memory_reservation > l->memory)
		return mb_fail(err, EINVAL, "the memory reservation is over the memory limit");
	if (l->has_swappiness && l->swappiness > 100)
		return mb_fail(err, EINVAL, "invalid swappiness %u: wanted 0 to 100",
		               l->swappiness);
	return 0;
}

static int check_cpu(const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	if (l->cpu_period && (l->cpu_period < PERIOD_MIN || l->cpu_period > PERIOD_MAX))
		return mb_fail(err, EINVAL, "invalid cpu period %llu: wanted 1000 to 1000000",
		               (unsigned long long)l->cpu_period);
	if (l->cpu_quota < -1 || (l->cpu_quota > 0 && l->cpu_quota < QUOTA_MIN))
		return mb_fail(err, EINVAL, "invalid cpu quota %lld: wanted 1000 or more",
		               (long long)l->cpu_quota);
	if (l->has_cpu_idle && (l->cpu_idle < 0 || l->cpu_idle > 1))
		return mb_fail(err, EINVAL, "invalid cpu idle %lld: wanted 0 or 1",
		               (long long)l->cpu_idle);
	if (l->cpuset_cpus && *l->cpuset_cpus && mb_parse_cpu_list(l->cpuset_cpus, CPU_MAX))
		return mb_fail(err, EINVAL, "invalid list of cpus '%s'", l->cpuset_cpus);
	if (l->cpuset_mems && *l->cpuset_mems && mb_parse_cpu_list(l->cpuset_mems, CPU_MAX))
		return mb_fail(err, EINVAL, "invalid list of memory nodes '%s'", l->cpuset_mems);
	return 0;
}

static int check_weight(unsigned weight, struct mb_err *err)
{
	if (!weight || (weight >= 10 && weight <= 1000))
		return 0;
	return mb_fail(err, EINVAL, "invalid blkio weight %u: wanted 10 to 1000", weight);
}

static int check_io(const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r;

	if (l->pids_max < -1)
		return mb_fail(err, EINVAL, "invalid pids limit %lld", (long long)l->pids_max);
	r = check_weight(l->blkio_weight, err);
	r = r < 0 ? r : check_weight(l->blkio_leaf_weight, err);
	for (size_t i = 0; i < l->n_throttles && r == 0; i++) {
		r = check_weight(l->throttles[i].weight, err);
		r = r < 0 ? r : check_weight(l->throttles[i].leaf_weight, err);
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < l->n_hugepages; i++)
		if (!*l->hugepages[i].size ||
		    strspn(l->hugepages[i].size, "0123456789KMGB") != strlen(l->hugepages[i].size))
			return mb_fail(err, EINVAL, "invalid huge page size '%s'",
			               l->hugepages[i].size);
	return 0;
}

/* Names of files only: "memory.high", never "../x", nor the files that manage the tree. */
static int check_unified(const struct mb_sys_cgroup_host *host,
                         const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	if (!l->unified || !l->unified->n)
		return 0;
	if (host->v2 < 0)
		return mb_fail(err, EOPNOTSUPP,
		               "version 1 cgroups have no settings of version 2 such as '%s'",
		               l->unified->v[0].key);
	MB_KV_FOREACH (pair, l->unified) {
		size_t n = strspn(pair->key, "abcdefghijklmnopqrstuvwxyz0123456789_.MKGB");

		if (!n || pair->key[n] || !strchr(pair->key, '.') || pair->key[0] == '.' ||
		    strstr(pair->key, "..") || mb_starts_with(pair->key, "cgroup."))
			return mb_fail(err, EINVAL, "invalid cgroup setting '%s'", pair->key);
	}
	return 0;
}

/* What only version 1 could do, each by the name it was asked by. */
static int check_memory_v2(const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	if (l->oom_kill_disable)
		return mb_fail(err, EOPNOTSUPP,
		               "version 2 cgroups cannot disable the OOM killer "
		               "(--oom-kill-disable)");
	if (l->has_swappiness)
		return mb_fail(err, EOPNOTSUPP,
		               "version 2 cgroups have no swappiness (--memory-swappiness)");
	if (l->kernel_memory > 0)
		return mb_fail(err, EOPNOTSUPP,
		               "version 2 cgroups do not limit kernel memory (--kernel-memory)");
	if (l->kernel_memory_tcp > 0)
		return mb_fail(err, EOPNOTSUPP,
		               "version 2 cgroups do not limit the memory of TCP (kernelTCP)");
	return 0;
}

static int check_version(const struct mb_sys_cgroup_host *host,
                         const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	bool has_leaf = l->blkio_leaf_weight != 0;

	for (size_t i = 0; i < l->n_throttles; i++)
		has_leaf |= l->throttles[i].leaf_weight != 0;
	if (has_leaf && mb_sys_cgroup_ctrl_is_v2(host, CTRL_IO))
		return mb_fail(err, EOPNOTSUPP, "version 2 cgroups have no leaf weight");
	if (mb_sys_cgroup_ctrl_is_v2(host, CTRL_CPU) && (l->cpu_rt_runtime || l->cpu_rt_period))
		return mb_fail(err, EOPNOTSUPP,
		               "version 2 cgroups have no real-time budget (--cpu-rt-runtime)");
	if (mb_sys_cgroup_host_version(host) == MB_SYS_CGROUP_V2 &&
	    (l->has_net_class || l->n_net_priorities))
		return mb_fail(err, EOPNOTSUPP,
		               "version 2 cgroups have no network class and no network priorities");
	return mb_sys_cgroup_ctrl_is_v2(host, CTRL_MEMORY) ? check_memory_v2(l, err) : 0;
}

static unsigned unified_bits(const struct mb_sys_cgroup_limits *l)
{
	unsigned bits = 0;

	if (!l->unified)
		return 0;
	MB_KV_FOREACH (pair, l->unified)
		for (unsigned c = 0; c < CTRL_N_; c++) {
			const char *name = mb_sys_cgroup_ctrl_name(c, true);
			const char *rest = mb_skip_prefix(pair->key, name);

			if (rest && *rest == '.')
				bits |= CTRL_BIT(c);
		}
	return bits;
}

int mb_sys_cgroup_limits_need(const struct mb_sys_cgroup_host *host,
                              const struct mb_sys_cgroup_limits *limits, unsigned *ret_ctrls,
                              struct mb_err *err)
{
	unsigned bits = 0;
	int r = check_memory(limits, err);

	r = r < 0 ? r : check_cpu(limits, err);
	r = r < 0 ? r : check_io(limits, err);
	r = r < 0 ? r : check_unified(host, limits, err);
	r = r < 0 ? r : check_version(host, limits, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < MB_N(limits_table); i++) {
		const struct limit *row = &limits_table[i];

		if (!row->wants(limits))
			continue;
		if (host->by_ctrl[row->ctrl] < 0)
			return mb_fail(err, EOPNOTSUPP, "this host has no cgroup controller '%s'",
			               mb_sys_cgroup_ctrl_name(row->ctrl, host->v2 >= 0));
		bits |= CTRL_BIT(row->ctrl);
	}
	*ret_ctrls = bits | unified_bits(limits);
	return 0;
}

static int unified_apply(struct mb_sys_cgroup *cg, const struct mb_kv *unified, struct mb_err *err)
{
	if (!unified)
		return 0;
	MB_KV_FOREACH (pair, unified) {
		MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;

		/* The kernel takes one device of io.max in each write. */
		mb_strv_split(&lines, pair->value, '\n');
		MB_STRV_FOREACH (line, &lines) {
			int r = *line ? mb_sys_cgroup_put(cg->fd[cg->host->v2], err, pair->key,
			                                  "%s", line)
			              : 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Version 1 denies everything before it allows anything again: nobody may be inside meanwhile. */
static bool is_applied_first(const struct mb_sys_cgroup *cg, enum mb_sys_cgroup_ctrl ctrl)
{
	return ctrl == CTRL_DEVICES && !mb_sys_cgroup_ctrl_is_v2(cg->host, ctrl);
}

int mb_sys_cgroup_limits_apply_first(struct mb_sys_cgroup *cg,
                                     const struct mb_sys_cgroup_limits *limits, struct mb_err *err)
{
	if (!wants_devices(limits) || !is_applied_first(cg, CTRL_DEVICES))
		return 0;
	return apply_devices_v1(mb_sys_cgroup_ctrl_fd(cg, CTRL_DEVICES), limits, err);
}

int mb_sys_cgroup_limits_apply(struct mb_sys_cgroup *cg, const struct mb_sys_cgroup_limits *limits,
                               struct mb_err *err)
{
	for (size_t i = 0; i < MB_N(limits_table); i++) {
		const struct limit *row = &limits_table[i];
		apply_fn *apply = mb_sys_cgroup_ctrl_is_v2(cg->host, row->ctrl) ? row->apply_v2
		                                                                : row->apply_v1;
		int r;

		if (!row->wants(limits) || is_applied_first(cg, row->ctrl))
			continue;
		r = apply ? apply(mb_sys_cgroup_ctrl_fd(cg, row->ctrl), limits, err)
		          : devices_apply_v2(cg, limits, err);
		if (r < 0)
			return r;
	}
	return unified_apply(cg, limits->unified, err);
}
