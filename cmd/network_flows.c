/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network_watch.h"
#include "cmd/output.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/table.h"
#include "nl/conntrack.h"
#include "json/json.h"

/* Between two looks at what no event tells: sockets, and connections older than the command. */
#define PERIOD_NSEC MB_NSEC_PER_SEC

struct flows_args {
	const char *network, *format;
	bool all, follow, count;
};

static const struct mb_format_column columns[] = {
	{"Event", "EVENT", true},
	{"Proto", "PROTO"},
	{"From", "FROM"},
	{"To", "TO"},
	{"Via", "VIA"},
	{"Network", "NETWORK"},
	{"State", "STATE"},
	{"Bytes", "OUT / IN"},
	{"FromName", "FROM NAME", true},
	{"FromAddress", "FROM ADDRESS", true},
	{"FromPort", "FROM PORT", true},
	{"ToName", "TO NAME", true},
	{"ToAddress", "TO ADDRESS", true},
	{"ToPort", "TO PORT", true},
	{"BytesOut", "BYTES OUT", true},
	{"BytesIn", "BYTES IN", true},
	{"PacketsOut", "PACKETS OUT", true},
	{"PacketsIn", "PACKETS IN", true},
	{"Source", "SOURCE", true},
	{NULL},
};

static void set_number(struct json_object *row, const char *key, bool known, uint64_t n)
{
	MB_AUTO_FREE char *text = mb_asprintf("%llu", (unsigned long long)n);

	mb_json_set_str(row, key, known ? text : "");
}

static void set_peer(struct json_object *row, const struct mb_net_peer *p, const char *whole,
                     const char *const keys[3])
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char buf[MB_NET_ADDR_TEXT];

	mb_cmd_watch_add_peer(p, &text);
	mb_json_set_str(row, whole, mb_str_text(&text));
	mb_json_set_str(row, keys[0], p->name ? p->name : p->is_host ? "host" : "");
	mb_json_set_str(row, keys[1], mb_net_addr_format(&p->addr, buf));
	set_number(row, keys[2], p->port != 0, p->port);
}

static struct json_object *new_row(const struct mb_net_flow *f, const char *event)
{
	static const char *const from[] = {"FromName", "FromAddress", "FromPort"};
	static const char *const to[] = {"ToName", "ToAddress", "ToPort"};
	struct json_object *row = mb_json_new_object();
	const struct mb_net_peer via = {.addr = f->via, .port = f->via_port};
	MB_AUTO_FREE char *bytes = mb_cmd_watch_bytes(f);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char buf[8];

	if (f->via.family)
		mb_cmd_watch_add_peer(&via, &text);
	mb_json_set_str(row, "Event", event);
	mb_json_set_str(row, "Proto", mb_net_flow_proto(f->proto, buf));
	set_peer(row, &f->from, "From", from);
	set_peer(row, &f->to, "To", to);
	mb_json_set_str(row, "Via", mb_str_text(&text));
	mb_json_set_str(row, "Network", f->to.network ? f->to.network : f->from.network);
	mb_json_set_str(row, "State", f->state);
	mb_json_set_str(row, "Bytes", bytes);
	set_number(row, "BytesOut", f->has_bytes, f->out_bytes);
	set_number(row, "BytesIn", f->has_bytes, f->in_bytes);
	set_number(row, "PacketsOut", f->has_packets, f->out_packets);
	set_number(row, "PacketsIn", f->has_packets, f->in_packets);
	mb_json_set_str(row, "Source", f->is_tracked ? "conntrack" : "sockets");
	return row;
}

static int print_all(const struct mb_net_flows *flows, const struct flows_args *args,
                     struct mb_err *err)
{
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	int r = mb_format_list_new(args->format, columns, mb_cmd_list_host(), &list, err);

