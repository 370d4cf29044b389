/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "container/bundle.h"
#include "container/record.h"
#include "core/err.h"

enum { CFS_PERIOD_USEC = 100000 };

static const char *text(const char *s)
{
	return s && *s ? s : NULL;
}

static struct mb_sys_cgroup_throttle *find(struct mb_sys_cgroup_throttle *v, size_t *n,
                                           unsigned major_, unsigned minor_)
{
	for (size_t i = 0; i < *n; i++)
		if (v[i].major == major_ && v[i].minor == minor_)
			return &v[i];
	if (*n == MB_CONTAINER_MAX_THROTTLES)
		return NULL;
	v[*n] = (struct mb_sys_cgroup_throttle){.major = major_, .minor = minor_};
	return &v[(*n)++];
}

static int fill_throttles(const struct mb_container_host_config *h,
                          struct mb_sys_cgroup_throttle *v, size_t *ret_n, struct mb_err *err)
{
	const struct {
		const struct mb_container_throttle *v;
		size_t n, offset;
	} lists[] = {
		{h->read_bps, h->n_read_bps, offsetof(struct mb_sys_cgroup_throttle, read_bps)},
		{h->write_bps, h->n_write_bps, offsetof(struct mb_sys_cgroup_throttle, write_bps)},
		{h->read_iops, h->n_read_iops, offsetof(struct mb_sys_cgroup_throttle, read_iops)},
		{h->write_iops, h->n_write_iops,
	         offsetof(struct mb_sys_cgroup_throttle, write_iops)},
	};
	size_t n = 0;

	for (size_t k = 0; k < MB_N(lists); k++)
		for (size_t i = 0; i < lists[k].n; i++) {
			struct mb_sys_cgroup_throttle *t;
			struct stat st;

			if (stat(lists[k].v[i].path, &st) < 0 || !S_ISBLK(st.st_mode))
				return mb_fail(err, EINVAL, "'%s' is not a block device",
				               lists[k].v[i].path);
			t = find(v, &n, major(st.st_rdev), minor(st.st_rdev));
			if (!t)
				return mb_fail(err, E2BIG, "more than %d throttled devices",
				               MB_CONTAINER_MAX_THROTTLES);
			*(uint64_t *)(void *)((char *)t + lists[k].offset) = lists[k].v[i].rate;
		}
	*ret_n = n;
	return 0;
}

/* docker: memory alone means as much swap again. */
int64_t mb_container_swap(const struct mb_container_host_config *h)
{
	if (h->memory_swap)
		return h->memory_swap;
	return h->memory > INT64_MAX / 2 ? INT64_MAX : 2 * h->memory;
}

int mb_container_limits_fill(const struct mb_container_record *record,
                             const struct mb_container_bundle *bundle,
                             struct mb_sys_cgroup_throttle *throttles,
                             struct mb_sys_cgroup_limits *ret, struct mb_err *err)
{
	const struct mb_container_host_config *h = &record->host;
	struct mb_sys_cgroup_limits limits = {
		.memory = h->memory,
		.memory_swap = h->memory_swap,
		.memory_reservation = h->memory_reservation,
		.has_swappiness = h->has_memory_swappiness,
		.swappiness = (uint32_t)h->memory_swappiness,
		.oom_kill_disable = h->oom_kill_disable,
		.cpu_shares = (uint64_t)h->cpu_shares,
		.cpu_quota = h->cpu_quota,
		.cpu_period = (uint64_t)h->cpu_period,
		.cpuset_cpus = text(h->cpuset_cpus),
		.cpuset_mems = text(h->cpuset_mems),
		.pids_max = h->pids_limit,
		.blkio_weight = (uint16_t)h->blkio_weight,
		.devices = bundle ? bundle->devices : NULL,
		.n_devices = bundle ? bundle->n_devices : 0,
	};
	int r;

	if (h->memory > 0 && h->memory_swap == 0) {
		limits.memory_swap = mb_container_swap(h);
		limits.memory_swap_optional = true;
	}
	if (h->nano_cpus) {
		limits.cpu_period = CFS_PERIOD_USEC;
		limits.cpu_quota = h->nano_cpus * CFS_PERIOD_USEC / 1000000000;
	}
	r = fill_throttles(h, throttles, &limits.n_throttles, err);
	if (r < 0)
		return r;
	limits.throttles = throttles;
	*ret = limits;
	return 0;
}

void mb_container_resources_fill(const struct mb_container_record *record, struct mb_oci_spec *spec)
{
	const struct mb_container_host_config *h = &record->host;
	struct mb_oci_resources *res = &spec->linux.resources;

	res->memory.limit = h->memory;
	res->memory.has_limit = h->memory != 0;
	res->memory.swap = mb_container_swap(h);
	res->memory.has_swap = res->memory.swap != 0;
	res->memory.reservation = h->memory_reservation;
	res->memory.has_reservation = h->memory_reservation != 0;
	res->cpu.shares = (uint64_t)h->cpu_shares;
	res->cpu.has_shares = h->cpu_shares != 0;
	res->cpu.quota = h->nano_cpus ? h->nano_cpus * CFS_PERIOD_USEC / 1000000000 : h->cpu_quota;
	res->cpu.has_quota = res->cpu.quota != 0;
	res->cpu.period = h->nano_cpus ? CFS_PERIOD_USEC : (uint64_t)h->cpu_period;
	res->cpu.has_period = res->cpu.period != 0;
	res->cpu.cpus = mb_strdup_or_null(text(h->cpuset_cpus));
	res->cpu.mems = mb_strdup_or_null(text(h->cpuset_mems));
	res->pids.limit = h->pids_limit;
	res->pids.has_limit = h->pids_limit != 0;
	res->block_io.weight = (uint16_t)h->blkio_weight;
	res->block_io.has_weight = h->blkio_weight != 0;
}
