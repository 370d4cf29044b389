/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <limits.h>
#include <sys/resource.h>

#include "build/content.h"
#include "build/key.h"
#include "build/state.h"
#include "build/walk.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "dockerfile/ignore.h"
#include "sys/tree.h"

static void touch(int dir_fd, const char *name)
{
	unit_write(dir_fd, name, "x", 1);
}

static int note_directory(void *arg, const char *path, int fd, const struct stat *st,
                          struct mb_err *err)
{
	(void)fd;
	(void)st;
	(void)err;
	mb_str_addf(arg, "%s/ ", path);
	return 0;
}

static int note_entry(void *arg, const char *path, int dir_fd, const char *name,
                      const struct stat *st, struct mb_err *err)
{
	(void)dir_fd;
	(void)name;
	(void)st;
	(void)err;
	mb_str_addf(arg, "%s ", path);
	return 0;
}

static bool skip_dot(void *arg, const char *path, bool is_directory)
{
	(void)arg;
	(void)is_directory;
	return strstr(path, "skip") != NULL;
}

static void trees_are_walked_in_order(void **state)
{
	UNIT_DIR dir;
	MB_AUTO_STR struct mb_str seen = MB_STR_INIT;
	const struct mb_build_walk walk = {note_directory, note_entry, skip_dot, &seen};

	(void)state;
	unit_dir_init(&dir);
	touch(dir.fd, "z");
	touch(dir.fd, "skip1");
	assert_int_equal(mkdirat(dir.fd, "b", 0755), 0);
	assert_int_equal(mkdirat(dir.fd, "a", 0755), 0);
	assert_int_equal(mkdirat(dir.fd, "a/c", 0755), 0);
	assert_int_equal(mkdirat(dir.fd, "skip2", 0755), 0);
	touch(dir.fd, "a/y");
	touch(dir.fd, "a/c/x");
	touch(dir.fd, "skip2/x");
	assert_int_equal(symlinkat("/", dir.fd, "b/link"), 0);
	assert_int_equal(mb_build_walk(dir.fd, &walk, NULL), 0);
	assert_string_equal(mb_str_text(&seen), "/ z a/ a/y a/c/ a/c/x b/ b/link ");
}

/* What was there when the directory was read goes, or becomes something else. */
static int note_and_change(void *arg, const char *path, int dir_fd, const char *name,
                           const struct stat *st, struct mb_err *err)
{
	if (mb_streq(path, "a")) {
		assert_int_equal(unlinkat(dir_fd, "b", 0), 0);
		assert_int_equal(unlinkat(dir_fd, "d", AT_REMOVEDIR), 0);
	} else if (mb_streq(path, "z")) {
		assert_int_equal(unlinkat(dir_fd, "e", AT_REMOVEDIR), 0);
		assert_int_equal(unlinkat(dir_fd, "f", AT_REMOVEDIR), 0);
		assert_int_equal(unlinkat(dir_fd, "g", AT_REMOVEDIR), 0);
		touch(dir_fd, "f");
		assert_int_equal(symlinkat("stays", dir_fd, "g"), 0);
	}
	return note_entry(arg, path, dir_fd, name, st, err);
}

static void what_goes_meanwhile_is_left_out_if_that_may_be(void **state)
{
	static const char *const directories[] = {"d", "e", "f", "g", "stays"};
	MB_AUTO_STR struct mb_str seen = MB_STR_INIT;
	struct mb_build_walk walk = {
		.directory = note_directory, .entry = note_and_change, .arg = &seen};

	(void)state;
	for (int live = 0; live < 2; live++) {
		UNIT_DIR dir;

		unit_dir_init(&dir);
		touch(dir.fd, "a");
		touch(dir.fd, "b");
		touch(dir.fd, "z");
		for (size_t i = 0; i < N(directories); i++)
			assert_int_equal(mkdirat(dir.fd, directories[i], 0755), 0);
		touch(dir.fd, "stays/x");
		walk.is_live = live;
		mb_str_reset(&seen);
		assert_int_equal(mb_build_walk(dir.fd, &walk, NULL), live ? 0 : -ENOENT);
		assert_string_equal(mb_str_text(&seen), live ? "/ a z stays/ stays/x " : "/ a ");
	}
}

