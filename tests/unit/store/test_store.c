/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_store.h"

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

static unsigned mode_of(int dirfd, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static bool is_there(int dirfd, const char *path)
{
	return faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void assert_refused(struct unit_store *s, int code, const char *words)
{
	struct mb_err err = MB_ERR_INIT;
	struct mb_store *store = NULL;
	unsigned before = unit_count_fds();

	assert_int_equal(mb_store_open(s->root, s->run, &store, &err), -code);
	if (!strstr(err.msg, words))
		fail_msg("'%s' has no '%s'", err.msg, words);
	assert_null(store);
	assert_int_equal(unit_count_fds(), before);
}

static void both_are_made_for_us_alone(void **state)
{
	UNIT_STORE s;
	char text[80];
	mode_t before = umask(0);

	(void)state;
	unit_store_init(&s);
	umask(before);
	assert_int_equal(mode_of(s.dir.fd, "root"), 0700);
	assert_int_equal(mode_of(s.dir.fd, "run"), 0700);
	unit_read(s.dir.fd, "root/VERSION", text, sizeof(text));
	assert_string_equal(text, "1\n");
	assert_int_equal(mode_of(s.dir.fd, "root/VERSION"), 0600);
	assert_int_equal(unit_read(s.dir.fd, "run/boot_id", text, sizeof(text)), 36);
	assert_true(fcntl(s.store->root_fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(s.store->run_fd, F_GETFD) & FD_CLOEXEC);
	assert_string_equal(s.store->root, s.root);
}

static void deep_paths_are_made(void **state)
{
	UNIT_STORE s;

	(void)state;
	unit_store_name(&s);
	mb_store_free(NULL);
	snprintf(s.root, sizeof(s.root), "%s/a/b/root/", s.dir.path);
	assert_int_equal(mb_store_open(s.root, s.run, &s.store, NULL), 0);
	assert_true(is_there(s.dir.fd, "a/b/root/VERSION"));
	assert_int_equal(mode_of(s.dir.fd, "a"), 0700);
}

static void a_relative_path_is_refused(void **state)
{
	UNIT_STORE s;

	(void)state;
	unit_store_name(&s);
	strcpy(s.root, "root");
	assert_refused(&s, EINVAL, "'root' is not an absolute path");
	s.root[0] = '\0';
	assert_refused(&s, EINVAL, "'' is not an absolute path");
}

static void what_others_may_write_is_refused(void **state)
{
	static const unsigned modes[] = {0770, 0707, 01777, 0722};
	UNIT_STORE s;

	(void)state;
	unit_store_name(&s);
	for (size_t i = 0; i < N(modes); i++) {
		assert_true(mkdir(s.root, 0700) == 0 || errno == EEXIST);
		assert_int_equal(chmod(s.root, modes[i]), 0);
		assert_refused(&s, EPERM, "may be written by others");
	}
	assert_int_equal(chmod(s.root, 0755), 0);
	assert_int_equal(mkdir(s.run, 0777), 0);
	assert_int_equal(chmod(s.run, 0775), 0);
	assert_refused(&s, EPERM, "(mode 0775)");
}

static void what_is_not_ours_is_refused(void **state)
{
	UNIT_STORE s;

	(void)state;
	unit_store_name(&s);
	if (geteuid() == 0) {
		assert_int_equal(mkdir(s.root, 0700), 0);
		assert_int_equal(chown(s.root, 12345, 0), 0);
		assert_refused(&s, EPERM, "belongs to user 12345, not to 0");
	} else {
		strcpy(s.root, "/usr");
		assert_refused(&s, EPERM, "belongs to user 0");
	}
}

static void what_is_no_directory_is_refused(void **state)
{
	UNIT_STORE s;

	(void)state;
	unit_store_name(&s);
	unit_write_text(s.dir.fd, "root", "x");
	assert_refused(&s, ENOTDIR, "cannot open");
	assert_int_equal(unlink(s.root), 0);
	assert_int_equal(symlink("nowhere", s.root), 0);
	assert_refused(&s, ENOENT, "cannot open");
}

static void versions(void **state)
{
	static const struct {
		const char *text;
		int code;
	} rows[] = {{"2\n", EPROTONOSUPPORT},
	            {"999", EPROTONOSUPPORT},
	            {"0\n", EBADMSG},
	            {"-1\n", EBADMSG},
	            {"", EBADMSG},
	            {"one\n", EBADMSG},
	            {"1\n1\n", EBADMSG},
	            {" 1\n", EBADMSG}};
	UNIT_STORE s;

	(void)state;
	unit_store_init(&s);
	for (size_t i = 0; i < N(rows); i++) {
		unit_write_text(s.dir.fd, "root/VERSION", rows[i].text);
		assert_refused(&s, rows[i].code,
		               rows[i].code == EBADMSG ? "VERSION' is corrupt" : "newer mybox");
	}
}

static void set_former_boot(struct unit_store *s)
{
	unit_write_text(s->dir.fd, "run/boot_id", "00000000-0000-0000-0000-000000000000");
	assert_int_equal(mkdirat(s->dir.fd, "run/c", 0700), 0);
	assert_int_equal(mkdirat(s->dir.fd, "run/c/x", 0700), 0);
	unit_write_text(s->dir.fd, "run/c/x/state.json", "{}");
	assert_int_equal(mkdirat(s->dir.fd, "run/net", 0700), 0);
	assert_int_equal(mkdirat(s->dir.fd, "root/containers", 0700), 0);
}

static void assert_cleared(struct unit_store *s)
{
	char text[80];

	assert_false(is_there(s->dir.fd, "run/c"));
	assert_false(is_there(s->dir.fd, "run/net"));
	assert_true(is_there(s->dir.fd, "root/containers"));
	unit_read(s->dir.fd, "run/boot_id", text, sizeof(text));
	assert_string_not_equal(text, "00000000-0000-0000-0000-000000000000");
	/* The next one finds all in order. */
	mb_store_free(s->store);
	assert_int_equal(mb_store_open(s->root, s->run, &s->store, NULL), 0);
}

static void another_boot_clears_what_ran(void **state)
{
	UNIT_STORE s;
	struct mb_store *again;

	(void)state;
	unit_store_init(&s);
	set_former_boot(&s);
	assert_int_equal(mb_store_open(s.root, s.run, &again, NULL), 0);
	mb_store_free(again);
	assert_cleared(&s);
	/* In the same boot everything stays. */
	assert_int_equal(mkdirat(s.dir.fd, "run/c", 0700), 0);
	assert_int_equal(mb_store_open(s.root, s.run, &again, NULL), 0);
	mb_store_free(again);
	assert_true(is_there(s.dir.fd, "run/c"));
}

/* All at once, into nothing and after a boot; none may fail or see another's half-way. */
static void many_open_at_once(void **state)
{
	enum { PROCESSES = 8 };

	(void)state;
	for (int round = 0; round < 4; round++) {
		UNIT_STORE s;
		struct unit_child c[PROCESSES];

		unit_store_name(&s);
		if (round % 2) {
			assert_int_equal(mb_store_open(s.root, s.run, &s.store, NULL), 0);
			set_former_boot(&s);
		}
		for (int i = 0; i < PROCESSES; i++)
			if (unit_child_fork(&c[i])) {
				struct mb_err err = MB_ERR_INIT;
				struct mb_store *store;
				int r;

				unit_hear(&c[i]);
				r = mb_store_open(s.root, s.run, &store, &err);
				if (r < 0)
					fprintf(stderr, "%s\n", err.msg);
				_exit(r < 0 || faccessat(store->run_fd, "c/x", F_OK, 0) == 0);
			}
		for (int i = 0; i < PROCESSES; i++)
			unit_say(&c[i], 'g');
		for (int i = 0; i < PROCESSES; i++)
			assert_int_equal(unit_child_end(&c[i]), 0);
		if (round % 2)
			assert_cleared(&s);
	}
}

static void directories_below(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int a = -1, b = -1, c = -1;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	unit_store_init(&s);
	assert_int_equal(mb_store_dir_find(s.store, "x", false, &a, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "/root/x'"));
	assert_int_equal(mb_store_dir(s.store, "x/y", false, &a, &err), 0);
	assert_int_equal(mb_store_dir(s.store, "x/y", true, &b, &err), 0);
	assert_int_equal(mode_of(s.dir.fd, "root/x/y"), 0700);
	assert_int_equal(mode_of(s.dir.fd, "run/x"), 0700);
	assert_true(fcntl(a, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(symlinkat("/", s.store->root_fd, "evil"), 0);
	unit_write_text(s.store->root_fd, "file", "");
	assert_int_equal(mb_store_dir(s.store, "evil", false, &c, &err), -ENOTDIR);
	assert_int_equal(mb_store_dir(s.store, "file", false, &c, &err), -ENOTDIR);
	assert_int_equal(mb_store_dir(s.store, "file/x", false, &c, &err), -ENOTDIR);
	assert_int_equal(c, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_are_made_for_us_alone),
		cmocka_unit_test(deep_paths_are_made),
		cmocka_unit_test(a_relative_path_is_refused),
		cmocka_unit_test(what_others_may_write_is_refused),
		cmocka_unit_test(what_is_not_ours_is_refused),
		cmocka_unit_test(what_is_no_directory_is_refused),
		cmocka_unit_test(versions),
		cmocka_unit_test(another_boot_clears_what_ran),
		cmocka_unit_test(many_open_at_once),
		cmocka_unit_test(directories_below),
	};

	return cmocka_run_group_tests_name("store/store", tests, NULL, NULL);
}
