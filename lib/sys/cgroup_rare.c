/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits that few ask for: RDMA in both versions, the network's in version 1. */
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

static void count_add(struct mb_str *line, const char *key, bool has, uint32_t count)
{
	if (has && count == UINT32_MAX)
		mb_str_addf(line, " %s=max", key);
	else if (has)
		mb_str_addf(line, " %s=%u", key, count);
}

int mb_sys_cgroup_rdma(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < l->n_rdma && r == 0; i++) {
		const struct mb_sys_cgroup_rdma *d = &l->rdma[i];
		MB_AUTO_STR struct mb_str line = MB_STR_INIT;

		if (!*d->device || strpbrk(d->device, " \n"))
			return mb_fail(err, EINVAL, "invalid RDMA device '%s'", d->device);
		if (!d->has_handles && !d->has_objects)
			return mb_fail(err, EINVAL, "no limit for RDMA device '%s'", d->device);
		mb_str_add(&line, d->device);
		count_add(&line, "hca_handle", d->has_handles, d->handles);
		count_add(&line, "hca_object", d->has_objects, d->objects);
		r = mb_sys_cgroup_put(fd, err, "rdma.max", "%s", mb_str_text(&line));
	}
	return r;
}

int mb_sys_cgroup_v1_net_cls(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	return mb_sys_cgroup_put(fd, err, "net_cls.classid", "%u", l->net_class);
}

int mb_sys_cgroup_v1_net_prio(int fd, const struct mb_sys_cgroup_limits *l, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < l->n_net_priorities && r == 0; i++) {
		const struct mb_sys_cgroup_priority *p = &l->net_priorities[i];

		if (!*p->interface || strpbrk(p->interface, " \n"))
			return mb_fail(err, EINVAL, "invalid interface '%s'", p->interface);
		r = mb_sys_cgroup_put(fd, err, "net_prio.ifpriomap", "%s %u", p->interface,
		                      p->priority);
	}
	return r;
}
