/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network_policy.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/str.h"

static int default_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	MB_AUTO_CMD_POLICY struct mb_cmd_policy p = {0};
	struct mb_net_policy_edit edit = {.op = MB_NET_POLICY_DEFAULT};
	const char *action = in->n_operands > 1 ? in->operands[1] : NULL;
	int r;

	edit.rule.deny = mb_streq(action, "deny");
	if (action && !edit.rule.deny && !mb_streq(action, "allow"))
		return mb_fail(err, EINVAL, "invalid action '%s': it is allow or deny", action);
	r = action ? mb_cmd_policy_open(cx, in->operands[0], &p, err)
	           : mb_cmd_policy_read(cx, in->operands[0], &p, err);
	if (r)
		return r;
	if (!action)
		return mb_cmd_put_line(mb_cmd_policy_actions[p.network->policy.deny]);
	return mb_cmd_policy_change(cx, &p, &edit, NULL, err);
}

const struct mb_cli_verb mb_cmd_network_policy_default = {
	.paths = "network policy default",
	.summary = "show or set what is done where no rule matches",
	.operands = "NETWORK [allow|deny]",
	.min = 1,
	.max = 2,
	.complete = {MB_COMP_NETWORK, MB_COMP_NONE},
	.examples = "mybox network policy default lab deny\n",
	.main = default_main,
};
