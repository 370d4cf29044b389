/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

#include "core/err.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

static void path_make_joins_parent_and_name(void **state)
{
	static const struct {
		const char *parent, *name, *path;
	} rows[] = {
		{NULL, "abc", "/mybox/abc"},
		{"", "abc", "/mybox/abc"},
		{"/jobs", "abc", "/jobs/abc"},
		{"jobs//ci/", "abc", "/jobs/ci/abc"},
		{"/", "abc", "/abc"},
		{"machine.slice", "abc", "/machine.slice/abc"},
		{"a-b-c.slice", "x", "/a.slice/a-b.slice/a-b-c.slice/x"},
		{"-.slice", "x", "/x"},
		{"/a.slice/b", "x", "/a.slice/b/x"},
		{NULL, NULL, "/mybox"},
	};
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *path = NULL;

		assert_int_equal(mb_sys_cgroup_path_make(rows[i].parent, rows[i].name, &path, &err),
		                 0);
		assert_string_equal(path, rows[i].path);
	}
}

static void path_make_refuses_what_climbs(void **state)
{
	static const char *const rows[][2] = {
		{"..", "x"},        {"/a/../b", "x"},  {"a/.", "x"},    {NULL, ".."},
		{NULL, "a/../b"},   {NULL, ""},        {"a\nb", "x"},   {NULL, "a b"},
		{"--x.slice", "y"}, {"a-.slice", "y"}, {".slice", "y"}, {"a--b.slice", "y"}};
	struct mb_err err = MB_ERR_INIT;
	char *path = NULL;

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++)
		assert_int_equal(mb_sys_cgroup_path_make(rows[i][0], rows[i][1], &path, &err),
		                 -EINVAL);
	assert_null(path);
}

static void weight_of_shares_keeps_ends_and_default(void **state)
{
	static const uint64_t rows[][2] = {
		{0, 1},      {2, 1},      {3, 2},       {100, 17},       {512, 59},
		{1024, 100}, {2048, 174}, {10240, 639}, {262144, 10000}, {1 << 30, 10000}};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++)
		assert_int_equal(mb_sys_cgroup_weight_of_shares(rows[i][0]), rows[i][1]);
	for (uint64_t s = 2; s < 262144; s += 7)
		assert_true(mb_sys_cgroup_weight_of_shares(s) <=
		            mb_sys_cgroup_weight_of_shares(s + 7));
}

static void weight_of_blkio_keeps_ends(void **state)
{
	(void)state;
	assert_int_equal(mb_sys_cgroup_weight_of_blkio(10), 1);
	assert_int_equal(mb_sys_cgroup_weight_of_blkio(500), 4950);
	assert_int_equal(mb_sys_cgroup_weight_of_blkio(1000), 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_make_joins_parent_and_name),
		cmocka_unit_test(path_make_refuses_what_climbs),
		cmocka_unit_test(weight_of_shares_keeps_ends_and_default),
		cmocka_unit_test(weight_of_blkio_keeps_ends),
	};

	return cmocka_run_group_tests_name("sys/cgroup_path", tests, NULL, NULL);
}
