/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/usage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "container/container.h"

static void forget(struct mb_container_usage *u)
{
	mb_container_meter_free(u->meter);
	u->meter = NULL;
	u->has_sample = false;
	for (size_t i = 0; i < MB_FIGURES_N_; i++)
		u->now[i] = -1;
}

struct mb_container_usage *mb_container_usage_new(void)
{
	struct mb_container_usage *u = mb_calloc(1, sizeof(*u));

	forget(u);
	return u;
}

void mb_container_usage_free(struct mb_container_usage *usage)
{
	if (!usage)
		return;
	mb_container_meter_free(usage->meter);
	free(usage);
}

/* --- figures ---------------------------------------------------------------------------------- */

static double rate(bool known, uint64_t before, uint64_t now, double seconds)
{
	return known && now >= before && seconds > 0 ? (double)(now - before) / seconds : -1;
}

static void set_rates(struct mb_container_usage *u, const struct mb_container_sample *s,
                      const struct mb_sys_cgroup_pressure *pressure)
{
	const struct mb_container_sample *b = &u->sample;
	const struct mb_sys_cgroup_stats *c = &s->cgroup;
	double seconds = (double)(s->taken_nsec - b->taken_nsec) / 1e9;
	bool net = s->has_network, io = c->has & MB_SYS_CGROUP_HAS_IO;
	double cpu = rate(c->has & MB_SYS_CGROUP_HAS_CPU, b->cgroup.cpu_usec, c->cpu_usec, seconds);

	u->now[MB_FIGURE_CPU] = cpu < 0 ? -1 : cpu / 1e6;
	u->now[MB_FIGURE_RX] = rate(net, b->rx_bytes, s->rx_bytes, seconds);
	u->now[MB_FIGURE_TX] = rate(net, b->tx_bytes, s->tx_bytes, seconds);
	u->now[MB_FIGURE_READ] = rate(io, b->cgroup.io_read_bytes, c->io_read_bytes, seconds);
	u->now[MB_FIGURE_WRITE] = rate(io, b->cgroup.io_write_bytes, c->io_write_bytes, seconds);
	for (size_t i = 0; i < MB_SYS_CGROUP_RESOURCES_N_; i++) {
		double part = rate(pressure[i].is_known && u->pressure[i].is_known,
		                   u->pressure[i].some_usec, pressure[i].some_usec, seconds) /
		              1e6;

		/* The kernel's clock and ours are read one after the other. */
		u->now[MB_FIGURE_CPU_PRESSURE + i] = part < 0 ? -1 : part > 1 ? 1 : part;
	}
}

static uint64_t memory_of_host(void)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : UINT64_MAX;
}

static void remember(struct mb_container_usage *u)
{
	if (u->n_past == MB_CONTAINER_PAST) {
		for (size_t i = 0; i < MB_FIGURES_N_; i++)
			memmove(u->past[i], u->past[i] + 1,
			        (MB_CONTAINER_PAST - 1) * sizeof(u->past[i][0]));
		u->n_past--;
	}
	for (size_t i = 0; i < MB_FIGURES_N_; i++)
		u->past[i][u->n_past] = u->now[i];
	u->n_past++;
}

void mb_container_usage_take(struct mb_container_usage *u, const struct mb_container_sample *s,
                             const struct mb_sys_cgroup_pressure *pressure)
{
	const struct mb_sys_cgroup_stats *c = &s->cgroup;
	uint64_t host = memory_of_host();

	for (size_t i = 0; i < MB_FIGURES_N_; i++)
		u->now[i] = -1;
	if (u->has_sample)
		set_rates(u, s, pressure);
	if (c->has & MB_SYS_CGROUP_HAS_MEMORY)
		u->now[MB_FIGURE_MEMORY] =
			c->memory > c->memory_cache ? (double)(c->memory - c->memory_cache) : 0;
	if (c->has & MB_SYS_CGROUP_HAS_PIDS)
		u->now[MB_FIGURE_TASKS] = (double)c->pids;
	u->memory_limit = c->memory_limit < host ? c->memory_limit : host;
	remember(u);
	u->sample = *s;
	memcpy(u->pressure, pressure, sizeof(u->pressure));
	u->has_sample = true;
}

void mb_container_usage_look(struct mb_container_usage *u, struct mb_container *c,
                             struct mb_sys_cgroup_host *host)
{
	struct mb_sys_cgroup_pressure pressure[MB_SYS_CGROUP_RESOURCES_N_];
	const struct mb_container_run *run = &c->state.run;
	bool runs = mb_container_is_running(c) && c->state.has_run && run->pid > 0;
	struct mb_container_sample sample;

	if (u->meter && (!runs || run->pid != u->pid || run->pid_start != u->pid_start))
		forget(u);
	if (runs && !u->meter) {
		u->pid = run->pid;
		u->pid_start = run->pid_start;
		(void)mb_container_meter_open(c, host, &u->meter, NULL);
	}
	if (!u->meter || mb_container_meter_read(u->meter, &sample, NULL) < 0) {
		forget(u);
		remember(u);
		return;
	}
	mb_container_meter_pressure(u->meter, pressure);
	mb_container_usage_take(u, &sample, pressure);
}
