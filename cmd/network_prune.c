/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/network.h"
#include "cmd/prune.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "net/net.h"

static void remove_one(struct mb_cmd_prune *p, struct mb_net *net, const struct mb_net_network *n,
                       struct mb_strv *removed)
{
	struct mb_err why = MB_ERR_INIT;
	int r = mb_net_network_remove(net, n, &why);

	if (r == 0) {
		mb_cmd_event_network(p->cx->store, "destroy", n);
		mb_strv_add(removed, n->name);
	} else if (r < 0) {
		mb_cmd_report(&why);
		p->failed = true;
	}
}

int mb_cmd_prune_networks(struct mb_cmd_prune *p, struct mb_err *err)
{
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	MB_AUTO_STRV struct mb_strv removed = MB_STRV_INIT;
	struct mb_net_networks networks = {0};
	int r = mb_cmd_net(p->cx, &net, err);

	if (r == 0)
		r = mb_net_network_list(net, &networks, err);
	for (size_t i = 0; r == 0 && i < networks.n; i++) {
		const struct mb_net_network *n = networks.v[i];

		/* One that other hosts share is not unused because nobody is on it here. */
		if (!n->builtin && !n->overlay.store.members.n &&
		    mb_cmd_prune_fits(p, &n->labels, n->created))
			remove_one(p, net, n, &removed);
	}
	mb_net_networks_done(&networks);
	return r == 0 ? mb_cmd_prune_put("Deleted Networks:", &removed) : r;
}

static int prune_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	static mb_cmd_prune_fn *const kinds[] = {mb_cmd_prune_networks, NULL};

	return mb_cmd_prune_run(
		cx, in->args,
		"WARNING! This will remove all custom networks not used by at least one container.",
		&(struct mb_cmd_prune_verb){mb_cmd_prune_filters, kinds}, err);
}

const struct mb_cli_verb mb_cmd_network_prune = {
	.paths = "network prune",
	.summary = "remove all networks that no container is on",
	.opts = mb_cmd_prune_opts,
	.args_size = sizeof(struct mb_cmd_prune_args),
	.examples = "mybox network prune --force --filter label=ci\n",
	.main = prune_main,
};
