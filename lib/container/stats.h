/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/stats.h — what a container uses, at one moment. */
#ifndef MB_CONTAINER_STATS_H
#define MB_CONTAINER_STATS_H

#include <stdint.h>

#include "sys/cgroup.h"
#include "sys/cgroup_pressure.h"

struct mb_container;
struct mb_err;

/* What went through one interface, as /proc/PID/net/dev has it. */
struct mb_container_interface {
	char name[16]; /* "eth0"; never lo */
	uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
	uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};
enum { MB_CONTAINER_INTERFACES_MAX = 16 };

struct mb_container_sample {
	int64_t taken_nsec; /* CLOCK_MONOTONIC */
	struct mb_sys_cgroup_stats cgroup;
	uint64_t rx_bytes, tx_bytes; /* all interfaces but lo */
	bool has_network;
	struct mb_container_interface interfaces[MB_CONTAINER_INTERFACES_MAX]; /* the first ones */
	size_t n_interfaces;
};

/* An open place to sample from again and again. */
struct mb_container_meter;
/* @host has to outlive it; NULL does not open.
 * Return: 0; MB_SYS_CGROUP_ABSENT: it does not run; or -errno. */
int mb_container_meter_open(struct mb_container *c, struct mb_sys_cgroup_host *host,
                            struct mb_container_meter **ret, struct mb_err *err);
int mb_container_meter_read(struct mb_container_meter *meter, struct mb_container_sample *ret,
                            struct mb_err *err);
/* Apart, since it is three files more for each container. */
void mb_container_meter_pressure(struct mb_container_meter *meter,
                                 struct mb_sys_cgroup_pressure ret[MB_SYS_CGROUP_RESOURCES_N_]);
void mb_container_meter_free(struct mb_container_meter *meter);
MB_AUTO_DEFINE(struct mb_container_meter, mb_container_meter_free)

#endif
