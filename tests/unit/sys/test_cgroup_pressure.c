/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/own.h"
#include "sys/cgroup_pressure.h"

static void totals_are_read(void **state)
{
	struct mb_sys_cgroup_pressure p;

	(void)state;
	assert_true(mb_sys_cgroup_pressure_parse(
		"some avg10=1.00 avg60=0.00 avg300=0.00 total=12\n"
		"full avg10=0.00 avg60=0.00 avg300=0.00 total=18446744073709551615\n",
		&p));
	assert_true(p.is_known);
	assert_int_equal(p.some_usec, 12);
	assert_true(p.full_usec == UINT64_MAX);
	/* A line that has none does not borrow the next one's. */
	assert_false(mb_sys_cgroup_pressure_parse("some avg10=1.00\nfull total=3\n", &p));
	assert_true(mb_sys_cgroup_pressure_parse("some avg10=1.00 total=7", &p));
	assert_int_equal(p.some_usec, 7);
	assert_int_equal(p.full_usec, 0);
}

static void rubbish_is_not_known(void **state)
{
	static const char *const texts[] = {"", "some", "some total=", "full total=1\n",
	                                    "some avg10=0.00 total=x\n"};
	struct mb_sys_cgroup_pressure p;

	(void)state;
	for (size_t i = 0; i < MB_N(texts); i++)
		assert_false(mb_sys_cgroup_pressure_parse(texts[i], &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(totals_are_read),
		cmocka_unit_test(rubbish_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
