/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "container/container.h"
#include "core/parse.h"

static void names_are_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		char name[64];
		const char *bar;

		mb_container_name_make(0, name);
		bar = strchr(name, '_');
		assert_true(mb_name_is_valid(name));
		assert_non_null(bar);
		assert_null(strchr(bar + 1, '_'));
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		/* Never all hex digits: it must not look like an id. */
		assert_true(strspn(name, "0123456789abcdef") < strlen(name));
	}
}

static void a_second_attempt_gets_a_number(void **state)
{
	unsigned longest = 0;

	(void)state;
	for (unsigned attempt = 1; attempt < 200; attempt++) {
		char name[64];
		unsigned digits;

		mb_container_name_make(attempt, name);
		assert_true(mb_name_is_valid(name));
		digits = (unsigned)strlen(strpbrk(name, "0123456789"));
		if (attempt <= 3)
			assert_int_equal(digits, 1);
		longest = digits > longest ? digits : longest;
	}
	assert_true(longest >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_names),
		cmocka_unit_test(a_second_attempt_gets_a_number),
	};

	return cmocka_run_group_tests_name("container/name", tests, NULL, NULL);
}
