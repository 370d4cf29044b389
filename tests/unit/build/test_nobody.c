/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "build/nobody.h"
#include "core/own.h"

static void maps_are_read(void **state)
{
	static const char whole[] = "         0          0 4294967295";
	static const char some[] =
		"         0     100000      65536\n     70000     300000          1";

	(void)state;
	assert_true(mb_build_nobody_is_mapped(whole, 0x78000000));
	assert_false(mb_build_nobody_is_mapped(some, 0x78000000));
	assert_true(mb_build_nobody_is_mapped(some, 65535));
	assert_false(mb_build_nobody_is_mapped(some, 65536));
	assert_false(mb_build_nobody_is_mapped(some, 69999));
	assert_true(mb_build_nobody_is_mapped(some, 70000));
	assert_false(mb_build_nobody_is_mapped(some, 70001));
	assert_false(mb_build_nobody_is_mapped("", 0));
	assert_false(mb_build_nobody_is_mapped("0 0", 0));
	assert_false(mb_build_nobody_is_mapped("x 0 9", 0));
}

static void who_is_known_has_a_name(void **state)
{
	(void)state;
	assert_int_equal(mb_build_nobody_draw(true).uid, MB_BUILD_NOBODY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_read),
		cmocka_unit_test(who_is_known_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
