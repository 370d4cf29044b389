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

struct leaving {
	struct mb_store *store;
	struct mb_net *net;
};

static int leave_one(void *arg, const char *reference, struct mb_err *err)
{
	const struct leaving *leaving = arg;
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	int r = mb_cmd_network_find(leaving->net, reference, &n, err);

	if (r == 0)
		r = mb_net_network_leave(leaving->net, n, err);
	if (r == 0)
		mb_cmd_event_network(leaving->store, "destroy", n);
	if (r == MB_NET_IN_USE)
		mb_cmd_report(err);
	return r;
}

static int leave_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r = mb_cmd_net(cx, &net, err);

	return r < 0 ? r : mb_cmd_each(in, leave_one, &(struct leaving){cx->store, net});
}

const struct mb_cli_verb mb_cmd_network_leave = {
	.paths = "network leave",
	.summary = "take a network away here that other hosts keep",
	.operands = "NETWORK [NETWORK...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_NETWORK},
	.main = leave_main,
};
