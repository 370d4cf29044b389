/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/stats_prometheus.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/stats_networks.h"
#include "container/health.h"
#include "container/logging.h"
#include "core/own.h"
#include "core/str.h"
#include "net/net.h"

/* Where a row finds its figure. */
enum source { INFO, RUNNING, HEALTH, STARTED, RESTARTS, CGROUP, INTERFACE, PRESSURE, LOST };
enum unit { ONE, USEC };

struct row {
	const char *name, *type, *help;
	const char *label; /* one that tells it from the family's others, or NULL */
	enum source source;
	enum unit unit;
	unsigned has; /* CGROUP: needs this; HEALTH, PRESSURE: which */
	size_t offset;
};

#define CGROUP_ROW(unit, has, field) \
	CGROUP, unit, MB_SYS_CGROUP_HAS_##has, offsetof(struct mb_sys_cgroup_stats, field)
#define INTERFACE_ROW(field) INTERFACE, ONE, 0, offsetof(struct mb_container_interface, field)
#define PRESSURE_ROW(resource, field) \
	PRESSURE, USEC, MB_SYS_CGROUP_##resource, offsetof(struct mb_sys_cgroup_pressure, field)

// clang-format off
/* Rows of one name stand together. */
static const struct row rows[] = {
	{"info", "gauge", "What a container is; always 1.", NULL, INFO, ONE, 0, 0},
	{"running", "gauge", "Whether it runs (paused counts).", NULL, RUNNING, ONE, 0, 0},
	{"health", "gauge", "Whether its health check says this.", "status=\"starting\"", HEALTH, ONE, MB_HEALTH_STARTING, 0},
	{"health", "gauge", NULL, "status=\"healthy\"", HEALTH, ONE, MB_HEALTH_HEALTHY, 0},
	{"health", "gauge", NULL, "status=\"unhealthy\"", HEALTH, ONE, MB_HEALTH_UNHEALTHY, 0},
	{"start_time_seconds", "gauge", "When it was started, since 1970.", NULL, STARTED, ONE, 0, 0},
	{"restarts_total", "counter", "How often its monitor has started it again.", NULL, RESTARTS, ONE, 0, 0},
	{"log_dropped_bytes_total", "counter", "Output that is not in the log: its disk was full.", NULL, LOST, ONE, 0, offsetof(struct mb_container_lost, dropped)},
	{"log_unsent_bytes_total", "counter", "Output that journald or syslog did not take.", NULL, LOST, ONE, 0, offsetof(struct mb_container_lost, unsent)},
	{"cpu_usage_seconds_total", "counter", "Processor time.", NULL, CGROUP_ROW(USEC, CPU, cpu_usec)},
	{"cpu_mode_seconds_total", "counter", "Processor time by mode.", "mode=\"user\"", CGROUP_ROW(USEC, CPU, cpu_user_usec)},
	{"cpu_mode_seconds_total", "counter", NULL, "mode=\"system\"", CGROUP_ROW(USEC, CPU, cpu_system_usec)},
	{"cpu_periods_total", "counter", "Periods in which its processor quota counted.", NULL, CGROUP_ROW(ONE, CPU, cpu_periods)},
	{"cpu_throttled_periods_total", "counter", "Periods in which the quota was used up.", NULL, CGROUP_ROW(ONE, CPU, cpu_throttled_periods)},
	{"cpu_throttled_seconds_total", "counter", "Time for which the quota held it.", NULL, CGROUP_ROW(USEC, CPU, cpu_throttled_usec)},
	{"memory_usage_bytes", "gauge", "Memory in use, page cache included.", NULL, CGROUP_ROW(ONE, MEMORY, memory)},
	{"memory_inactive_file_bytes", "gauge", "Of it, page cache that can be had back for the asking.", NULL, CGROUP_ROW(ONE, MEMORY, memory_cache)},
	{"memory_peak_bytes", "gauge", "The most that was in use.", NULL, CGROUP_ROW(ONE, MEMORY, memory_peak)},
	{"memory_limit_bytes", "gauge", "Its limit; no line without one.", NULL, CGROUP_ROW(ONE, MEMORY, memory_limit)},
	{"memory_swap_bytes", "gauge", "Swap in use.", NULL, CGROUP_ROW(ONE, MEMORY, swap)},
	{"oom_kills_total", "counter", "Processes that the kernel killed for want of memory.", NULL, CGROUP_ROW(ONE, MEMORY, oom_kills)},
	{"tasks", "gauge", "Threads (processes, without a pids controller).", NULL, CGROUP_ROW(ONE, PIDS, pids)},
	{"tasks_limit", "gauge", "Its limit; no line without one.", NULL, CGROUP_ROW(ONE, PIDS, pids_limit)},
	{"io_read_bytes_total", "counter", "Read from block devices.", NULL, CGROUP_ROW(ONE, IO, io_read_bytes)},
	{"io_written_bytes_total", "counter", "Written to block devices.", NULL, CGROUP_ROW(ONE, IO, io_write_bytes)},
	{"io_reads_total", "counter", "Reads from block devices.", NULL, CGROUP_ROW(ONE, IO, io_reads)},
	{"io_writes_total", "counter", "Writes to block devices.", NULL, CGROUP_ROW(ONE, IO, io_writes)},
	{"network_receive_bytes_total", "counter", "Received through an interface.", NULL, INTERFACE_ROW(rx_bytes)},
	{"network_receive_packets_total", "counter", "Packets received.", NULL, INTERFACE_ROW(rx_packets)},
	{"network_receive_errors_total", "counter", "Packets received in error.", NULL, INTERFACE_ROW(rx_errors)},
	{"network_receive_dropped_total", "counter", "Packets received and dropped.", NULL, INTERFACE_ROW(rx_dropped)},
	{"network_transmit_bytes_total", "counter", "Sent through an interface.", NULL, INTERFACE_ROW(tx_bytes)},
	{"network_transmit_packets_total", "counter", "Packets sent.", NULL, INTERFACE_ROW(tx_packets)},
	{"network_transmit_errors_total", "counter", "Packets not sent for an error.", NULL, INTERFACE_ROW(tx_errors)},
	{"network_transmit_dropped_total", "counter", "Packets dropped instead of sent.", NULL, INTERFACE_ROW(tx_dropped)},
	{"pressure_waiting_seconds_total", "counter", "Time in which some of its processes waited for a resource.", "resource=\"cpu\"", PRESSURE_ROW(CPU, some_usec)},
	{"pressure_waiting_seconds_total", "counter", NULL, "resource=\"memory\"", PRESSURE_ROW(MEMORY, some_usec)},
	{"pressure_waiting_seconds_total", "counter", NULL, "resource=\"io\"", PRESSURE_ROW(IO, some_usec)},
	{"pressure_stalled_seconds_total", "counter", "Time in which all of them did.", "resource=\"cpu\"", PRESSURE_ROW(CPU, full_usec)},
	{"pressure_stalled_seconds_total", "counter", NULL, "resource=\"memory\"", PRESSURE_ROW(MEMORY, full_usec)},
	{"pressure_stalled_seconds_total", "counter", NULL, "resource=\"io\"", PRESSURE_ROW(IO, full_usec)},
};
// clang-format on

