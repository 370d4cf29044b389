/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <math.h>

#include "core/own.h"
#include "core/str.h"
#include "core/utf8.h"
#include "format/graph.h"

static void bar_fills_by_its_part(void **state)
{
	static const struct {
		double part;
		bool utf8;
		const char *want;
	} rows[] = {
		{0, true, "    "},       {1, true, "████"},         {0.5, true, "██  "},
		{0.28125, true, "█▏  "}, {0.0001, true, "▏   "},    {7, true, "████"},
		{-1, true, "    "},      {NAN, true, "    "},       {0, false, "...."},
		{1, false, "####"},      {0.5, false, "##.."},      {0.0001, false, "#..."},
		{0.4, false, "##.."},    {INFINITY, false, "####"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		mb_format_bar(&out, rows[i].part, 4, rows[i].utf8);
		assert_string_equal(mb_str_text(&out), rows[i].want);
	}
}

static void spark_has_the_newest_at_its_right_end(void **state)
{
	static const double values[] = {9, 0, 1, 2, 3.5, 7, 70, -1, 7};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, ascii = MB_STR_INIT, few = MB_STR_INIT,
				  none = MB_STR_INIT;

	(void)state;
	mb_format_spark(&out, values, MB_N(values), 7, 8, true);
	assert_string_equal(mb_str_text(&out), "▁▂▃▅██ █");
	mb_format_spark(&ascii, values, MB_N(values), 7, 8, false);
	assert_string_equal(mb_str_text(&ascii), "_.-=## #");
	mb_format_spark(&few, values, 2, 9, 4, true);
	assert_string_equal(mb_str_text(&few), "  █▁");
	mb_format_spark(&none, values, 2, 0, 2, true);
	assert_string_equal(mb_str_text(&none), "▁▁");
}

static void fit_is_as_wide_as_asked(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		bool right;
		const char *want;
	} rows[] = {
		{"web", 5, false, "web  "},
		{"web", 5, true, "  web"},
		{"webserver", 5, false, "webs…"},
		{"", 2, false, "  "},
		{"web", 0, false, ""},
		{"日本語", 5, false, "日本…"},
		{"日本語", 4, true, " 日…"},
		{"x", 1, true, "x"},
		{"xy", 1, true, "…"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		mb_format_fit(&out, rows[i].text, rows[i].width, rows[i].right);
		assert_string_equal(mb_str_text(&out), rows[i].want);
		assert_int_equal(mb_utf8_width(mb_str_text(&out)), rows[i].width);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bar_fills_by_its_part),
		cmocka_unit_test(spark_has_the_newest_at_its_right_end),
		cmocka_unit_test(fit_is_as_wide_as_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
