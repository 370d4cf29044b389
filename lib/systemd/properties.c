/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits in systemd's words.  The group's files are written by us, all of them and exactly; but
 * systemd writes what it knows again whenever it likes, so it has to know the same. */
#include <stdlib.h>
#include <string.h>

#include "core/own.h"
#include "core/parse.h"
#include "core/strv.h"
#include "sys/cgroup.h"
#include "systemd/scope.h"

enum { USEC_PER_SEC = 1000000, QUOTA_STEP = 10000, DEFAULT_PERIOD = 100000, BITS = 8192 };

void mb_systemd_property_begin(struct mb_str *s, const char *name, const char *type)
{
	mb_systemd_put_align(s, 8);
	mb_systemd_put_string(s, name);
	mb_systemd_put_signature(s, type);
}

void mb_systemd_property_u64(struct mb_str *s, const char *name, uint64_t value)
{
	mb_systemd_property_begin(s, name, "t");
	mb_systemd_put_u64(s, value);
}

/* -1 is no limit in both tongues; 0 is not asked for. */
static void put_limit(struct mb_str *s, const char *name, int64_t value)
{
	if (value)
		mb_systemd_property_u64(s, name, value < 0 ? UINT64_MAX : (uint64_t)value);
}

static void put_memory(struct mb_str *s, const struct mb_sys_cgroup_limits *l, bool is_v2)
{
	int64_t swap = l->memory_swap;

	if (!is_v2) {
		put_limit(s, "MemoryLimit", l->memory);
		return;
	}
	put_limit(s, "MemoryMax", l->memory);
	if (l->memory_reservation)
		mb_systemd_property_u64(
			s, "MemoryLow",
			l->memory_reservation < 0 ? 0 : (uint64_t)l->memory_reservation);
	if (!swap && l->memory < 0)
		swap = -1;
	if (swap)
		mb_systemd_property_u64(s, "MemorySwapMax",
		                        swap < 0 ? UINT64_MAX : (uint64_t)(swap - l->memory));
}

/* systemd counts in steps of a hundredth of a processor, upwards so as not to starve anybody. */
static uint64_t quota_of(const struct mb_sys_cgroup_limits *l)
{
	uint64_t period = l->cpu_period ? l->cpu_period : DEFAULT_PERIOD;
	uint64_t quota = (uint64_t)l->cpu_quota * USEC_PER_SEC / period;

	return (quota + QUOTA_STEP - 1) / QUOTA_STEP * QUOTA_STEP;
}

static void put_cpu(struct mb_str *s, const struct mb_sys_cgroup_limits *l, bool is_v2)
{
	if (l->cpu_shares && is_v2)
		mb_systemd_property_u64(s, "CPUWeight",
		                        mb_sys_cgroup_weight_of_shares(l->cpu_shares));
	else if (l->cpu_shares)
		mb_systemd_property_u64(s, "CPUShares", l->cpu_shares);
	if (l->cpu_period && is_v2)
		mb_systemd_property_u64(s, "CPUQuotaPeriodUSec", l->cpu_period);
	if (l->cpu_quota)
		mb_systemd_property_u64(s, "CPUQuotaPerSecUSec",
		                        l->cpu_quota < 0 ? UINT64_MAX : quota_of(l));
}

/* "0-3,7" as a bitmap of bytes. */
static void put_set(struct mb_str *s, const char *name, const char *list)
{
	uint8_t bits[BITS / 8] = {0};
	struct mb_systemd_array a;
	size_t n = 0;
	const char *p = list;

	if (!list || mb_parse_cpu_list(list, BITS - 1) != 0)
		return;
	while (*p) {
		char *end;
		unsigned long from = strtoul(p, &end, 10);
		unsigned long to = *end == '-' ? strtoul(end + 1, &end, 10) : from;

		for (unsigned long i = from; i <= to && i < BITS; i++) {
			bits[i / 8] |= (uint8_t)(1u << i % 8);
			n = i / 8 + 1 > n ? i / 8 + 1 : n;
		}
		if (end == p)
			break;
		p = *end == ',' ? end + 1 : end;
	}
	mb_systemd_property_begin(s, name, "ay");
	a = mb_systemd_array_begin(s, 1);
	mb_str_addn(s, bits, n);
	mb_systemd_array_end(s, a);
}

/* Keys of `unified` that systemd has a number for. */
static void put_unified(struct mb_str *s, const struct mb_kv *unified)
{
	static const struct {
		const char *key, *property;
	} rows[] = {
		{"memory.min", "MemoryMin"},          {"memory.low", "MemoryLow"},
		{"memory.high", "MemoryHigh"},        {"memory.max", "MemoryMax"},
		{"memory.swap.max", "MemorySwapMax"}, {"pids.max", "TasksMax"},
		{"cpu.weight", "CPUWeight"},          {"io.weight", "IOWeight"},
	};

	for (size_t i = 0; i < MB_N(rows); i++) {
		const char *text = mb_kv_find(unified, rows[i].key);
		uint64_t value = UINT64_MAX;

		if (text && (mb_streq(text, "max") || mb_parse_u64(text, &value) == 0))
			mb_systemd_property_u64(s, rows[i].property, value);
	}
	put_set(s, "AllowedCPUs", mb_kv_find(unified, "cpuset.cpus"));
	put_set(s, "AllowedMemoryNodes", mb_kv_find(unified, "cpuset.mems"));
}

void mb_systemd_limits_put(struct mb_str *s, const struct mb_sys_cgroup_limits *limits, bool is_v2)
{
	put_memory(s, limits, is_v2);
	put_cpu(s, limits, is_v2);
	put_limit(s, "TasksMax", limits->pids_max);
	if (!is_v2)
		return;
	if (limits->blkio_weight)
		mb_systemd_property_u64(s, "IOWeight",
		                        mb_sys_cgroup_weight_of_blkio(limits->blkio_weight));
	put_set(s, "AllowedCPUs", limits->cpuset_cpus);
	put_set(s, "AllowedMemoryNodes", limits->cpuset_mems);
	if (limits->unified)
		put_unified(s, limits->unified);
}
