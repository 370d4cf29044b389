/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/stats.h — the figures of a control group as engines read them.
 *
 * The members are those that `events --stats` of OCI runtimes has: version 1's names and units,
 * whichever version the host has.  Figures that a kernel does not keep are left out, where a
 * reader may expect their object it is there and empty.
 */
#ifndef MB_RUNTIME_STATS_H
#define MB_RUNTIME_STATS_H

struct json_object;
struct mb_err;
struct mb_sys_cgroup;

/* The value of "data".  The caller frees *@ret.  Return: 0 or -errno, told. */
int mb_runtime_stats_make(struct mb_sys_cgroup *cg, struct json_object **ret, struct mb_err *err);

#endif
