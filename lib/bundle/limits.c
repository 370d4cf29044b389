/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux.resources of a bundle, in the words of control groups. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/err.h"
#include "core/str.h"
#include "sys/path.h"

static int find_throttle(struct mb_bundle_limits *l, int64_t major, int64_t minor,
                         struct mb_sys_cgroup_throttle **ret, struct mb_err *err)
{
	size_t i = 0;

	for (; i < l->limits.n_throttles; i++)
		if (l->throttles[i].major == major && l->throttles[i].minor == minor)
			break;
	if (i == MB_BUNDLE_MAX_THROTTLES)
		return mb_fail(err, E2BIG, "more than %d throttled devices",
		               MB_BUNDLE_MAX_THROTTLES);
	if (i == l->limits.n_throttles) {
		l->throttles[i] = (struct mb_sys_cgroup_throttle){.major = (uint32_t)major,
		                                                  .minor = (uint32_t)minor};
		l->limits.n_throttles++;
	}
	*ret = &l->throttles[i];
	return 0;
}

static int fill_throttles(const struct mb_oci_block_io *io, struct mb_bundle_limits *l,
                          struct mb_err *err)
{
	const struct {
		const struct mb_oci_throttle_device *v;
		size_t n, offset;
	} lists[] = {
		{io->read_bps, io->n_read_bps, offsetof(struct mb_sys_cgroup_throttle, read_bps)},
		{io->write_bps, io->n_write_bps, offsetof(struct mb_sys_cgroup_throttle, write_bps)},
		{io->read_iops, io->n_read_iops, offsetof(struct mb_sys_cgroup_throttle, read_iops)},
		{io->write_iops, io->n_write_iops,
	         offsetof(struct mb_sys_cgroup_throttle, write_iops)},
	};
	struct mb_sys_cgroup_throttle *t = NULL;
	int r = 0;

	for (size_t k = 0; k < MB_N(lists); k++)
		for (size_t i = 0; i < lists[k].n; i++) {
			r = find_throttle(l, lists[k].v[i].major, lists[k].v[i].minor, &t, err);
			if (r < 0)
				return r;
			*(uint64_t *)(void *)((char *)t + lists[k].offset) = lists[k].v[i].rate;
		}
	for (size_t i = 0; i < io->n_weight_devices; i++) {
		const struct mb_oci_weight_device *w = &io->weight_devices[i];

		r = find_throttle(l, w->major, w->minor, &t, err);
		if (r < 0)
			return r;
		t->weight = w->has_weight ? w->weight : 0;
	}
	return 0;
}

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
	if (from->access && from->access[0] &&
	    mb_sys_device_access_parse(from->access, &to->access) < 0)
		return mb_fail(err, EINVAL, "device access '%s' is none", from->access);
	return 0;
}

/* The spec's rules, and after them the nodes that every container has: they are harmless, and
 * nothing runs without them. */
static int fill_devices(const struct mb_oci_resources *res, struct mb_bundle_limits *l,
                        struct mb_err *err)
{
	size_t n_default, n = res->n_devices;
	const struct mb_sys_device_rule *all = mb_sys_device_rules_default(&n_default);
	int r = 0;

	l->devices = mb_calloc(n + n_default, sizeof(*l->devices));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = fill_rule(&res->devices[i], &l->devices[i], err);
	if (r < 0)
		return r;
	/* Only "deny all" before them: what that leaves is the default, word for word. */
	if (n == 1 && !l->devices[0].allow && l->devices[0].type == 'a')
		n = 0;
	for (size_t i = 0; i < n_default; i++)
		if (all[i].allow || n == 0)
			l->devices[n++] = all[i];
	l->limits.devices = l->devices;
	l->limits.n_devices = n;
	return 0;
}

static void fill_hugepages(const struct mb_oci_resources *res, struct mb_bundle_limits *l)
{
	l->hugepages = mb_calloc(res->n_hugepage_limits + 1, sizeof(*l->hugepages));
	for (size_t i = 0; i < res->n_hugepage_limits; i++)
		l->hugepages[i] = (struct mb_sys_cgroup_hugepage){
			.size = res->hugepage_limits[i].page_size,
			.bytes = res->hugepage_limits[i].limit,
		};
	l->limits.hugepages = l->hugepages;
	l->limits.n_hugepages = res->n_hugepage_limits;
}

static const char *text(const char *s)
{
	return s && *s ? s : NULL;
}

int mb_bundle_limits_fill(const struct mb_oci_resources *res, bool with_devices,
                          struct mb_bundle_limits *ret, struct mb_err *err)
{
	const struct mb_oci_memory *m = &res->memory;
	const struct mb_oci_cpu *c = &res->cpu;
	int r;

	*ret = (struct mb_bundle_limits){0};
	ret->limits = (struct mb_sys_cgroup_limits){
		.memory = m->limit,
		.memory_swap = m->swap,
		.memory_reservation = m->reservation,
		.has_swappiness = m->has_swappiness,
		.swappiness = (uint32_t)m->swappiness,
		.oom_kill_disable = m->disable_oom_killer,
		.cpu_shares = c->shares,
		.cpu_quota = c->quota,
		.cpu_period = c->period,
		.cpu_burst = c->burst,
		.has_cpu_idle = c->has_idle,
		.cpu_idle = c->idle,
		.cpu_rt_runtime = c->realtime_runtime,
		.cpu_rt_period = c->realtime_period,
		.cpuset_cpus = text(c->cpus),
		.cpuset_mems = text(c->mems),
		.pids_max = res->pids.limit,
		.blkio_weight = res->block_io.weight,
		.unified = res->unified.n ? &res->unified : NULL,
	};
	ret->limits.throttles = ret->throttles;
	fill_hugepages(res, ret);
	r = fill_throttles(&res->block_io, ret, err);
	if (r == 0 && with_devices)
		r = fill_devices(res, ret, err);
	if (r < 0)
		mb_bundle_limits_done(ret);
	return r;
}

void mb_bundle_limits_done(struct mb_bundle_limits *limits)
{
	free(limits->hugepages);
	free(limits->devices);
	*limits = (struct mb_bundle_limits){0};
}

int mb_bundle_cgroup_path(const char *asked, const char *id, char **ret, struct mb_err *err)
{
	if (!asked || !asked[0])
		return mb_sys_cgroup_path_make(NULL, id, ret, err);
	for (const char *p = asked; (p = strstr(p, "..")); p += 2)
		if ((p == asked || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return mb_fail(err, EINVAL, "'linux.cgroupsPath' must not have '..'");
	*ret = mb_sys_path_clean(asked);
	if (!mb_streq(*ret, "/"))
		return 0;
	free(*ret);
	return mb_fail(err, EINVAL, "'linux.cgroupsPath' cannot be the root");
}
