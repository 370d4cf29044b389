/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/cgroup_of.h — the control group of a container. */
#ifndef MB_CONTAINER_CGROUP_OF_H
#define MB_CONTAINER_CGROUP_OF_H

#include "sys/cgroup.h"

struct mb_container;
struct mb_err;

/* Return: 0 and both, owned by the caller (free the group before its host);
 * MB_SYS_CGROUP_ABSENT; or -errno. */
int mb_container_cgroup_open(struct mb_container *c, struct mb_sys_cgroup_host **ret_host,
                             struct mb_sys_cgroup **ret, struct mb_err *err);
/* The same of a host that is known already, and has to outlive the group. */
int mb_container_cgroup_find(struct mb_container *c, struct mb_sys_cgroup_host *host,
                             struct mb_sys_cgroup **ret, struct mb_err *err);
/* Let go of what a start left in @c's hands. */
void mb_container_cgroup_forget(struct mb_container *c);

#endif
