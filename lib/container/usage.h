/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/usage.h — what a container uses, looked at again and again: rates, and their past.
 */
#ifndef MB_CONTAINER_USAGE_H
#define MB_CONTAINER_USAGE_H

#include "container/stats.h"

/* What is drawn over time; all per second but the memory and the tasks. */
enum mb_container_figure {
	MB_FIGURE_CPU,    /* processors: 1.5 are one and a half */
	MB_FIGURE_MEMORY, /* bytes without what is given back for the asking, as docker counts */
	MB_FIGURE_RX,     /* bytes of its networks */
	MB_FIGURE_TX,
	MB_FIGURE_READ, /* bytes of its disks */
	MB_FIGURE_WRITE,
	MB_FIGURE_TASKS,
	MB_FIGURE_CPU_PRESSURE, /* share of the time in which something waited for a processor; */
	MB_FIGURE_MEMORY_PRESSURE, /* these three in the order of enum mb_sys_cgroup_resource */
	MB_FIGURE_IO_PRESSURE,
	MB_FIGURES_N_
};
enum { MB_CONTAINER_PAST = 120 };

struct mb_container_usage {
	struct mb_container_meter *meter; /* NULL: it does not run */
	int pid;                          /* of the run that the meter is of */
	uint64_t pid_start;
	bool has_sample;
	struct mb_container_sample sample; /* the last one */
	struct mb_sys_cgroup_pressure pressure[MB_SYS_CGROUP_RESOURCES_N_];
	uint64_t memory_limit;     /* bytes; the host's memory where none is set */
	double now[MB_FIGURES_N_]; /* negative: not known */
	double past[MB_FIGURES_N_][MB_CONTAINER_PAST]; /* oldest first */
	size_t n_past;
};
struct mb_container_usage *mb_container_usage_new(void);
void mb_container_usage_free(struct mb_container_usage *usage);
MB_AUTO_DEFINE(struct mb_container_usage, mb_container_usage_free)

/* Look at @c, whose state has been read just now.  A run's first look knows no rates.  @host is the
 * same each time and outlives @usage. */
void mb_container_usage_look(struct mb_container_usage *usage, struct mb_container *c,
                             struct mb_sys_cgroup_host *host);
/* The same with what was seen (pure): rates since the last one, which may have been another run's
 * if figures went back. */
void mb_container_usage_take(struct mb_container_usage *usage,
                             const struct mb_container_sample *sample,
                             const struct mb_sys_cgroup_pressure *pressure);

#endif
