/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network_watch.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/edges.h"

struct graph_args {
	const char *network;
	int format;
};

static int graph_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct graph_args *args = in->args;
	MB_AUTO_CMD_WATCH struct mb_cmd_watch watch = {0};
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	MB_AUTO_NET_EDGES struct mb_net_edges edges = {0};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	int r = mb_cmd_watch_open(cx, in, args->network, false, &watch, err);

	if (!r)
		r = mb_cmd_watch_look(&watch, &flows, err);
	if (r)
		return r;
	mb_net_edges_of(&flows, &edges);
	mb_net_graph_draw(&edges, (enum mb_net_graph_format)args->format, &out);
	return mb_cmd_put(&out);
}

/* In the order of enum mb_net_graph_format. */
static const char *const formats[] = {"text", "dot", "mermaid", "svg", NULL};

static const struct mb_cli_opt graph_opts[] = {
	MB_OPT_CHOICE(0, "format", NULL, struct graph_args, format, formats,
                      "text, dot, mermaid or svg", .def = "text"),
	MB_OPT_STRING(0, "network", NULL, struct graph_args, network, "only flows of this network",
                      .complete = MB_COMP_NETWORK),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_graph = {
	.paths = "network graph",
	.summary = "draw who talks to whom",
	.operands = "[CONTAINER...]",
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.opts = graph_opts,
	.args_size = sizeof(struct graph_args),
	.examples = "mybox network graph --format svg >graph.svg\n"
		    "mybox network graph --format dot web | dot -Tpng >web.png\n",
	.main = graph_main,
};
