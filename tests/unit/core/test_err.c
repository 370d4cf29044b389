/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/err.h"

static void fail_tells_words_and_code(void **state)
{
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(mb_fail(&err, EINVAL, "'%s' is %d", "x", 3), -EINVAL);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.msg, "'x' is 3");
	assert_int_equal(mb_fail_sys(&err, ENOENT, "cannot open '%s'", "lock"), -ENOENT);
	assert_string_equal(err.msg, "cannot open 'lock': No such file or directory");
}

static void nobody_listens(void **state)
{
	(void)state;
	assert_int_equal(mb_fail(NULL, EIO, "x"), -EIO);
	assert_int_equal(mb_fail_sys(NULL, EIO, "x"), -EIO);
	assert_int_equal(mb_wrap(NULL, -EIO, "x"), -EIO);
}

static void wrap_goes_in_front(void **state)
{
	struct mb_err err = MB_ERR_INIT;
	int r = mb_fail_sys(&err, EACCES, "cannot open '%s'", "lock");

	(void)state;
	assert_int_equal(mb_wrap(&err, r, "container '%s'", "web"), -EACCES);
	assert_int_equal(mb_wrap(&err, r, "start"), -EACCES);
	assert_string_equal(err.msg,
	                    "start: container 'web': cannot open 'lock': Permission denied");
	assert_int_equal(err.code, EACCES);
	assert_int_equal(mb_wrap(&err, 7, "again"), 7);
}

/* Whatever the lengths, the end of the message stays. */
static void wrap_never_cuts_the_root_cause(void **state)
{
	static const size_t lengths[] = {1,    100,  900,  1000, 1010, 1015,
	                                 1016, 1017, 1018, 1019, 3000};
	char cause[3001], context[3001], end[16];

	(void)state;
	for (size_t i = 0; i < N(lengths); i++) {
		size_t kept = lengths[i] < 1019 ? lengths[i] : 1019;

		memset(cause, 'r', lengths[i]);
		cause[lengths[i]] = '\0';
		cause[kept - 1] = '!';
		for (size_t k = 0; k < N(lengths); k++) {
			struct mb_err err = MB_ERR_INIT;

			memset(context, 'c', lengths[k]);
			context[lengths[k]] = '\0';
			mb_fail(&err, EIO, "%s", cause);
			for (int again = 0; again < 3; again++)
				mb_wrap(&err, -EIO, "%s", context);
			assert_true(strlen(err.msg) >= kept);
			assert_memory_equal(err.msg + strlen(err.msg) - kept, cause, kept);
			snprintf(end, sizeof(end), "%s", err.msg + strlen(err.msg) - 1);
			assert_string_equal(end, "!");
		}
	}
}

static void system_text_is_kept_whole(void **state)
{
	struct mb_err err = MB_ERR_INIT;
	char name[3000];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	mb_fail_sys(&err, ENOSPC, "cannot write '%s'", name);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_non_null(strstr(err.msg, "nnn: No space left on device"));
}

static void an_error_crosses_a_pipe(void **state)
{
	struct mb_err err = MB_ERR_INIT, got;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	mb_fail(&err, ENOTDIR, "it is so");
	assert_int_equal(write(ends[1], &err, sizeof(err)), sizeof(err));
	assert_int_equal(read(ends[0], &got, sizeof(got)), sizeof(got));
	assert_int_equal(got.code, ENOTDIR);
	assert_string_equal(got.msg, "it is so");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_tells_words_and_code),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(wrap_goes_in_front),
		cmocka_unit_test(wrap_never_cuts_the_root_cause),
		cmocka_unit_test(system_text_is_kept_whole),
		cmocka_unit_test(an_error_crosses_a_pipe),
	};

	return cmocka_run_group_tests_name("core/err", tests, NULL, NULL);
}
