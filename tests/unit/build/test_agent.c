/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "build/agent.h"
#include "core/own.h"

#define ASK(text) mb_build_agent_may_ask((const unsigned char *)(text), sizeof(text) - 1)

static void only_keys_and_signatures(void **state)
{
	(void)state;
	assert_true(ASK("\x0b"));
	assert_true(ASK("\x0d and so on"));
	assert_true(ASK("\x1b\0\0\0\x18session-bind@openssh.com\0"));
	assert_false(ASK("\x1b\0\0\0\x17session-bind@openssh.co\0\0"));
	assert_false(ASK("\x1b\0\0\0\x18session-bind@openssh.co"));
	assert_false(ASK("\x1b\0\0\0\x05query"));
	assert_false(ASK("\x1b"));
	assert_false(ASK(""));
	for (unsigned kind = 0; kind < 256; kind++) {
		const unsigned char byte = (unsigned char)kind;

		assert_int_equal(mb_build_agent_may_ask(&byte, 1), kind == 11 || kind == 13);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_keys_and_signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
