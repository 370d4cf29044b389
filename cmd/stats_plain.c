/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/stats_plain.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/output.h"
#include "cmd/stats_networks.h"
#include "container/container.h"
#include "container/life.h"
#include "container/stats.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "format/table.h"
#include "json/json.h"

/* Far enough apart for a meaning, near enough not to be noticed. */
enum { FIRST_GAP_USEC = 8000, SECOND_USEC = 1000000 };

static const struct mb_format_column columns[] = {
	{"ID", "CONTAINER ID", false},    {"Name", "NAME", false},
	{"CPUPerc", "CPU %", false},      {"MemUsage", "MEM USAGE / LIMIT", false},
	{"MemPerc", "MEM %", false},      {"NetIO", "NET I/O", false},
	{"BlockIO", "BLOCK I/O", false},  {"PIDs", "PIDS", false},
	{"Container", "CONTAINER", true}, {NULL, NULL, false},
};

struct watched {
	struct mb_container *c; /* borrowed */
	const char *asked;      /* how the user named it */
	struct mb_container_meter *meter;
	struct mb_container_sample before, now;
	bool has_before, has_now;
};

struct watching {
	struct mb_container_list list;
	struct watched *v;
	size_t n;
	struct mb_sys_cgroup_host *host; /* NULL until something runs */
	int64_t began;                   /* the first samples, by the monotonic clock */
};

static void watching_done(struct watching *w)
{
	for (size_t i = 0; i < w->n; i++)
		mb_container_meter_free(w->v[i].meter);
	free(w->v);
	mb_container_list_done(&w->list);
	mb_sys_cgroup_host_free(w->host);
}

static void sample(struct watched *x)
{
	x->before = x->now;
	x->has_before = x->has_now;
	x->has_now = x->meter && mb_container_meter_read(x->meter, &x->now, NULL) == 0;
}

static void watch(struct watching *w, struct mb_container *c, const char *asked)
{
	struct watched *x = mb_container_append(&w->v, &w->n, sizeof(*x));

	x->c = c;
	x->asked = asked ? asked : c->id;
	if (mb_container_is_running(c)) {
		if (!w->host)
			(void)mb_sys_cgroup_host_open(&w->host, NULL);
		mb_container_meter_open(c, w->host, &x->meter, NULL);
	}
	if (w->n == 1)
		w->began = mb_monotonic_nsec();
	sample(x);
}

static int choose(struct mb_store *store, const struct mb_cli_input *in, struct watching *w,
                  struct mb_err *err)
{
	const struct mb_cmd_stats *args = in->args;
	int r = 0;

	w->began = mb_monotonic_nsec();
	if (in->n_operands == 0) {
		r = mb_container_list_load(store, false, &w->list, err);
		for (size_t i = 0; r == 0 && i < w->list.n; i++)
			if (args->all || mb_container_is_running(w->list.v[i]))
				watch(w, w->list.v[i], NULL);
		return r;
	}
	for (size_t i = 0; i < in->n_operands; i++) {
		struct mb_container *c = NULL, **slot;

		r = mb_container_find(store, in->operands[i], &c, err);
		if (r != 0)
			return r < 0 ? r : -ENOENT;
		slot = mb_container_append(&w->list.v, &w->list.n, sizeof(*slot));
		*slot = c;
		watch(w, c, in->operands[i]);
	}
	return 0;
}

/* The second sample, @gap after the first ones began: opening the others is part of it. */
static void sample_again(struct watching *w, useconds_t gap)
{
	int64_t spent = (mb_monotonic_nsec() - w->began) / 1000;

	if (spent < gap)
		usleep(gap - (useconds_t)spent);
	for (size_t i = 0; i < w->n; i++)
		sample(&w->v[i]);
}

/* --- cells ------------------------------------------------------------------------------------ */

static void set_pair(struct json_object *row, const char *key, bool known, const char *a,
                     const char *b)
{
	MB_AUTO_FREE char *text = known ? mb_asprintf("%s / %s", a, b) : mb_strdup("-- / --");

	mb_json_set_str(row, key, text);
}

static void set_percent(struct json_object *row, const char *key, bool known, double percent)
{
	MB_AUTO_FREE char *text = known ? mb_asprintf("%.2f%%", percent) : mb_strdup("--");

	mb_json_set_str(row, key, text);
}

static double cpu_percent(const struct watched *x)
{
	double usec = (double)(x->now.taken_nsec - x->before.taken_nsec) / 1000;

	return usec > 0 ? 100 * (double)(x->now.cgroup.cpu_usec - x->before.cgroup.cpu_usec) / usec
	                : 0;
}

