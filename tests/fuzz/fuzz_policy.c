/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "core/own.h"
#include "core/str.h"
#include "fuzz.h"
#include "net/net.h"
#include "net/policy_rule.h"

/* What is taken has a text that is taken again, and is the same then. */
static void sides(const char *text)
{
	struct mb_net_selector a = {0}, b = {0};

	if (mb_net_selector_parse(text, &a, NULL) == 0) {
		MB_AUTO_FREE char *first = mb_net_selector_format(&a), *second = NULL;

		FUZZ_CHECK(mb_net_selector_parse(first, &b, NULL) == 0 && a.side == b.side);
		second = mb_net_selector_format(&b);
		FUZZ_CHECK(mb_streq(first, second));
	}
	mb_net_selector_done(&a);
	mb_net_selector_done(&b);
}

static void rule_done(struct mb_net_rule *r)
{
	free(r->from);
	free(r->to);
}

/* Rules of a policy in one word, and their parts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct mb_net_rule rule = {0}, port = {0}, again = {0};

	sides(text);
	if (mb_net_rule_parse(text, &rule, NULL) == 0) {
		FUZZ_CHECK(mb_net_rule_check(&rule, NULL) == 0);
		FUZZ_CHECK(rule.port_lo <= rule.port_hi && (!rule.port_lo || rule.proto));
	}
	if (mb_net_rule_port_parse(text, &port, NULL) == 0) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		mb_net_rule_port_format(&port, &out);
		FUZZ_CHECK(mb_net_rule_port_parse(mb_str_text(&out), &again, NULL) == 0);
		FUZZ_CHECK(port.proto == again.proto && port.port_lo == again.port_lo &&
		           port.port_hi == again.port_hi);
	}
	rule_done(&rule);
	free(text);
	return 0;
}
