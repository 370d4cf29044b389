/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/restart.h — whether and when an ended container is started again. */
#ifndef MB_MONITOR_RESTART_H
#define MB_MONITOR_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/protocol.h"

enum {
	MB_MONITOR_BACKOFF_MIN_MS = 100,
	MB_MONITOR_BACKOFF_MAX_MS = 60000,
	MB_MONITOR_BACKOFF_FACTOR = 200,
	MB_MONITOR_BACKOFF_RESET_MS = 10000,
};

/* @restarts: how many there were already. */
bool mb_monitor_restart_is_due(const struct mb_monitor_policy *policy, int exit_code,
                               uint32_t restarts);
/* Is one that is unhealthy to be started again? */
bool mb_monitor_restart_is_cure(const struct mb_monitor_policy *policy, uint32_t restarts);
/* The wait before the next start, from the wait before this one and how long this one was up. */
uint32_t mb_monitor_backoff_next(const struct mb_monitor_backoff *how, uint32_t before_ms,
                                 int64_t up_ms);

#endif
