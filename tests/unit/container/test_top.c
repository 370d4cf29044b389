/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "container/top.h"
#include "core/err.h"
#include "core/own.h"

static const pid_t pids[] = {7, 20, 300};

static char *parsed(const char *text, size_t *ret_columns)
{
	MB_AUTO_STRV struct mb_strv cells = MB_STRV_INIT;
	struct mb_err err = MB_ERR_INIT;

	if (mb_container_top_parse(text, pids, MB_N(pids), &cells, ret_columns, &err) < 0)
		return mb_strdup(err.msg);
	return mb_strv_join(&cells, "|");
}

static void only_the_containers_lines_are_taken(void **state)
{
	static const struct {
		const char *text, *want;
		size_t columns;
	} rows[] = {
		{"  PID TTY  CMD\n    1 ?    init\n    7 ?    sh -c  a  b \n  300 ?    x\n",
	         "PID|TTY|CMD|7|?|sh -c  a  b|300|?|x", 3},
		{"CMD PID\nsh 20\nsh 21", "CMD|PID|sh|20", 2},
		{"PID\n", "PID", 1},
		/* Threads follow their process. */
		{"PID LWP\n7 -\n- 7\n- 8\n8 -\n- 8\n", "PID|LWP|7|-|-|7|-|8", 2},
		{"PID  A B\n7\n", "PID|A|B|7||", 3},
		{"PID CMD\n7 a\033[2J\tb\n", "PID|CMD|7|a\\x1b[2J\\x09b", 2},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		size_t columns;
		MB_AUTO_FREE char *got = parsed(rows[i].text, &columns);

		assert_string_equal(got, rows[i].want);
		assert_int_equal(columns, rows[i].columns);
	}
}

static void what_cannot_be_told_apart_is_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", "Couldn't find PID field in ps output"},
		{"PPID CMD\n7 x\n", "Couldn't find PID field in ps output"},
		{"PID\nx\n", "unexpected pid 'x'"},
		{"CMD PID\nsh\n", "unexpected pid ''"},
		{"PID\n99999999999\n", "unexpected pid '99999999999'"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		size_t columns;
		MB_AUTO_FREE char *got = parsed(rows[i].text, &columns);

		assert_string_equal(got, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_containers_lines_are_taken),
		cmocka_unit_test(what_cannot_be_told_apart_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
