/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "core/err.h"
#include "core/own.h"
#include "core/strv.h"
#include "net/net.h"

struct reload_args {
	bool all;
};

static int reload_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct reload_args *args = in->args;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	int r;

	if (args->all && in->n_operands)
		return mb_fail(err, EINVAL, "--all and names of networks exclude each other");
	r = mb_cmd_net(cx, &net, err);
	for (size_t i = 0; !r && i < in->n_operands; i++) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

		r = mb_cmd_network_find(net, in->operands[i], &n, err);
		if (!r)
			mb_strv_add(&ids, n->id);
	}
	return r ? r : mb_net_reload(net, in->n_operands ? &ids : NULL, err);
}

static const struct mb_cli_opt reload_opts[] = {
	MB_OPT_SWITCH('a', "all", struct reload_args, all, "all networks, as without a name"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_reload = {
	.paths = "network reload",
	.summary = "put back rules, bridges and names that somebody removed",
	.operands = "[NETWORK...]",
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_NETWORK},
	.opts = reload_opts,
	.args_size = sizeof(struct reload_args),
	.examples = "mybox network reload\n",
	.main = reload_main,
};
