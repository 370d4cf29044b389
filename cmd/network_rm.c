/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/each.h"
#include "cmd/event.h"
#include "cmd/network.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "net/net.h"

struct rm_args {
	bool force;
};

struct removal {
	struct mb_store *store;
	struct mb_net *net;
	bool force;
};

static int remove_one(void *arg, const char *reference, struct mb_err *err)
{
	const struct removal *removal = arg;
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	int r = 0;

	if (removal->force) {
		r = mb_net_network_find(removal->net, reference, &n, err);
		if (r == MB_NET_ABSENT)
			return 0;
	} else {
		r = mb_cmd_network_find(removal->net, reference, &n, err);
	}
	if (r == 0)
		r = mb_net_network_remove(removal->net, n, err);
	if (r == 0)
		mb_cmd_event_network(removal->store, "destroy", n);
	if (r == MB_NET_IN_USE)
		mb_cmd_report(err);
	return r;
}

static int rm_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct rm_args *args = in->args;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r = mb_cmd_net(cx, &net, err);

	if (r < 0)
		return r;
	return mb_cmd_each(in, remove_one, &(struct removal){cx->store, net, args->force});
}

static const struct mb_cli_opt rm_opts[] = {
	MB_OPT_SWITCH('f', "force", struct rm_args, force, "no error for one that does not exist"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_rm = {
	.paths = "network rm|network remove",
	.summary = "remove one or more networks",
	.operands = "NETWORK [NETWORK...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_NETWORK},
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.main = rm_main,
};
