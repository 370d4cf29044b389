/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/resources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/str.h"
#include "oci/spec.h"

static const char *text(const char *s)
{
	return s && *s ? s : NULL;
}

/* --- memory and processor --- */

static int fill_memory(const struct mb_oci_memory *m, bool is_new, struct mb_sys_cgroup_limits *l,
                       struct mb_err *err)
{
	/* Every kernel that mybox runs on accounts for children in their parents. */
	if (m->has_use_hierarchy && !m->use_hierarchy)
		return mb_fail(err, EOPNOTSUPP,
		               "'linux.resources.memory.useHierarchy' cannot be false: the kernel "
		               "has no other way");
	l->memory = m->limit;
	l->memory_swap = m->swap;
	l->memory_reservation = m->reservation;
	l->memory_checked = m->check_before_update;
	l->kernel_memory = m->kernel;
	l->kernel_memory_tcp = m->kernel_tcp;
	l->has_swappiness = m->has_swappiness;
	l->swappiness = (uint32_t)m->swappiness;
	l->oom_kill_disable = m->disable_oom_killer;
	l->oom_kill_enable = !is_new && m->has_disable_oom_killer && !m->disable_oom_killer;
	return 0;
}

static void fill_cpu(const struct mb_oci_cpu *c, struct mb_sys_cgroup_limits *l)
{
	l->cpu_shares = c->shares;
	l->cpu_quota = c->quota;
	l->cpu_period = c->period;
	l->has_cpu_burst = c->has_burst;
	l->cpu_burst = c->burst;
	l->has_cpu_idle = c->has_idle;
	l->cpu_idle = c->idle;
	l->cpu_rt_runtime = c->realtime_runtime;
	l->cpu_rt_period = c->realtime_period;
	l->cpuset_cpus = text(c->cpus);
	l->cpuset_mems = text(c->mems);
}

/* --- block devices --- */

static int find_throttle(struct mb_runtime_resources *r, int64_t major, int64_t minor,
                         struct mb_sys_cgroup_throttle **ret, struct mb_err *err)
{
	size_t i = 0;

	if (major < 0 || major > UINT32_MAX || minor < 0 || minor > UINT32_MAX)
		return mb_fail(err, EINVAL,
		               "'linux.resources.blockIO' names no device by %lld:%lld",
		               (long long)major, (long long)minor);
	while (i < r->limits.n_throttles && (r->throttles[i].major != (uint32_t)major ||
	                                     r->throttles[i].minor != (uint32_t)minor))
		i++;
	if (i == r->limits.n_throttles) {
		r->throttles[i].major = (uint32_t)major;
		r->throttles[i].minor = (uint32_t)minor;
		r->limits.n_throttles++;
	}
	*ret = &r->throttles[i];
	return 0;
}

static int fill_rates(const struct mb_oci_block_io *io, struct mb_runtime_resources *r,
                      struct mb_err *err)
{
	const struct {
		const struct mb_oci_throttle_device *v;
		size_t n, offset;
	} lists[] = {
		{io->read_bps, io->n_read_bps, offsetof(struct mb_sys_cgroup_throttle, read_bps)},
		{io->write_bps, io->n_write_bps,
	         offsetof(struct mb_sys_cgroup_throttle, write_bps)},
		{io->read_iops, io->n_read_iops,
	         offsetof(struct mb_sys_cgroup_throttle, read_iops)},
		{io->write_iops, io->n_write_iops,
	         offsetof(struct mb_sys_cgroup_throttle, write_iops)},
	};

	for (size_t k = 0; k < MB_N(lists); k++)
		for (size_t i = 0; i < lists[k].n; i++) {
			const struct mb_oci_throttle_device *d = &lists[k].v[i];
			uint64_t rate = d->rate ? d->rate : UINT64_MAX;
			struct mb_sys_cgroup_throttle *t;
			int e = find_throttle(r, d->major, d->minor, &t, err);

			if (e < 0)
				return e;
			memcpy((char *)t + lists[k].offset, &rate, sizeof(rate));
		}
	return 0;
}

static int fill_block_io(const struct mb_oci_block_io *io, struct mb_runtime_resources *r,
                         struct mb_err *err)
{
	size_t n = io->n_weight_devices + io->n_read_bps + io->n_write_bps + io->n_read_iops +
	           io->n_write_iops;
	int e;

	r->limits.blkio_weight = io->weight;
	r->limits.blkio_leaf_weight = io->leaf_weight;
	r->throttles = n ? mb_calloc(n, sizeof(*r->throttles)) : NULL;
	r->limits.throttles = r->throttles;
	e = fill_rates(io, r, err);
	for (size_t i = 0; i < io->n_weight_devices && e == 0; i++) {
		const struct mb_oci_weight_device *w = &io->weight_devices[i];
		struct mb_sys_cgroup_throttle *t;

		e = find_throttle(r, w->major, w->minor, &t, err);
		if (e < 0)
			break;
		t->weight = w->weight;
		t->leaf_weight = w->leaf_weight;
	}
	return e;
}

/* --- what few ask for --- */

