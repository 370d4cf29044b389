/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/own.h"
#include "image/bound.h"

static const uint64_t MIB = 1 << 20, GIB = 1 << 30;

static int check(struct mb_image_bound bound, bool compressed, uint64_t stored, uint64_t plain)
{
	struct mb_err err = MB_ERR_INIT;
	int r = mb_image_bound_check(&bound, compressed, stored, plain, &err);

	assert_int_equal(-r, err.code);
	assert_int_equal(r == 0, *err.msg == '\0');
	return r;
}

static void a_limit_is_exact(void **state)
{
	(void)state;
	for (int compressed = 0; compressed < 2; compressed++) {
		const struct mb_image_bound bound = {.limit = 4096};

		assert_int_equal(check(bound, compressed, 1, 4096), 0);
		assert_int_equal(check(bound, compressed, 1, 4097), -EFBIG);
	}
}

static void a_ratio_counts_beyond_a_size(void **state)
{
	const struct mb_image_bound none = {0}, trusted = {.trusted = true};
	const struct mb_image_bound named = {.limit = 100 * GIB};

	(void)state;
	assert_int_equal(check(none, true, 1, GIB), 0);
	assert_int_equal(check(none, true, MIB, GIB + 200 * MIB), 0);
	assert_int_equal(check(none, true, MIB, GIB + 202 * MIB), -EFBIG);
	assert_int_equal(check(none, true, 1, UINT64_MAX), -EFBIG);
	assert_int_equal(check(none, false, 3 * GIB, 3 * GIB), 0);
	assert_int_equal(check(trusted, true, 1, 50 * GIB), 0);
	assert_int_equal(check(named, true, 1, 50 * GIB), 0);
}

static void a_readers_limit_is_of_what_is_compressed(void **state)
{
	const struct mb_image_bound bound = {.most = 4096};
	const struct mb_image_bound trusted = {.most = 4096, .trusted = true};
	const struct mb_image_bound much = {.most = 64 * GIB};
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(check(bound, true, 4096, 4096), 0);
	assert_int_equal(check(bound, true, 4096, 4097), -EFBIG);
	assert_int_equal(check(trusted, true, 4096, 4097), -EFBIG);
	assert_int_equal(check(bound, false, 4097, 4097), 0);
	/* Whichever ends first. */
	assert_int_equal(check(much, true, MIB, 2 * GIB), -EFBIG);
	assert_int_equal(check(much, true, 64 * GIB, 64 * GIB), 0);
	assert_int_equal(check(much, true, 64 * GIB, 64 * GIB + 1), -EFBIG);
	(void)mb_image_bound_check(&bound, true, 1, 4097, &err);
	assert_string_equal(err.msg, "it is longer than 4096 bytes when unpacked");
}

static void the_room_holds_whatever_is_allowed(void **state)
{
	const struct mb_image_bound bound = {.room = 2 * GIB, .limit = 100 * GIB};
	const struct mb_image_bound small = {.room = 1};

	(void)state;
	assert_int_equal(check(bound, true, GIB, 2 * GIB), 0);
	assert_int_equal(check(bound, true, GIB, 2 * GIB + 1), -ENOSPC);
	assert_int_equal(check(bound, false, 3 * GIB, 3 * GIB), 0);
	/* What is small is left to the disk itself. */
	assert_int_equal(check(small, true, MIB, GIB), 0);
}

static void room_is_asked_of_the_file_system(void **state)
{
	MB_AUTO_CLOSE int file = memfd_create("room", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(mb_image_bound_room(-1), 0);
	assert_true(file >= 0);
	/* One that has no number of blocks. */
	assert_int_equal(mb_image_bound_room(file), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_is_exact),
		cmocka_unit_test(a_ratio_counts_beyond_a_size),
		cmocka_unit_test(a_readers_limit_is_of_what_is_compressed),
		cmocka_unit_test(the_room_holds_whatever_is_allowed),
		cmocka_unit_test(room_is_asked_of_the_file_system),
	};

	return cmocka_run_group_tests_name("image/bound", tests, NULL, NULL);
}
