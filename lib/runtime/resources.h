/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/resources.h — linux.resources of a spec in the words of control groups.
 *
 * What the specification leaves to "not there" is a zero in it, so a zero is "not asked for" here
 * too: a limit of 0 limits nothing, -1 takes a limit away.  What this host's cgroups cannot do is
 * refused later, by its name, when the limits are applied (sys/cgroup.h).
 */
#ifndef MB_RUNTIME_RESOURCES_H
#define MB_RUNTIME_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/own.h"
#include "sys/cgroup.h"
#include "sys/device.h"

struct mb_err;
struct mb_oci_resources;

/* Borrows strings and `unified` from the spec's resources. */
struct mb_runtime_resources {
	struct mb_sys_cgroup_limits limits;
	/* what it points to; owned */
	struct mb_sys_cgroup_throttle *throttles;
	struct mb_sys_cgroup_hugepage *hugepages;
	struct mb_sys_cgroup_rdma *rdma;
	struct mb_sys_cgroup_priority *priorities;
	struct mb_sys_device_rule *devices;
};

enum {
	/* Of a new container: with the device rules, and after them what every container may
	 * have.  Without it, of one that runs: devices stay as they are. */
	MB_RUNTIME_RESOURCES_NEW = 1,
};

/* @res in the words of limits.  Return: 0; -EINVAL, -ERANGE, -EOPNOTSUPP, told with the member's
 * path. */
int mb_runtime_resources_make(const struct mb_oci_resources *res, unsigned flags,
                              struct mb_runtime_resources *ret, struct mb_err *err);
void mb_runtime_resources_done(struct mb_runtime_resources *r);
#define MB_AUTO_RUNTIME_RESOURCES __attribute__((cleanup(mb_runtime_resources_done)))

#endif
