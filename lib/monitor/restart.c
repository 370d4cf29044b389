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

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

uint32_t mb_monitor_backoff_next(const struct mb_monitor_backoff *how, uint32_t before_ms,
                                 int64_t up_ms)
{
	const uint32_t min = or_default(how->min_ms, MB_MONITOR_BACKOFF_MIN_MS);
	const uint32_t max = or_default(how->max_ms, MB_MONITOR_BACKOFF_MAX_MS);
	const uint64_t next =
		(uint64_t)before_ms * or_default(how->factor, MB_MONITOR_BACKOFF_FACTOR) / 100;

	if (up_ms >= or_default(how->reset_ms, MB_MONITOR_BACKOFF_RESET_MS) || next < min)
		return min < max ? min : max;
	return next < max ? (uint32_t)next : max;
}
