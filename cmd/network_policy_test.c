/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network_policy.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/policy_rule.h"

/* "db:5432/tcp" apart, by the grammar of rules. */
static int read_flow(const char *from, const char *to, struct mb_net_rule *flow, struct mb_err *err)
{
	struct mb_net_selector alone = {0};
	MB_AUTO_FREE char *word = NULL;
	/* An IPv6 address without brackets has colons, but no port. */
	bool is_side = mb_net_selector_parse(to, &alone, NULL) == 0 &&
	               alone.side == MB_NET_SIDE_PREFIX && !strchr(to, '[');
	int r;

	word = mb_asprintf(is_side ? "any:[%s]" : "any:%s", to);
	mb_net_selector_done(&alone);
	r = mb_net_rule_parse(word, flow, err);
	if (!r)
		mb_strset(&flow->from, from);
	return r;
}

static int tell(const struct mb_net_verdict *v)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	mb_str_add(&out, v->allowed ? "allow: " : "deny: ");
	if (v->reason) {
		mb_str_add(&out, v->reason);
	} else if (v->rule) {
		mb_str_addf(&out, "rule %u, from %s to %s ", v->rule->id, v->rule->from,
		            v->rule->to);
		mb_net_rule_port_format(v->rule, &out);
	} else {
		mb_str_add(&out, "the default, no rule matches");
	}
	return mb_cmd_put_line(mb_str_text(&out));
}

static int test_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO_CMD_POLICY struct mb_cmd_policy p = {0};
	struct mb_net_verdict v = {0};
	struct mb_net_rule flow = {0};
	int r = mb_cmd_policy_read(cx, in->operands[0], &p, err);

	if (!r)
		r = read_flow(in->operands[1], in->operands[2], &flow, err);
	if (!r)
		r = mb_net_policy_test(p.net, p.network, &flow, &v, err);
	free(flow.from);
	free(flow.to);
	if (r)
		return r;
	r = tell(&v);
	return r ? r : !v.allowed;
}

const struct mb_cli_verb mb_cmd_network_policy_test = {
	.paths = "network policy test",
	.summary = "tell which rule decides about a connection; nothing is sent",
	.operands = "NETWORK FROM TO[:PORT[/PROTO]]",
	.min = 3,
	.max = 3,
	.complete = {MB_COMP_NETWORK, MB_COMP_CONTAINER},
	.examples = "mybox network policy test lab web db:5432\n"
		    "mybox network policy test lab outside web:443/tcp\n",
	.main = test_main,
};
