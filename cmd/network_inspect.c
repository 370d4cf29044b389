/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "net/net.h"
#include "json/json.h"

struct inspect_args {
	const char *format;
	bool verbose;
};

static int describe_one(void *arg, const char *reference, struct json_object *values,
                        struct mb_err *err)
{
	struct mb_net *net = arg;
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	struct json_object *value = NULL;
	int r = mb_cmd_network_find(net, reference, &n, err);

	if (r == 0)
		r = mb_cmd_network_describe(net, n, &value, err);
	if (r == 0)
		mb_json_push(values, value);
	if (r < 0)
		mb_cmd_report(err);
	return r;
}

static int inspect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct inspect_args *args = in->args;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r = mb_cmd_net(cx, &net, err);

	return r < 0 ? r : mb_cmd_inspect_each(in, args->format, describe_one, net, err);
}

static const struct mb_cli_opt inspect_opts[] = {
	MB_OPT_STRING('f', "format", NULL, struct inspect_args, format,
                      "print by a Go template, or \"json\""),
	MB_OPT_SWITCH('v', "verbose", struct inspect_args, verbose,
                      "accepted: everything is shown always"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_inspect = {
	.paths = "network inspect",
	.summary = "show all about one or more networks",
	.operands = "NETWORK [NETWORK...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_NETWORK},
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.examples = "mybox network inspect -f '{{(index .IPAM.Config 0).Subnet}}' my-network\n",
	.main = inspect_main,
};
