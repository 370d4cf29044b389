/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/oom.h — how often the kernel has killed for want of memory. */
#ifndef MB_MONITOR_OOM_H
#define MB_MONITOR_OOM_H

#include <stdint.h>

/* The number in the line "oom_kill N" of memory.events (v2) or memory.oom_control (v1); 0 where
 * there is none. */
uint64_t mb_monitor_oom_count(int fd);

#endif
