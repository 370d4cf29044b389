/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/own.h"
#include "core/str.h"
#include "screen/mark.h"

static void marks_take_no_columns(void **state)
{
	(void)state;
	assert_int_equal(mb_screen_mark_width(""), 0);
	assert_int_equal(mb_screen_mark_width(MB_MARK_RED "ab" MB_MARK_PLAIN "日"), 4);
	assert_int_equal(mb_screen_mark_width("a\001"), 1);
}

static void fit_cuts_and_fills_around_marks(void **state)
{
	static const struct {
		const char *line;
		size_t width;
		const char *want;
	} rows[] = {
		{"abc", 5, "abc  "},
		{"abc", 2, "ab"},
		{"", 0, ""},
		{"日本", 3, "日 "},
		{MB_MARK_RED "abc", 2, MB_MARK_RED "ab" MB_MARK_PLAIN},
		{MB_MARK_RED "a" MB_MARK_PLAIN "b", 3,
	         MB_MARK_RED "a" MB_MARK_PLAIN "b " MB_MARK_PLAIN},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		mb_screen_mark_fit(&out, rows[i].line, rows[i].width);
		assert_string_equal(mb_str_text(&out), rows[i].want);
	}
}

static void render_knows_its_marks_alone(void **state)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, plain = MB_STR_INIT;
	const char *line = MB_MARK_RED "a" MB_MARK_PLAIN "b\001!c\001";

	(void)state;
	mb_screen_mark_render(&out, line, true);
	assert_string_equal(mb_str_text(&out), "\033[0;31ma\033[0mbc");
	mb_screen_mark_render(&plain, line, false);
	assert_string_equal(mb_str_text(&plain), "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_take_no_columns),
		cmocka_unit_test(fit_cuts_and_fills_around_marks),
		cmocka_unit_test(render_knows_its_marks_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
