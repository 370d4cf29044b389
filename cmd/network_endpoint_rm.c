/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "net/net.h"

static int rm_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	bool failed = false;
	int r = mb_cmd_net(cx, &net, err);

	if (r == 0)
		r = mb_cmd_network_find(net, in->operands[0], &n, err);
	if (r)
		return r;
	for (size_t i = 1; i < in->n_operands; i++) {
		r = mb_net_external_remove(net, n, in->operands[i], err);
		if (r)
			mb_cmd_report(err);
		failed = failed || r || mb_cmd_put_line(in->operands[i]);
	}
	return failed;
}

const struct mb_cli_verb mb_cmd_network_endpoint_rm = {
	.paths = "network endpoint rm|network endpoint remove",
	.summary = "take names of what is outside a network away",
	.operands = "NETWORK NAME [NAME...]",
	.min = 2,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_NETWORK, MB_COMP_NONE},
	.examples = "mybox network endpoint rm my-network db\n",
	.main = rm_main,
};