/* Deeper than there are descriptors, and longer than a path may be. */
static void depth_costs_nothing(void **state)
{
	enum { DEPTH = 60, FEW = 32 };
	UNIT_DIR dir;
	char name[101] = {0};
	MB_AUTO_STR struct mb_str seen = MB_STR_INIT, path = MB_STR_INIT;
	const struct mb_build_walk walk = {note_directory, note_entry, NULL, &seen};
	struct rlimit before, few;
	int at, fd = -1;

	(void)state;
	unit_dir_init(&dir);
	memset(name, 'd', sizeof(name) - 1);
	at = dup(dir.fd);
	for (int i = 0; i < DEPTH; i++) {
		int next;

		assert_int_equal(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
		mb_str_addf(&path, "%s%s", i ? "/" : "", name);
	}
	close(at);
	assert_true(path.len > PATH_MAX);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = FEW;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(mb_sys_tree_open_across(dir.fd, mb_str_text(&path), &fd), 0);
	close(fd);
	assert_int_equal(mb_build_walk(dir.fd, &walk, NULL), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_non_null(strstr(mb_str_text(&seen), mb_str_text(&path)));
	/* Whoever cleans up goes by paths. */
	for (int i = 0; i < DEPTH; i++) {
		MB_AUTO_FREE char *two = mb_asprintf("%s/%s", name, name);

		if (renameat(dir.fd, two, dir.fd, "up") == 0) {
			assert_int_equal(unlinkat(dir.fd, name, AT_REMOVEDIR), 0);
			assert_int_equal(renameat(dir.fd, "up", dir.fd, name), 0);
		}
	}
}

static void links_lead_nowhere(void **state)
{
	UNIT_DIR dir;
	int fd = -1;

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mkdirat(dir.fd, "a", 0755), 0);
	assert_int_equal(symlinkat("a", dir.fd, "link"), 0);
	assert_true(mb_sys_tree_open_across(dir.fd, "link", &fd) < 0);
	assert_true(mb_sys_tree_open_across(dir.fd, "..", &fd) < 0);
	assert_true(mb_sys_tree_open_across(dir.fd, "a/../..", &fd) < 0);
	assert_int_equal(fd, -1);
}

/* The key of what @pattern means. */
static void key_of(const struct mb_build_root *root, const char *pattern, char text[MB_SHA256_TEXT])
{
	MB_AUTO_BUILD_ITEMS struct mb_build_items items = {0};
	struct mb_build_state state = {0};
	struct mb_build_key key;
	struct mb_err err = MB_ERR_INIT;

	mb_build_key_init(&key, "test", &state);
	if (mb_build_content_find(root, pattern, &items, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < items.n; i++)
		assert_int_equal(mb_build_content_hash(root, &items.v[i], &key, NULL), 0);
	mb_build_key_finish(&key, text);
}

static void keys_depend_on_content_and_not_on_time(void **state)
{
	UNIT_DIR dir;
	char first[MB_SHA256_TEXT], other[MB_SHA256_TEXT];
	const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct mb_build_root root = {.is_owned_by_root = true};

	(void)state;
	unit_dir_init(&dir);
	root.fd = dir.fd;
	assert_int_equal(mkdirat(dir.fd, "d", 0755), 0);
	touch(dir.fd, "d/a");
	key_of(&root, "d", first);
	assert_int_equal(utimensat(dir.fd, "d/a", old, 0), 0);
	key_of(&root, "./d/", other);
	assert_string_equal(first, other);
	assert_int_equal(fchmodat(dir.fd, "d/a", 0755, 0), 0);
	key_of(&root, "d", other);
	assert_string_not_equal(first, other);
	assert_int_equal(fchmodat(dir.fd, "d/a", 0600, 0), 0);
	key_of(&root, "d", other);
	assert_string_equal(first, other);
	assert_int_equal(renameat(dir.fd, "d/a", dir.fd, "d/b"), 0);
	key_of(&root, "d", other);
	assert_string_not_equal(first, other);
	unit_write(dir.fd, "d/b", "y", 1);
	assert_int_equal(renameat(dir.fd, "d/b", dir.fd, "d/a"), 0);
	key_of(&root, "d", other);
	assert_string_not_equal(first, other);
}

static void parts_of_a_key_do_not_run_together(void **state)
{
	static const char *const rows[][2] = {{"ab", "c"}, {"a", "bc"},   {"", "abc"},
	                                      {"abc", ""}, {"abc", NULL}, {NULL, "abc"}};
	char texts[N(rows)][MB_SHA256_TEXT];
	struct mb_build_state none = {0};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct mb_build_key key;

		mb_build_key_init(&key, "test", &none);
		mb_build_key_add(&key, rows[i][0]);
		mb_build_key_add(&key, rows[i][1]);
		mb_build_key_finish(&key, texts[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(texts[i], texts[j]);
	}
}

static void sources_are_found_in_their_root(void **state)
{
	UNIT_DIR dir;
	MB_AUTO_BUILD_ITEMS struct mb_build_items items = {0};
	MB_AUTO_IGNORE struct mb_dockerfile_ignore ignore = {0};
	struct mb_build_root root = {.ignore = &ignore};
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	unit_dir_init(&dir);
	root.fd = dir.fd;
	assert_int_equal(mkdirat(dir.fd, "d", 0755), 0);
	touch(dir.fd, "d/b.c");
	touch(dir.fd, "d/a.c");
	touch(dir.fd, "d/a.o");
	assert_int_equal(symlinkat("../../../../../../../etc", dir.fd, "up"), 0);
	assert_int_equal(mb_dockerfile_ignore_parse("d/b.c", 5, &ignore, NULL), 0);
	assert_int_equal(mb_build_content_find(&root, "d/*.c", &items, NULL), 0);
	assert_int_equal(items.n, 1);
	assert_string_equal(items.v[0].name, "a.c");
	assert_int_equal(mb_build_content_find(&root, "/../../d/a.o", &items, NULL), 0);
	assert_string_equal(items.v[1].path, "d/a.o");
	assert_int_equal(mb_build_content_find(&root, "up", &items, &err), -ENOENT);
	assert_string_equal(err.msg, "\"/up\": not found");
	assert_int_equal(mb_build_content_find(&root, "d/b.c", &items, &err), -ENOENT);
	assert_non_null(strstr(err.msg, ".dockerignore leaves it out"));
	assert_int_equal(mb_build_content_find(&root, "d/*.h", &items, &err), -ENOENT);
	assert_int_equal(mb_build_content_find(&root, "d/[", &items, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_are_walked_in_order),
		cmocka_unit_test(what_goes_meanwhile_is_left_out_if_that_may_be),
		cmocka_unit_test(depth_costs_nothing),
		cmocka_unit_test(links_lead_nowhere),
		cmocka_unit_test(keys_depend_on_content_and_not_on_time),
		cmocka_unit_test(parts_of_a_key_do_not_run_together),
		cmocka_unit_test(sources_are_found_in_their_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