struct item {
	const struct mb_container *c;
	const struct mb_container_usage *u;
	char *labels; /* id="...",name="..." */
	struct mb_net_sandbox *sandbox;
	struct mb_container_lost lost;
};

struct writing {
	struct mb_str *out;
	const char *family; /* whose HELP and TYPE stand there already */
	const char *help;   /* of the family that a row continues */
};

/* What is no text, or moves a terminal, stands as \xNN; then the format's own three escapes. */
static void add_label(struct mb_str *out, const char *name, const char *value)
{
	MB_AUTO_FREE char *safe = mb_printable(value);

	mb_str_addf(out, "%s%s=\"", out->len ? "," : "", name);
	for (const char *p = safe; *p; p++) {
		if (*p == '\\' || *p == '"')
			mb_str_addc(out, '\\');
		mb_str_addc(out, *p);
	}
	mb_str_addc(out, '"');
}

static void add_head(struct writing *w, const struct row *row)
{
	if (row->help)
		w->help = row->help;
	if (mb_streq(w->family, row->name))
		return;
	w->family = row->name;
	mb_str_addf(w->out, "# HELP mybox_container_%s %s\n# TYPE mybox_container_%s %s\n",
	            row->name, w->help, row->name, row->type);
}

static void add_value(struct writing *w, const struct row *row, const struct item *i,
                      const char *more, uint64_t value)
{
	unsigned long long n = value, million = 1000000;

	add_head(w, row);
	mb_str_addf(w->out, "mybox_container_%s{%s", row->name, i->labels);
	if (row->label)
		mb_str_addf(w->out, ",%s", row->label);
	if (more)
		mb_str_addf(w->out, ",%s", more);
	if (row->unit == USEC)
		mb_str_addf(w->out, "} %llu.%06llu\n", n / million, n % million);
	else
		mb_str_addf(w->out, "} %llu\n", n);
}

