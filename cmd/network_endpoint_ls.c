/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/strv.h"
#include "format/table.h"
#include "net/net.h"
#include "json/json.h"

struct ls_args {
	const char *format;
	bool quiet;
};

static const struct mb_format_column columns[] = {
	{"Name", "NAME"},
	{"Addresses", "ADDRESSES"},
	{NULL},
};

static int add_rows(const struct mb_net_network *n, struct mb_format_list *list, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n->n_externals; i++) {
		const struct mb_net_external *x = &n->externals[i];
		MB_AUTO(mb_json_free) struct json_object *row = mb_json_new_object();
		MB_AUTO_FREE char *addresses = mb_strv_join(&x->addresses, ", ");

		mb_json_set_str(row, "Name", x->name);
		mb_json_set_str(row, "Addresses", addresses);
		r = mb_format_list_add(list, row, err);
	}
	return r;
}

static int ls_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct ls_args *args = in->args;
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	const char *format = mb_cmd_list_format(args->format, args->quiet, "{{.Name}}");
	int r = mb_format_list_new(format, columns, mb_cmd_list_host(), &list, err);

	if (r == 0)
		r = mb_cmd_net(cx, &net, err);
	if (r == 0)
		r = mb_cmd_network_find(net, in->operands[0], &n, err);
	if (r == 0)
		r = add_rows(n, list, err);
	return r ? r : mb_cmd_list_put(list, err);
}

static const struct mb_cli_opt ls_opts[] = {
	MB_OPT_STRING(0, "format", NULL, struct ls_args, format,
                      "print by a Go template, \"table\" or \"json\""),
	MB_OPT_SWITCH('q', "quiet", struct ls_args, quiet, "print names only"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_endpoint_ls = {
	.paths = "network endpoint ls|network endpoint list",
	.summary = "list the names of what is outside a network",
	.operands = "NETWORK",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_NETWORK},
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.examples = "mybox network endpoint ls my-network\n"
		    "mybox network endpoint ls --format '{{.Name}}: {{.Addresses}}' my-network\n",
	.main = ls_main,
};
