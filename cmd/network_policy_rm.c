/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network_policy.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/parse.h"

static int remove_one(struct mb_cmd_context *cx, struct mb_cmd_policy *p, const char *id,
                      struct mb_err *err)
{
	struct mb_net_policy_edit edit = {.op = MB_NET_POLICY_REMOVE};
	int r;

	if (mb_parse_u32(id, &edit.rule.id) < 0 || !edit.rule.id)
		return mb_fail(err, EINVAL, "invalid rule id '%s'", id);
	r = mb_cmd_policy_change(cx, p, &edit, NULL, err);
	return r ? r : mb_cmd_put_line(id);
}

static int rm_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO_CMD_POLICY struct mb_cmd_policy p = {0};
	bool failed = false;
	int r = mb_cmd_policy_open(cx, in->operands[0], &p, err);

	if (r)
		return r;
	for (size_t i = 1; i < in->n_operands; i++) {
		r = remove_one(cx, &p, in->operands[i], err);
		if (r < 0)
			mb_cmd_report(err);
		failed = failed || r != 0;
	}
	return failed;
}

const struct mb_cli_verb mb_cmd_network_policy_rm = {
	.paths = "network policy rm|network policy remove",
	.summary = "remove rules from the policy of a network",
	.operands = "NETWORK RULE-ID [RULE-ID...]",
	.min = 2,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_NETWORK, MB_COMP_NONE},
	.examples = "mybox network policy rm lab 3\n",
	.main = rm_main,
};