static uint64_t field(const void *base, const struct row *row)
{
	uint64_t value;

	memcpy(&value, (const char *)base + row->offset, sizeof(value));
	return value;
}

static void add_interfaces(struct writing *w, const struct row *row, const struct item *i)
{
	const struct mb_container_sample *s = &i->u->sample;

	for (size_t k = 0; i->u->has_sample && k < s->n_interfaces; k++) {
		MB_AUTO_STR struct mb_str more = MB_STR_INIT;

		add_label(&more, "interface", s->interfaces[k].name);
		add_label(&more, "network",
		          mb_cmd_endpoint_network(i->sandbox, s->interfaces[k].name));
		add_value(w, row, i, mb_str_text(&more), field(&s->interfaces[k], row));
	}
}

static void add_info(struct writing *w, const struct row *row, const struct item *i)
{
	const char *image = i->c->record->config.image;
	MB_AUTO_STR struct mb_str more = MB_STR_INIT;

	add_label(&more, "image", image ? image : "");
	add_value(w, row, i, mb_str_text(&more), 1);
}

static void add_row(struct writing *w, const struct row *row, const struct item *i)
{
	const struct mb_container_state *state = &i->c->state;
	const struct mb_container_usage *u = i->u;
	bool runs = mb_container_is_running(i->c);

	if (row->source == INFO)
		add_info(w, row, i);
	else if (row->source == RUNNING)
		add_value(w, row, i, NULL, runs);
	else if (row->source == HEALTH && mb_container_health_status(i->c) != MB_HEALTH_NONE)
		add_value(w, row, i, NULL, runs && mb_container_health_status(i->c) == row->has);
	else if (row->source == STARTED && runs && state->has_run)
		add_value(w, row, i, NULL, (uint64_t)(state->run.started / 1000000000));
	else if (row->source == RESTARTS)
		add_value(w, row, i, NULL,
		          (uint64_t)(state->has_run ? state->run.restart_count
		                                    : state->exit.restarts));
	else if (row->source == CGROUP && u->has_sample && (u->sample.cgroup.has & row->has) &&
	         field(&u->sample.cgroup, row) != UINT64_MAX)
		add_value(w, row, i, NULL, field(&u->sample.cgroup, row));
	else if (row->source == LOST)
		add_value(w, row, i, NULL, field(&i->lost, row));
	else if (row->source == INTERFACE)
		add_interfaces(w, row, i);
	else if (row->source == PRESSURE && u->has_sample && u->pressure[row->has].is_known)
		add_value(w, row, i, NULL, field(&u->pressure[row->has], row));
}

static void describe(struct item *i, const struct mb_container *c,
                     const struct mb_container_usage *u, struct mb_net *net)
{
	MB_AUTO_STR struct mb_str labels = MB_STR_INIT;

	add_label(&labels, "id", c->id);
	add_label(&labels, "name", mb_container_name(c));
	*i = (struct item){.c = c,
	                   .u = u,
	                   .labels = mb_str_take(&labels),
	                   .lost = mb_container_logging_lost(c)};
	if (u->has_sample && u->sample.n_interfaces)
		(void)mb_net_sandbox_load(net, c->id, &i->sandbox, NULL);
}

void mb_cmd_stats_prometheus(const struct mb_cmd_usages *u, struct mb_str *out)
{
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	MB_AUTO_FREE struct item *items = mb_calloc(u->list.n + 1, sizeof(*items));
	struct writing w = {.out = out};

	if (u->list.n)
		mb_net_new(u->list.v[0]->store, &net);
	for (size_t i = 0; i < u->list.n; i++)
		describe(&items[i], u->list.v[i], u->usages[i], net);
	for (size_t r = 0; r < MB_N(rows); r++)
		for (size_t i = 0; i < u->list.n; i++)
			add_row(&w, &rows[r], &items[i]);
	for (size_t i = 0; i < u->list.n; i++) {
		free(items[i].labels);
		mb_net_sandbox_free(items[i].sandbox);
	}
}