	for (size_t i = 0; r == 0 && i < flows->n; i++) {
		MB_AUTO(mb_json_free) struct json_object *row = NULL;

		if (flows->v[i].is_closed && !args->all)
			continue;
		row = new_row(&flows->v[i], "is");
		r = mb_format_list_add(list, row, err);
	}
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

/* ---- following ------------------------------------------------------------------------ */

struct following {
	struct mb_cmd_watch *watch;
	const char *format;
	struct mb_net_flows known; /* those that were told of and have not ended */
	int result;                /* of printing: not 0 ends it */
	struct mb_err *err;
};

static void tell(struct following *f, const struct mb_net_flow *flow, const char *event)
{
	static const char line[] =
		"{{printf \"%-3s %-4s %s -> %s%s %s %s\" .Event .Proto .From .To "
		"(or (and .Via (printf \" (via %s)\" .Via)) \"\") .State .Bytes}}";
	const char *format = f->format ? f->format : line;
	MB_AUTO(mb_json_free) struct json_object *row = NULL;
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;

	if (f->result)
		return;
	row = new_row(flow, event);
	f->result = mb_format_list_new(format, columns, mb_cmd_list_host(), &list, f->err);
	if (!f->result)
		f->result = mb_format_list_add(list, row, f->err);
	if (!f->result)
		f->result = mb_cmd_list_put(list, f->err);
}

static void forget(struct following *f, struct mb_net_flow *known)
{
	mb_net_flows_remove(&f->known, (size_t)(known - f->known.v));
}

static int each_event(const struct mb_nl_conn *conn, enum mb_nl_conn_event event, void *arg)
{
	struct following *f = arg;
	struct mb_net_flow flow, *known;

	if (!mb_net_flow_of_conn(&f->watch->book, conn, &flow))
		return 0;
	known = mb_net_flows_find(&f->known, &flow);
	if (event == MB_NL_CONN_NEW && !known && mb_cmd_watch_wants(f->watch, &flow)) {
		tell(f, &flow, "new");
		mb_net_flows_insert(&f->known, &flow);
	} else if (event == MB_NL_CONN_END && known && !known->is_closed) {
		if (conn->has_counters) {
			known->has_bytes = known->has_packets = true;
			known->out_bytes = flow.out_bytes;
			known->in_bytes = flow.in_bytes;
			known->out_packets = flow.out_packets;
			known->in_packets = flow.in_packets;
		}
		tell(f, known, "end");
		forget(f, known);
	}
	mb_net_flow_done(&flow);
	return f->result ? -ECANCELED : 0;
}

/* A container that has gone leaves its name with what it did. */
static void keep_name(struct mb_net_peer *now, struct mb_net_peer *before)
{
	struct mb_net_peer nameless = *now;

	if (now->id || !before->id)
		return;
	*now = *before;
	*before = nameless;
}

/* Who is in @now and was not, who was and is not, and who is over. */
static void compare(struct following *f, struct mb_net_flows *now, const char *begins)
{
	for (size_t i = f->known.n; i-- > 0;) {
		struct mb_net_flow *known = &f->known.v[i];

		if (mb_net_flows_find(now, known))
			continue;
		if (!known->is_closed)
			tell(f, known, "end");
		forget(f, known);
	}
	for (size_t i = 0; i < now->n; i++) {
		struct mb_net_flow *flow = &now->v[i];
		struct mb_net_flow *known = mb_net_flows_find(&f->known, flow);

		if (!known && !flow->is_closed)
			tell(f, flow, begins);
		if (known) {
			keep_name(&flow->from, &known->from);
			keep_name(&flow->to, &known->to);
		}
		if (known && flow->is_closed && !known->is_closed)
			tell(f, flow, "end");
		if (known)
			forget(f, known);
		mb_net_flows_insert(&f->known, flow);
	}
}

static int look(struct following *f, const char *begins)
{
	MB_AUTO_NET_FLOWS struct mb_net_flows now = {0};
	int r = mb_cmd_watch_look(f->watch, &now, f->err);

	if (r)
		return r;
	compare(f, &now, begins);
	return f->result;
}

static int take_events(struct following *f, struct mb_nl *nl)
{
	struct mb_err told = MB_ERR_INIT;
	int r = mb_cmd_watch_reload(f->watch, f->err);

	if (r)
		return r;
	r = mb_nl_conntrack_receive(nl, each_event, f, &told);
	if (f->result)
		return f->result;
	if (r < 0)
		*f->err = told;
	/* Lost events are found by looking. */
	return r == MB_NL_OVERRUN ? 0 : r;
}

static int follow(struct mb_cmd_watch *watch, const char *format, struct mb_err *err)
{
	struct following f = {.watch = watch, .format = format, .err = err};
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	int64_t next = 0;
	int r = mb_nl_open(&nl, NETLINK_NETFILTER, err);

	if (!r)
		r = mb_nl_conntrack_listen(&nl, err);
	while (!r) {
		struct pollfd poller = {.fd = nl.fd, .events = POLLIN};
		int64_t left = next - mb_monotonic_nsec();

		if (left <= 0) {
			r = look(&f, next ? "new" : "is");
			next = mb_monotonic_nsec() + PERIOD_NSEC;
		} else if (poll(&poller, 1, (int)(left / 1000000) + 1) > 0) {
			r = take_events(&f, &nl);
		}
	}
	mb_net_flows_done(&f.known);
	return r;
}

static int flows_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct flows_args *args = in->args;
	MB_AUTO_CMD_WATCH struct mb_cmd_watch watch = {0};
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	int r = mb_cmd_watch_open(cx, in, args->network, args->count, &watch, err);

	if (r)
		return r;
	if (args->follow)
		return follow(&watch, args->format, err);
	r = mb_cmd_watch_look(&watch, &flows, err);
	return r ? r : print_all(&flows, args, err);
}

static const struct mb_cli_opt flows_opts[] = {
	MB_OPT_SWITCH('a', "all", struct flows_args, all, "those too that have ended just now"),
	MB_OPT_SWITCH(0, "enable-acct", struct flows_args, count,
                      "have the kernel count new connections (sysctl)"),
	MB_OPT_SWITCH('f', "follow", struct flows_args, follow,
                      "go on: a line for each that begins or ends"),
	MB_OPT_STRING(0, "format", NULL, struct flows_args, format,
                      "print by a Go template, \"table\" or \"json\""),
	MB_OPT_STRING(0, "network", NULL, struct flows_args, network, "only flows of this network",
                      .complete = MB_COMP_NETWORK),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_flows = {
	.paths = "network flows",
	.summary = "show who talks to whom",
	.operands = "[CONTAINER...]",
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.opts = flows_opts,
	.args_size = sizeof(struct flows_args),
	.examples = "mybox network flows --network my-network\n"
		    "mybox network flows -f web\n"
		    "mybox network flows --format '{{.FromName}} -> {{.ToName}}:{{.ToPort}}'\n",
	.main = flows_main,
};
