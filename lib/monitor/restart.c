/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/restart.h"

bool mb_monitor_restart_is_due(const struct mb_monitor_policy *policy, int exit_code,
                               uint32_t restarts)
{
	if (policy->restart == MB_MONITOR_RESTART_ALWAYS)
		return true;
	if ((policy->restart != MB_MONITOR_RESTART_ON_FAILURE &&
	     policy->restart != MB_MONITOR_RESTART_ON_UNHEALTHY) ||
	    exit_code == 0)
		return false;
	return policy->max == 0 || restarts < policy->max;
}

bool mb_monitor_restart_is_cure(const struct mb_monitor_policy *policy, uint32_t restarts)
{
	return policy->restart == MB_MONITOR_RESTART_ON_UNHEALTHY &&
	       (policy->max == 0 || restarts < policy->max);
}

uint32_t mb_monitor_backoff_next(uint32_t before_ms, int64_t up_ms)
{
	if (up_ms >= MB_MONITOR_BACKOFF_RESET_MS || before_ms < MB_MONITOR_BACKOFF_FIRST_MS)
		return MB_MONITOR_BACKOFF_FIRST_MS;
	if (before_ms >= MB_MONITOR_BACKOFF_LAST_MS / 2)
		return MB_MONITOR_BACKOFF_LAST_MS;
	return before_ms * 2;
}
