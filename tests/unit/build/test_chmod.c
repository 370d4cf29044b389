/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <errno.h>

#include "build/chmod.h"

static void modes_are_what_chmod_gives(void **state)
{
	static const struct {
		const char *text;
		uint32_t before;
		bool is_directory;
		uint32_t after;
	} rows[] = {
		{"644", 0755, false, 0644},         {"0", 0777, true, 0},
		{"u=rwX,go=rX", 0600, false, 0644}, {"u=rwX,go=rX", 0700, false, 0755},
		{"u=rwX,go=rX", 0600, true, 0755},  {"+x", 0644, false, 0755},
		{"+w", 0444, false, 0644},          {"a+w", 0444, false, 0666},
		{"go-rwx", 0777, false, 0700},      {"g=u", 0640, false, 0660},
		{"o=g-w", 0670, false, 0675},       {"u+s", 0755, false, 04755},
		{"g+s", 0755, true, 02755},         {"+t", 0777, true, 01777},
		{"a=r", 04755, false, 0444},        {"a=rx", 02755, true, 02555},
		{"u=,g=rw,o+x", 0700, false, 0061}, {"u+r-w", 0200, false, 0400},
		{"a-x+X", 0755, false, 0644},       {"a-x+X", 0755, true, 0755},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mb_build_chmod chmod;

		assert_int_equal(mb_build_chmod_parse(rows[i].text, &chmod), 0);
		assert_int_equal(mb_build_chmod_apply(&chmod, rows[i].before, rows[i].is_directory),
		                 rows[i].after);
	}
}

static void what_is_none_is_refused(void **state)
{
	static const char *const rows[] = {"",     "8",     "x",    "u",    "u=rwz", "u=rw,",
	                                   ",u=r", "77777", "u=gr", "u rw", "+x g+w"};
	struct mb_build_chmod chmod;
	char many[200] = "u";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(mb_build_chmod_parse(rows[i], &chmod), -EINVAL);
	memset(many + 1, '+', MB_BUILD_CHMOD_MAX + 1);
	assert_int_equal(mb_build_chmod_parse(many, &chmod), -EINVAL);
	many[1 + MB_BUILD_CHMOD_MAX] = '\0';
	assert_int_equal(mb_build_chmod_parse(many, &chmod), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_are_what_chmod_gives),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