static uint64_t memory_of_host(void)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;
}

static void set_memory(struct json_object *row, const struct watched *x)
{
	const struct mb_sys_cgroup_stats *s = &x->now.cgroup;
	bool known = x->has_now && (s->has & MB_SYS_CGROUP_HAS_MEMORY);
	uint64_t host = memory_of_host();
	uint64_t limit = s->memory_limit < host ? s->memory_limit : host;
	uint64_t used = s->memory > s->memory_cache ? s->memory - s->memory_cache : 0;
	char a[MB_FORMAT_HUMAN_TEXT], b[MB_FORMAT_HUMAN_TEXT];

	set_pair(row, "MemUsage", known, mb_format_bytes((double)used, a),
	         mb_format_bytes((double)limit, b));
	set_percent(row, "MemPerc", known && limit,
	            100 * (double)used / (double)(limit ? limit : 1));
}

static struct json_object *make_row(const struct watched *x, bool whole)
{
	const struct mb_sys_cgroup_stats *s = &x->now.cgroup;
	struct json_object *row = mb_json_new_object();
	MB_AUTO_FREE char *id = whole ? mb_strdup(x->c->id) : mb_format_short_id(x->c->id);
	MB_AUTO_FREE char *pids = mb_asprintf("%llu", (unsigned long long)s->pids);
	char a[MB_FORMAT_HUMAN_TEXT], b[MB_FORMAT_HUMAN_TEXT];
	bool has_pids = x->has_now && (s->has & MB_SYS_CGROUP_HAS_PIDS);

	mb_json_set_str(row, "ID", id);
	mb_json_set_str(row, "Name", mb_container_name(x->c));
	mb_json_set_str(row, "Container", x->asked);
	set_percent(row, "CPUPerc", x->has_now && x->has_before && (s->has & MB_SYS_CGROUP_HAS_CPU),
	            cpu_percent(x));
	set_memory(row, x);
	set_pair(row, "NetIO", x->has_now && x->now.has_network,
	         mb_format_size_short((double)x->now.rx_bytes, a),
	         mb_format_size_short((double)x->now.tx_bytes, b));
	set_pair(row, "BlockIO", x->has_now && (s->has & MB_SYS_CGROUP_HAS_IO),
	         mb_format_size_short((double)s->io_read_bytes, a),
	         mb_format_size_short((double)s->io_write_bytes, b));
	mb_json_set_str(row, "PIDs", has_pids ? pids : "--");
	return row;
}

static int print(const struct watching *w, const struct mb_cmd_stats *args, struct mb_err *err)
{
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	int r = mb_format_list_new(args->format, args->networks ? mb_cmd_endpoint_columns : columns,
	                           mb_cmd_list_host(), &list, err);

	for (size_t i = 0; r == 0 && args->networks && i < w->n; i++)
		if (w->v[i].has_now)
			r = mb_cmd_endpoint_rows(list, w->v[i].c, &w->v[i].now, args->no_trunc,
			                         err);
	for (size_t i = 0; r == 0 && !args->networks && i < w->n; i++) {
		MB_AUTO(mb_json_free) struct json_object *row = make_row(&w->v[i], args->no_trunc);

		r = mb_format_list_add(list, row, err);
	}
	if (r == 0)
		r = mb_cmd_list_put(list, err);
	for (size_t i = 0; i < w->n; i++)
		mb_container_adopt_seen(w->v[i].c);
	return r;
}

/* One round of a stream: what runs now is chosen anew, so that starts and ends show. */
static int stream(struct mb_store *store, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mb_cmd_stats *args = in->args;
	bool resets = !args->no_reset && mb_cmd_is_tty(STDOUT_FILENO);
	useconds_t gap = FIRST_GAP_USEC;
	int r;

	for (;;) {
		__attribute__((cleanup(watching_done))) struct watching w = {0};

		r = choose(store, in, &w, err);
		if (r < 0)
			return r;
		sample_again(&w, gap);
		gap = (useconds_t)args->interval * SECOND_USEC;
		if (resets && write(STDOUT_FILENO, "\033[2J\033[H", 7) < 0)
			return 0;
		r = print(&w, args, err);
		if (r != 0)
			return r;
	}
}

int mb_cmd_stats_plain(struct mb_store *store, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mb_cmd_stats *args = in->args;
	__attribute__((cleanup(watching_done))) struct watching w = {0};
	int r;

	if (!args->no_stream)
		return stream(store, in, err);
	r = choose(store, in, &w, err);
	if (r < 0)
		return r;
	sample_again(&w, FIRST_GAP_USEC);
	return print(&w, args, err);
}
