/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/dir.h"
#include "core/strv.h"

/* "b", ".a", the directory "below" with "x" in it, and "link" to it. */
static void fill(struct unit_dir *dir)
{
	unit_dir_init(dir);
	unit_write(dir->fd, "b", "", 0);
	unit_write(dir->fd, ".a", "", 0);
	assert_int_equal(mkdirat(dir->fd, "below", 0700), 0);
	unit_write(dir->fd, "below/x", "", 0);
	assert_int_equal(symlinkat("below", dir->fd, "link"), 0);
}

static void names_are_all_but_the_dots(void **state)
{
	UNIT_DIR dir;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

	(void)state;
	fill(&dir);
	assert_int_equal(mb_dir_names(dir.fd, ".", &names), 0);
	mb_strv_sort(&names);
	assert_int_equal(names.n, 4);
	assert_string_equal(names.v[0], ".a");
	assert_string_equal(names.v[1], "b");
	assert_string_equal(names.v[2], "below");
	assert_string_equal(names.v[3], "link");
}

static void names_are_added(void **state)
{
	UNIT_DIR dir;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

	(void)state;
	fill(&dir);
	mb_strv_add(&names, "before");
	assert_int_equal(mb_dir_names(dir.fd, "below", &names), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[1], "x");
}

static void links_are_not_followed(void **state)
{
	UNIT_DIR dir;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

	(void)state;
	fill(&dir);
	assert_true(mb_dir_names(dir.fd, "link", &names) < 0);
	assert_null(mb_dir_open(dir.fd, "link"));
	assert_int_equal(names.n, 0);
}

static void what_is_not_there_says_so(void **state)
{
	UNIT_DIR dir;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

	(void)state;
	fill(&dir);
	assert_int_equal(mb_dir_names(dir.fd, "nothing", &names), -ENOENT);
	assert_null(mb_dir_open(dir.fd, "nothing"));
	assert_int_equal(errno, ENOENT);
	assert_null(mb_dir_take(-1));
}

static void what_is_no_directory_is_closed(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_null(mb_dir_take(fd));
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

/* As would be if they were of one open file. */
static void two_of_one_directory_do_not_share_their_place(void **state)
{
	UNIT_DIR dir;
	MB_AUTO_CLOSEDIR DIR *first = NULL, *second = NULL;
	size_t n = 0;

	(void)state;
	fill(&dir);
	first = mb_dir_open(dir.fd, ".");
	assert_non_null(first);
	while (mb_dir_next(first))
		n++;
	assert_int_equal(n, 4);
	second = mb_dir_open(dirfd(first), ".");
	assert_non_null(second);
	assert_non_null(mb_dir_next(second));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_all_but_the_dots),
		cmocka_unit_test(names_are_added),
		cmocka_unit_test(links_are_not_followed),
		cmocka_unit_test(what_is_not_there_says_so),
		cmocka_unit_test(what_is_no_directory_is_closed),
		cmocka_unit_test(two_of_one_directory_do_not_share_their_place),
	};

	return cmocka_run_group_tests_name("core/dir", tests, NULL, NULL);
}
