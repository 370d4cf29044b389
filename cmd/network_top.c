/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network_watch.h"
#include "cmd/output.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "format/table.h"
#include "net/edges.h"
#include "json/json.h"

enum { PERIOD_USEC = 1000000 };

struct top_args {
	const char *network, *format;
	bool count, no_stream;
};

static const struct mb_format_column columns[] = {
	{"From", "FROM"},
	{"To", "TO"},
	{"Proto", "PROTO"},
	{"Port", "PORT"},
	{"Network", "NETWORK"},
	{"Connections", "CONNS"},
	{"RateOut", "OUT/S"},
	{"RateIn", "IN/S"},
	{"BytesOut", "OUT"},
	{"BytesIn", "IN"},
	{NULL},
};

static void set_size(struct json_object *row, const char *key, bool known, uint64_t n)
{
	char buf[MB_FORMAT_HUMAN_TEXT];

	mb_json_set_str(row, key, known ? mb_format_size_short((double)n, buf) : "--");
}

static struct json_object *new_row(const struct mb_net_edge *e)
{
	struct json_object *row = mb_json_new_object();
	MB_AUTO_FREE char *port = e->port ? mb_asprintf("%u", e->port) : mb_strdup("");
	MB_AUTO_FREE char *n = mb_asprintf("%zu", e->n);
	char buf[8];

	mb_json_set_str(row, "From", e->from);
	mb_json_set_str(row, "To", e->to);
	mb_json_set_str(row, "Proto", mb_net_flow_proto(e->proto, buf));
	mb_json_set_str(row, "Port", port);
	mb_json_set_str(row, "Network", e->network ? e->network : "");
	mb_json_set_str(row, "Connections", n);
	set_size(row, "RateOut", e->has_bytes, e->out_rate);
	set_size(row, "RateIn", e->has_bytes, e->in_rate);
	set_size(row, "BytesOut", e->has_bytes, e->out_bytes);
	set_size(row, "BytesIn", e->has_bytes, e->in_bytes);
	return row;
}

static int print(const struct mb_net_edges *edges, const char *format, struct mb_err *err)
{
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	int r = mb_format_list_new(format, columns, mb_cmd_list_host(), &list, err);

	for (size_t i = 0; r == 0 && i < edges->n; i++) {
		MB_AUTO(mb_json_free) struct json_object *row = new_row(&edges->v[i]);

		r = mb_format_list_add(list, row, err);
	}
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

/* What is there now, beside what was there before; @before becomes now. */
static int sample(struct mb_cmd_watch *watch, struct mb_net_flows *before, int64_t *began,
                  const struct top_args *args, struct mb_err *err)
{
	MB_AUTO_NET_EDGES struct mb_net_edges edges = {0};
	struct mb_net_flows now = {0};
	int64_t at = mb_monotonic_nsec();
	int r = mb_cmd_watch_look(watch, &now, err);

	if (r)
		return r;
	mb_net_edges_of(&now, &edges);
	mb_net_edges_rate(&edges, before, &now, at - *began);
	mb_net_edges_sort_by_rate(&edges);
	mb_net_flows_done(before);
	*before = now;
	*began = at;
	return print(&edges, args->format, err);
}

static int top_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct top_args *args = in->args;
	bool live = mb_cmd_is_tty(STDOUT_FILENO) && !args->no_stream;
	MB_AUTO_CMD_WATCH struct mb_cmd_watch watch = {0};
	MB_AUTO_NET_FLOWS struct mb_net_flows before = {0};
	int64_t began;
	int r = mb_cmd_watch_open(cx, in, args->network, args->count, &watch, err);

	began = mb_monotonic_nsec();
	if (!r)
		r = mb_cmd_watch_look(&watch, &before, err);
	while (!r) {
		usleep(PERIOD_USEC);
		if (live && write(STDOUT_FILENO, "\033[2J\033[H", 7) < 0)
			return 0;
		r = sample(&watch, &before, &began, args, err);
		if (!live)
			break;
	}
	return r;
}

static const struct mb_cli_opt top_opts[] = {
	MB_OPT_SWITCH(0, "enable-acct", struct top_args, count,
                      "have the kernel count new connections (sysctl)"),
	MB_OPT_STRING(0, "format", NULL, struct top_args, format, "json, or a template"),
	MB_OPT_STRING(0, "network", NULL, struct top_args, network, "only flows of this network",
                      .complete = MB_COMP_NETWORK),
	MB_OPT_SWITCH(0, "no-stream", struct top_args, no_stream, "print once and end"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_top = {
	.paths = "network top",
	.summary = "show who talks most",
	.operands = "[CONTAINER...]",
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.opts = top_opts,
	.args_size = sizeof(struct top_args),
	.examples = "mybox network top --network my-network\n",
	.main = top_main,
};
