/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/cgroup_pressure.h — how long the processes of a control group waited for what they lack.
 */
#ifndef MB_SYS_CGROUP_PRESSURE_H
#define MB_SYS_CGROUP_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

struct mb_sys_cgroup;

enum mb_sys_cgroup_resource {
	MB_SYS_CGROUP_CPU,
	MB_SYS_CGROUP_MEMORY,
	MB_SYS_CGROUP_IO,
	MB_SYS_CGROUP_RESOURCES_N_
};
/* "cpu", "memory", "io". */
const char *mb_sys_cgroup_resource_name(enum mb_sys_cgroup_resource resource);

struct mb_sys_cgroup_pressure {
	bool is_known;
	uint64_t some_usec; /* time in which at least one process waited, since it was made */
	uint64_t full_usec; /* time in which all did */
};

/* The text of a file *.pressure.  Return: whether it is one. */
bool mb_sys_cgroup_pressure_parse(const char *text, struct mb_sys_cgroup_pressure *ret);
/* Whatever the kernel keeps, of the cgroup2 tree that holds the processes; the rest is not known
 * (version 1 alone, psi=0). */
void mb_sys_cgroup_pressure_read(struct mb_sys_cgroup *cg,
                                 struct mb_sys_cgroup_pressure ret[MB_SYS_CGROUP_RESOURCES_N_]);

#endif
