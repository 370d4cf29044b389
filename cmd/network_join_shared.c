/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/network.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "net/net.h"

struct join_args {
	struct mb_kv options, labels;
};

static int join_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct join_args *args = in->args;
	MB_AUTO(mb_net_network_free) struct mb_net_network *made = NULL;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r = mb_cmd_net(cx, &net, err);

	if (r == 0)
		r = mb_net_network_join(net, in->operands[0], &args->options, &args->labels, &made,
		                        err);
	if (r == MB_NET_TAKEN)
		return -EEXIST; /* told */
	if (r == MB_NET_ABSENT)
		return -ENOENT; /* told */
	if (r < 0)
		return r;
	mb_cmd_event_network(cx->store, "create", made);
	return mb_cmd_put_line(made->id);
}

static const struct mb_cli_opt join_opts[] = {
	MB_OPT_KV(0, "label", "list", struct join_args, labels, "set a label"),
	MB_OPT_KV('o', "opt", NULL, struct join_args, options, "set an option of the driver"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_join = {
	.paths = "network join",
	.summary = "bring a network here that other hosts have",
	.operands = "NETWORK",
	.min = 1,
	.max = 1,
	.opts = join_opts,
	.args_size = sizeof(struct join_args),
	.examples = "mybox network join -o store=https://etcd1:2379,https://etcd2:2379 shared\n",
	.main = join_main,
};
