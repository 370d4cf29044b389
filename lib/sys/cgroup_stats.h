/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/cgroup_stats.h — the figures of a control group. */
#ifndef MB_SYS_CGROUP_STATS_H
#define MB_SYS_CGROUP_STATS_H

#include <stdint.h>

enum {
	MB_SYS_CGROUP_HAS_CPU = 1,
	MB_SYS_CGROUP_HAS_MEMORY = 2,
	MB_SYS_CGROUP_HAS_PIDS = 4,
	MB_SYS_CGROUP_HAS_IO = 8
};

struct mb_sys_cgroup_stats {
	unsigned has; /* MB_SYS_CGROUP_HAS_*: which of these mean anything */
	uint64_t cpu_usec, cpu_user_usec, cpu_system_usec;
	uint64_t cpu_periods, cpu_throttled_periods, cpu_throttled_usec;
	uint64_t memory;       /* bytes in use, page cache included */
	uint64_t memory_cache; /* of these reclaimable (inactive file pages): docker subtracts it */
	uint64_t memory_peak;
	uint64_t memory_limit; /* UINT64_MAX: none */
	uint64_t swap;
	uint64_t pids, pids_limit; /* UINT64_MAX: none */
	uint64_t io_read_bytes, io_write_bytes, io_reads, io_writes;
	uint64_t oom_kills;
};

#endif
