/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/stats_prometheus.h — figures of containers in Prometheus' text exposition format 0.0.4. */
#ifndef MB_CMD_STATS_PROMETHEUS_H
#define MB_CMD_STATS_PROMETHEUS_H

#include "cmd/usages.h"

struct mb_str;

/* Append what a look at each of @u has found: counters and gauges in base units, each family under
 * its HELP and TYPE; a family of which nothing is known is left out. */
void mb_cmd_stats_prometheus(const struct mb_cmd_usages *u, struct mb_str *out);

#endif
