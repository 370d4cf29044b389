/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/strv.h"
#include "net/net.h"

static int add_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	MB_AUTO_STRV struct mb_strv addresses = MB_STRV_INIT;
	int r = mb_cmd_net(cx, &net, err);

	if (r == 0)
		r = mb_cmd_network_find(net, in->operands[0], &n, err);
	if (r)
		return r;
	for (size_t i = 2; i < in->n_operands; i++)
		mb_strv_add(&addresses, in->operands[i]);
	r = mb_net_external_add(net, n, in->operands[1], &addresses, err);
	if (r)
		return r < 0 ? r : -EEXIST;
	return mb_cmd_put_line(in->operands[1]);
}

const struct mb_cli_verb mb_cmd_network_endpoint_add = {
	.paths = "network endpoint add",
	.summary = "give what is outside a network a name inside it",
	.operands = "NETWORK NAME ADDRESS [ADDRESS...]",
	.min = 3,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_NETWORK, MB_COMP_NONE},
	.examples = "mybox network endpoint add my-network db 192.0.2.10\n"
		    "mybox network endpoint add my-network ntp 192.0.2.1 192.0.2.2\n",
	.main = add_main,
};
