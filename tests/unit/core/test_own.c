/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <sys/wait.h>

#include "core/err.h"
#include "core/own.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void a_descriptor_ends_with_its_scope(void **state)
{
	int seen;

	(void)state;
	{
		MB_AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		seen = fd;
		assert_true(is_open(seen));
		errno = ENOTTY;
	}
	assert_int_equal(errno, ENOTTY);
	assert_false(is_open(seen));
	{
		MB_AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		seen = mb_take_fd(&fd);
		assert_int_equal(fd, -1);
	}
	assert_true(is_open(seen));
	mb_close(&seen);
	assert_int_equal(seen, -1);
	errno = EXDEV;
	mb_close(&seen);
	assert_int_equal(errno, EXDEV);
}

static void a_stream_ends_with_its_scope(void **state)
{
	int seen;

	(void)state;
	{
		MB_AUTO_FCLOSE FILE *none = NULL;
		MB_AUTO_FCLOSE FILE *file = fopen("/dev/null", "re");

		assert_null(none);
		seen = fileno(file);
		assert_true(is_open(seen));
	}
	assert_false(is_open(seen));
}

static void memory_is_taken_and_set(void **state)
{
	MB_AUTO_FREE char *text = mb_strdup("abc");
	MB_AUTO_FREE char *taken = mb_take_ptr(&text);
	MB_AUTO_FREE char *part = mb_strndup("abcdef", 3);
	MB_AUTO_FREE char *made = mb_asprintf("%d-%s", 7, "x");
	MB_AUTO_FREE char *slot = NULL;

	(void)state;
	assert_null(text);
	assert_string_equal(taken, "abc");
	assert_string_equal(part, "abc");
	assert_string_equal(made, "7-x");
	assert_null(mb_strdup_or_null(NULL));
	mb_strset(&slot, "one");
	mb_strset(&slot, slot); /* from itself */
	assert_string_equal(slot, "one");
	mb_strset(&slot, "two");
	assert_string_equal(slot, "two");
	mb_strset(&slot, NULL);
	assert_null(slot);
	free(mb_malloc(0));
	free(mb_calloc(0, 0));
	free(mb_realloc(NULL, 0));
}

static void bounded_allocation_refuses(void **state)
{
	struct mb_err err = MB_ERR_INIT;
	void *p = NULL;

	(void)state;
	assert_int_equal(mb_alloc_bounded(SIZE_MAX / 2, 4, SIZE_MAX, &p, &err), -E2BIG);
	assert_int_equal(mb_alloc_bounded(11, 10, 100, &p, &err), -E2BIG);
	assert_string_equal(err.msg, "more than 100 bytes asked for");
	assert_null(p);
	assert_int_equal(mb_alloc_bounded(10, 10, 100, &p, &err), 0);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(((char *)p)[i], 0);
	free(p);
	assert_int_equal(mb_alloc_bounded(0, 10, 100, &p, &err), 0);
	assert_non_null(p);
	free(p);
}

static void memory_out_ends_the_process(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		close(STDERR_FILENO);
		mb_oom();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 125);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_ends_with_its_scope),
		cmocka_unit_test(a_stream_ends_with_its_scope),
		cmocka_unit_test(memory_is_taken_and_set),
		cmocka_unit_test(bounded_allocation_refuses),
		cmocka_unit_test(memory_out_ends_the_process),
	};

	return cmocka_run_group_tests_name("core/own", tests, NULL, NULL);
}