static void fill_hugepages(const struct mb_oci_resources *res, struct mb_runtime_resources *r)
{
	size_t n = res->n_hugepage_limits;

	r->hugepages = n ? mb_calloc(n, sizeof(*r->hugepages)) : NULL;
	for (size_t i = 0; i < n; i++) {
		const char *size = res->hugepage_limits[i].page_size;

		r->hugepages[i].size = size ? size : "";
		r->hugepages[i].bytes = res->hugepage_limits[i].limit;
	}
	r->limits.hugepages = r->hugepages;
	r->limits.n_hugepages = n;
}

static void fill_rdma(const struct mb_oci_resources *res, struct mb_runtime_resources *r)
{
	r->rdma = res->n_rdma ? mb_calloc(res->n_rdma, sizeof(*r->rdma)) : NULL;
	for (size_t i = 0; i < res->n_rdma; i++)
		r->rdma[i] = (struct mb_sys_cgroup_rdma){
			.device = res->rdma[i].name ? res->rdma[i].name : "",
			.has_handles = res->rdma[i].has_hca_handles,
			.handles = res->rdma[i].hca_handles,
			.has_objects = res->rdma[i].has_hca_objects,
			.objects = res->rdma[i].hca_objects,
		};
	r->limits.rdma = r->rdma;
	r->limits.n_rdma = res->n_rdma;
}

static void fill_network(const struct mb_oci_network *net, struct mb_runtime_resources *r)
{
	size_t n = net->n_priorities;

	r->limits.has_net_class = net->has_class_id;
	r->limits.net_class = net->class_id;
	r->priorities = n ? mb_calloc(n, sizeof(*r->priorities)) : NULL;
	for (size_t i = 0; i < n; i++) {
		const char *name = net->priorities[i].name;

		r->priorities[i].interface = name ? name : "";
		r->priorities[i].priority = net->priorities[i].priority;
	}
	r->limits.net_priorities = r->priorities;
	r->limits.n_net_priorities = n;
}

/* --- devices --- */

static int fill_rule(const struct mb_oci_device_rule *from, struct mb_sys_device_rule *to,
                     struct mb_err *err)
{
	*to = (struct mb_sys_device_rule){
		.allow = from->allow,
		.type = from->type && from->type[0] ? from->type[0] : 'a',
		.major = from->has_major ? from->major : -1,
		.minor = from->has_minor ? from->minor : -1,
		.access = MB_SYS_DEVICE_RWM,
	};
	if (text(from->access) && mb_sys_device_access_parse(from->access, &to->access) < 0)
		return mb_fail(
			err, EINVAL,
			"'linux.resources.devices' has the access '%s': wanted some of 'rwm'",
			from->access);
	return 0;
}

/* The spec's rules, and after them the nodes that every container has: they are harmless, and
 * nothing runs without them. */
static int fill_devices(const struct mb_oci_resources *res, struct mb_runtime_resources *r,
                        struct mb_err *err)
{
	size_t n_default, n = res->n_devices;
	const struct mb_sys_device_rule *all = mb_sys_device_rules_default(&n_default);
	int e = 0;

	r->devices = mb_calloc(n + n_default, sizeof(*r->devices));
	for (size_t i = 0; e == 0 && i < n; i++)
		e = fill_rule(&res->devices[i], &r->devices[i], err);
	if (e < 0)
		return e;
	/* Only "deny all" before them: what that leaves is the default, word for word, whose
	 * program is loaded already. */
	if (n == 1 && !r->devices[0].allow && r->devices[0].type == 'a' &&
	    r->devices[0].access == MB_SYS_DEVICE_RWM)
		n = 0;
	for (size_t i = 0, keep = n; i < n_default; i++)
		if (all[i].allow || !keep)
			r->devices[n++] = all[i];
	r->limits.devices = r->devices;
	r->limits.n_devices = n;
	return 0;
}

/* --- all of it --- */

int mb_runtime_resources_make(const struct mb_oci_resources *res, unsigned flags,
                              struct mb_runtime_resources *ret, struct mb_err *err)
{
	MB_AUTO_RUNTIME_RESOURCES struct mb_runtime_resources r = {0};
	bool is_new = flags & MB_RUNTIME_RESOURCES_NEW;
	int e = fill_memory(&res->memory, is_new, &r.limits, err);

	if (e == 0)
		e = fill_block_io(&res->block_io, &r, err);
	if (e == 0 && is_new)
		e = fill_devices(res, &r, err);
	if (e < 0)
		return e;
	fill_cpu(&res->cpu, &r.limits);
	r.limits.pids_max = res->pids.limit;
	fill_hugepages(res, &r);
	fill_rdma(res, &r);
	fill_network(&res->network, &r);
	r.limits.unified = res->unified.n ? &res->unified : NULL;
	*ret = r;
	r = (struct mb_runtime_resources){0};
	return 0;
}

void mb_runtime_resources_done(struct mb_runtime_resources *r)
{
	free(r->throttles);
	free(r->hugepages);
	free(r->rdma);
	free(r->priorities);
	free(r->devices);
	*r = (struct mb_runtime_resources){0};
}
