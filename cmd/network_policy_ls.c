/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network_policy.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/table.h"
#include "net/policy_rule.h"
#include "json/json.h"

struct ls_args {
	const char *format;
	bool quiet;
};

static const struct mb_format_column columns[] = {
	{"ID", "RULE ID"},    {"From", "FROM"},       {"To", "TO"},       {"Port", "PORT"},
	{"Action", "ACTION"}, {"Packets", "PACKETS"}, {"Bytes", "BYTES"}, {NULL},
};

static void set_number(struct json_object *row, const char *key, uint64_t v)
{
	MB_AUTO_FREE char *text = mb_asprintf("%" PRIu64, v);

	mb_json_set_str(row, key, text);
}

static int add_row(struct mb_format_list *list, const struct mb_net_rule *rule, const char *id,
                   const struct mb_net_count *count, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *row = mb_json_new_object();
	MB_AUTO_STR struct mb_str port = MB_STR_INIT;

	mb_net_rule_port_format(rule, &port);
	mb_json_set_str(row, "ID", id);
	mb_json_set_str(row, "From", rule->from);
	mb_json_set_str(row, "To", rule->to);
	mb_json_set_str(row, "Port", mb_str_text(&port));
	mb_json_set_str(row, "Action", mb_cmd_policy_actions[rule->deny]);
	set_number(row, "Packets", count->packets);
	set_number(row, "Bytes", count->bytes);
	return mb_format_list_add(list, row, err);
}

/* The default comes last, as it is asked last. */
static int add_default(struct mb_format_list *list, const struct mb_net_policy *p,
                       const struct mb_net_count *count, struct mb_err *err)
{
	char any[] = "any";
	const struct mb_net_rule rule = {.from = any, .to = any, .deny = p->deny};

	return add_row(list, &rule, "default", count, err);
}

static int add_rows(struct mb_cmd_policy *p, bool quiet, struct mb_format_list *list,
                    struct mb_err *err)
{
	const struct mb_net_policy *policy = &p->network->policy;
	MB_AUTO_FREE struct mb_net_count *counts = mb_calloc(policy->n_rules + 1, sizeof(*counts));
	int r = mb_net_policy_counts(p->net, p->network, counts, err);

	for (size_t i = 0; !r && i < policy->n_rules; i++) {
		MB_AUTO_FREE char *id = mb_asprintf("%u", policy->rules[i].id);

		r = add_row(list, &policy->rules[i], id, &counts[i + 1], err);
	}
	return r || quiet ? r : add_default(list, policy, &counts[0], err);
}

static int ls_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct ls_args *args = in->args;
	MB_AUTO_CMD_POLICY struct mb_cmd_policy p = {0};
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	const char *format = mb_cmd_list_format(args->format, args->quiet, "{{.ID}}");
	int r = mb_format_list_new(format, columns, mb_cmd_list_host(), &list, err);

	if (r == 0)
		r = mb_cmd_policy_read(cx, in->operands[0], &p, err);
	if (r == 0)
		r = add_rows(&p, args->quiet, list, err);
	return r ? r : mb_cmd_list_put(list, err);
}

static const struct mb_cli_opt ls_opts[] = {
	MB_OPT_STRING(0, "format", NULL, struct ls_args, format,
                      "print by a Go template, \"table\" or \"json\""),
	MB_OPT_SWITCH('q', "quiet", struct ls_args, quiet, "print ids of rules only"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_policy_ls = {
	.paths = "network policy ls|network policy list",
	.summary = "list the policy of a network, with what each rule counted",
	.operands = "NETWORK",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_NETWORK},
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.examples = "mybox network policy ls lab\n"
		    "mybox network policy ls --format '{{.ID}}: {{.Packets}}' lab\n",
	.main = ls_main,
};
