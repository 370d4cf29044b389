/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/cgroup_limits.h — what a control group may be told to hold its processes to. */
#ifndef MB_SYS_CGROUP_LIMITS_H
#define MB_SYS_CGROUP_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_kv;
struct mb_sys_device_rule;

/* Rates in bytes or operations each second.  0: not asked for; UINT64_MAX: no limit (any more). */
struct mb_sys_cgroup_throttle {
	uint32_t major, minor;
	uint64_t read_bps, write_bps, read_iops, write_iops;
	uint16_t weight, leaf_weight; /* 10..1000; 0: not asked for; leaf_weight: v1 only */
};

struct mb_sys_cgroup_hugepage {
	const char *size; /* "2MB" */
	uint64_t bytes;
};

/* UINT32_MAX: unlimited. */
struct mb_sys_cgroup_rdma {
	const char *device; /* "mlx5_1" */
	bool has_handles, has_objects;
	uint32_t handles, objects;
};

struct mb_sys_cgroup_priority {
	const char *interface;
	uint32_t priority;
};

/* Zero or NULL means "not asked for" everywhere (in an update: leave as it is); -1 in a signed
 * number means unlimited.  Everything is borrowed. */
struct mb_sys_cgroup_limits {
	bool everywhere;            /* make it in every controller, not only where there is need */
	int64_t memory;             /* bytes */
	int64_t memory_swap;        /* memory and swap together, as docker; == memory: no swap */
	bool memory_swap_optional;  /* a mere default: no failure where swap is not accounted */
	bool memory_checked;        /* refuse a limit below what is in use */
	int64_t memory_reservation; /* soft limit */
	bool has_swappiness;
	uint32_t swappiness;       /* 0..100; v1 only */
	bool oom_kill_disable;     /* v1 only */
	bool oom_kill_enable;      /* take that back */
	int64_t kernel_memory;     /* v1 before Linux 5.16 only; -1 is what all have */
	int64_t kernel_memory_tcp; /* v1 only */
	uint64_t cpu_shares;       /* 2..262144 */
	int64_t cpu_quota;         /* usec in each period */
	uint64_t cpu_period;       /* usec */
	bool has_cpu_burst;        /* a burst of 0 is one */
	uint64_t cpu_burst;        /* usec */
	bool has_cpu_idle;
	int64_t cpu_idle;                      /* 0 or 1 */
	int64_t cpu_rt_runtime;                /* v1 only */
	uint64_t cpu_rt_period;                /* v1 only */
	const char *cpuset_cpus, *cpuset_mems; /* "0-3,7" */
	int64_t pids_max;
	uint16_t blkio_weight;      /* 10..1000 */
	uint16_t blkio_leaf_weight; /* v1 only, and no kernel since 5.0 has it */
	const struct mb_sys_cgroup_throttle *throttles;
	size_t n_throttles;
	const struct mb_sys_cgroup_hugepage *hugepages;
	size_t n_hugepages;
	const struct mb_sys_cgroup_rdma *rdma;
	size_t n_rdma;
	bool has_net_class;
	uint32_t net_class;                                  /* v1 only */
	const struct mb_sys_cgroup_priority *net_priorities; /* v1 only */
	size_t n_net_priorities;
	const struct mb_sys_device_rule *devices; /* sys/device.h; n_devices 0: not touched */
	size_t n_devices;
	const struct mb_kv *unified; /* cgroup2 files by name; refused on pure v1 */
};

/* Version 1's scales in version 2's. */
uint64_t mb_sys_cgroup_weight_of_shares(uint64_t shares); /* 2..262144 to 1..10000 */
uint64_t mb_sys_cgroup_weight_of_blkio(uint16_t weight);  /* 10..1000 to 1..10000 */

#endif
