/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits that both versions take in the same way from files of other names. */
#include <errno.h>

#include "core/err.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

int mb_sys_cgroup_memory_check(int fd, const char *usage_file, const struct mb_sys_cgroup_limits *l,
                               struct mb_err *err)
{
	uint64_t used;

	if (!l->memory_checked || l->memory <= 0 || mb_sys_cgroup_get(fd, usage_file, &used) < 0 ||
	    used <= (uint64_t)l->memory)
		return 0;
	return mb_fail(err, EBUSY, "cannot limit memory to %lld bytes: %llu are in use",
	               (long long)l->memory, (unsigned long long)used);
}

int mb_sys_cgroup_idle_off(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	if (!l->has_cpu_idle || l->cpu_idle)
		return 0;
	/* What a kernel does not know is off. */
	if (!mb_sys_cgroup_has_file(fd, "cpu.idle"))
		return 0;
	return mb_sys_cgroup_put(fd, err, "cpu.idle", "0");
}

int mb_sys_cgroup_put_weight(int fd, const char *file, uint64_t weight,
                             const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = mb_sys_cgroup_put(fd, err, file, "%llu", (unsigned long long)weight);

	return r == -EINVAL && l->has_cpu_idle && l->cpu_idle ? 0 : r;
}

int mb_sys_cgroup_put_burst(int fd, const char *file, const struct mb_sys_cgroup_limits *l,
                            bool *ret_late, struct mb_err *err)
{
	int r;

	if (!l->cpu_burst && !l->has_cpu_burst)
		return 0;
	if (!l->cpu_burst && !mb_sys_cgroup_has_file(fd, file))
		return 0;
	r = mb_sys_cgroup_put(fd, err, file, "%llu", (unsigned long long)l->cpu_burst);
	if (r != -EINVAL || !ret_late)
		return r;
	*ret_late = true;
	return 0;
}

/* What may be reserved and what may be in use; the second alone where a kernel knows no more. */
static int put_hugepage(int fd, const struct mb_sys_cgroup_hugepage *h, const char *end,
                        struct mb_err *err)
{
	MB_AUTO_FREE char *usage = mb_asprintf("hugetlb.%s.%s", h->size, end);
	MB_AUTO_FREE char *reserved = mb_asprintf("hugetlb.%s.rsvd.%s", h->size, end);
	unsigned long long bytes = h->bytes;
	int r = mb_sys_cgroup_put(fd, err, usage, "%llu", bytes);

	if (r == 0 && mb_sys_cgroup_has_file(fd, reserved))
		r = mb_sys_cgroup_put(fd, err, reserved, "%llu", bytes);
	return r;
}

int mb_sys_cgroup_v1_hugetlb(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < l->n_hugepages && r == 0; i++)
		r = put_hugepage(fd, &l->hugepages[i], "limit_in_bytes", err);
	return r;
}

int mb_sys_cgroup_v2_hugetlb(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < l->n_hugepages && r == 0; i++)
		r = put_hugepage(fd, &l->hugepages[i], "max", err);
	return r;
}

void mb_sys_cgroup_limits_complete(const struct mb_sys_cgroup *cg, struct mb_sys_cgroup_limits *l)
{
	int fd = mb_sys_cgroup_ctrl_fd(cg, CTRL_MEMORY);
	bool v2 = mb_sys_cgroup_ctrl_is_v2(cg->host, CTRL_MEMORY);
	uint64_t now;

	/* The sum of memory and swap means nothing without the first. */
	if (l->memory_swap <= 0 || l->memory || fd < 0 ||
	    mb_sys_cgroup_get(fd, v2 ? "memory.max" : "memory.limit_in_bytes", &now) < 0)
		return;
	l->memory = now >> 62 ? -1 : (int64_t)now;
}
