/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network_policy.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/policy_rule.h"

struct add_args {
	const char *from, *to, *port, *before;
	int action;
};

/* Either one word, FROM:TO[:PORT[/PROTO]], or the parts by their options. */
static int read_rule(const struct add_args *args, const char *word, struct mb_net_rule *rule,
                     struct mb_err *err)
{
	int r;

	if (word && (args->from || args->to || args->port))
		return mb_fail(err, EINVAL,
		               "a rule is either one word or --from, --to and --port, not both");
	if (word)
		return mb_net_rule_parse(word, rule, err);
	if (!args->from && !args->to && !args->port)
		return mb_fail(err, EINVAL, "a rule needs --from, --to or --port");
	r = mb_net_rule_port_parse(args->port ? args->port : "", rule, err);
	if (r)
		return r;
	mb_strset(&rule->from, args->from ? args->from : "any");
	mb_strset(&rule->to, args->to ? args->to : "any");
	return mb_net_rule_check(rule, err);
}

static int add(struct mb_cmd_context *cx, struct mb_cmd_policy *p, struct mb_net_policy_edit *edit,
               struct mb_err *err)
{
	char line[16];
	uint32_t id = 0;
	int r = mb_cmd_policy_change(cx, p, edit, &id, err);

	if (r)
		return r;
	snprintf(line, sizeof(line), "%u", id);
	return mb_cmd_put_line(line);
}

static int add_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct add_args *args = in->args;
	MB_AUTO_CMD_POLICY struct mb_cmd_policy p = {0};
	struct mb_net_policy_edit edit = {.op = MB_NET_POLICY_ADD};
	int r = 0;

	if (args->before && (mb_parse_u32(args->before, &edit.before) < 0 || !edit.before))
		r = mb_fail(err, EINVAL, "invalid rule id '%s'", args->before);
	if (!r)
		r = read_rule(args, in->n_operands > 1 ? in->operands[1] : NULL, &edit.rule, err);
	edit.rule.deny = args->action == MB_CMD_POLICY_DENY;
	if (!r)
		r = mb_cmd_policy_open(cx, in->operands[0], &p, err);
	if (!r)
		r = add(cx, &p, &edit, err);
	free(edit.rule.from);
	free(edit.rule.to);
	return r;
}

static const struct mb_cli_opt add_opts[] = {
	MB_OPT_CHOICE(0, "action", NULL, struct add_args, action, mb_cmd_policy_actions,
                      "what is done with it", .def = "allow"),
	MB_OPT_STRING(0, "before", "RULE-ID", struct add_args, before,
                      "in front of this rule, not at the end"),
	MB_OPT_STRING(0, "from", "SIDE", struct add_args, from, "who opens the connection",
                      .complete = MB_COMP_CONTAINER),
	MB_OPT_STRING('p', "port", "PORT", struct add_args, port,
                      "port[-port][/proto] of the other side, or a protocol"),
	MB_OPT_STRING(0, "to", "SIDE", struct add_args, to, "whom it leads to",
                      .complete = MB_COMP_CONTAINER),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_policy_add = {
	.paths = "network policy add",
	.summary = "add a rule to the policy of a network",
	.operands = "NETWORK [RULE]",
	.min = 1,
	.max = 2,
	.complete = {MB_COMP_NETWORK, MB_COMP_NONE},
	.opts = add_opts,
	.args_size = sizeof(struct add_args),
	.examples = "mybox network policy add --from web --to db --port 5432 lab\n"
		    "mybox network policy add lab web:db:5432/tcp\n"
		    "mybox network policy add --from label=tier=app --to 192.0.2.0/24 lab\n"
		    "mybox network policy add --to dns=*.example.org --port 443 lab\n"
		    "mybox network policy add --action deny --to host lab\n",
	.main = add_main,
};
