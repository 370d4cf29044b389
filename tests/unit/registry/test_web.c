/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/own.h"
#include "registry/web.h"

static void names_are_the_last_part_of_the_path(void **state)
{
	static const char *const rows[][2] = {
		{"http://h/a", "a"},       {"http://h/a/b.tar.gz?x=/y#z", "b.tar.gz"},
		{"http://h/a%20b", "a b"}, {"http://h/%zz", "%zz"},
		{"http://h/a%2fb", NULL},  {"http://h/%00", NULL},
		{"http://h/%2e%2e", NULL}, {"http://h/..", NULL},
		{"http://h/a/", NULL},     {"http://h/?a", NULL},
		{"http://h", NULL},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *name = mb_registry_web_name(rows[i][0]);

		if (rows[i][1])
			assert_string_equal(name, rows[i][1]);
		else
			assert_null(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_the_last_part_of_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
