/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/git_watch.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"

static void entries_without_bytes_have_a_bound(void **state)
{
	char dir[] = "/tmp/mybox-watch-XXXXXX", name[32];
	struct mb_build_git_watch watch;
	struct mb_err err = MB_ERR_INIT;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mb_build_git_watch_begin(&watch, fd);
	watch.limit = 40960;
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		assert_int_equal(symlinkat("nowhere", fd, name), 0);
	}
	assert_int_equal(mb_build_git_watch_measure(&watch, &err), 0);
	assert_int_equal(symlinkat("nowhere", fd, "last"), 0);
	assert_int_equal(mb_build_git_watch_measure(&watch, &err), -EFBIG);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		unlinkat(fd, name, 0);
	}
	unlinkat(fd, "last", 0);
	close(fd);
	rmdir(dir);
}

static void all_of_it_has_a_deadline(void **state)
{
	struct mb_build_git_watch watch;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	mb_build_git_watch_begin(&watch, -1);
	mb_build_git_watch_start(&watch, getpid());
	watch.next = 0;
	assert_int_equal(mb_build_git_watch_look(&watch, &err), 0);
	watch.next = 0;
	watch.begun -= INT64_C(5) * 3600 * MB_NSEC_PER_SEC;
	assert_int_equal(mb_build_git_watch_look(&watch, &err), -ETIMEDOUT);
	assert_string_equal(err.msg, "git has taken more than 4 hours");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_without_bytes_have_a_bound),
		cmocka_unit_test(all_of_it_has_a_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
