/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "core/csv.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"

static void a_quoted_field_holds_commas(void **state)
{
	static const struct {
		const char *text, *fields; /* joined by '|'; NULL: refused */
	} cases[] = {
		{"a", "a"},
		{"a,b=c,", "a|b=c|"},
		{"\"a,b\",c", "a,b|c"},
		{"\"say \"\"so\"\"\",c", "say \"so\"|c"},
		{"\"\"", ""},
		{"a\"b", NULL},
		{"\"a", NULL},
		{"\"a\"b", NULL},
		{"\"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(cases); i++) {
		MB_AUTO_STRV struct mb_strv out = MB_STRV_INIT;
		const char *why = NULL;
		int r = mb_csv_split(cases[i].text, &out, &why);
		MB_AUTO_FREE char *joined = mb_strv_join(&out, "|");

		assert_int_equal(r, cases[i].fields ? 0 : -EINVAL);
		assert_true(!r == !why);
		if (!r)
			assert_string_equal(joined, cases[i].fields);
	}
}

static void what_is_written_is_read_again(void **state)
{
	static const char *const fields[] = {"plain", "a,b", "a\"b", "", "\"", "line\nend"};

	(void)state;
	for (size_t i = 0; i < MB_N(fields); i++) {
		MB_AUTO_STRV struct mb_strv back = MB_STRV_INIT;
		MB_AUTO_STR struct mb_str text = MB_STR_INIT;
		const char *why = NULL;

		mb_csv_add(&text, fields[i]);
		assert_int_equal(mb_csv_split(mb_str_text(&text), &back, &why), 0);
		assert_int_equal(back.n, 1);
		assert_string_equal(back.v[0], fields[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quoted_field_holds_commas),
		cmocka_unit_test(what_is_written_is_read_again),
	};

	return cmocka_run_group_tests_name("core/csv", tests, NULL, NULL);
}
