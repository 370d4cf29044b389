/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_store.h"

#include <sys/file.h>

#include "core/str.h"
#include "store/sweep.h"

struct found {
	struct mb_str text;
	unsigned n, repaired;
};

static void finding(void *arg, const char *subject, const char *problem, bool repaired)
{
	struct found *f = arg;

	mb_str_addf(&f->text, "%s %s\n", subject, problem);
	f->n++;
	f->repaired += repaired;
}

static size_t check(struct unit_store *s, bool repair, struct found *f)
{
	const struct mb_store_check_request request = {
		.repair = repair, .finding = finding, .arg = f};
	size_t left = 99;

	mb_str_reset(&f->text);
	f->n = f->repaired = 0;
	assert_int_equal(mb_store_check(s->store, &request, &left, NULL), 0);
	return left;
}

static bool is_there(struct unit_store *s, const char *path)
{
	return faccessat(s->dir.fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void what_was_never_finished_goes(void **state)
{
	static const char *const garbage[] = {
		"root/.tmp-0123456789abcdef", "root/refs/.tmp-0123456789abcdef",
		"root/containers/x/.tmp-0123456789abcdef", "run/.tmp-0123456789abcdef"};
	static const char *const good[] = {"root/refs/a", "root/refs/.tmp-0123456789abcdeg",
	                                   "root/refs/.tmp-", "root/containers/x/container.json"};
	UNIT_STORE s;
	struct found f = {0};

	(void)state;
	unit_store_init(&s);
	assert_int_equal(check(&s, true, &f), 0);
	assert_int_equal(f.n, 0);
	assert_int_equal(mkdirat(s.dir.fd, "root/refs", 0700), 0);
	assert_int_equal(mkdirat(s.dir.fd, "root/containers", 0700), 0);
	assert_int_equal(mkdirat(s.dir.fd, "root/containers/x", 0700), 0);
	for (size_t i = 0; i < N(garbage); i++)
		unit_write_text(s.dir.fd, garbage[i], "");
	for (size_t i = 0; i < N(good); i++)
		unit_write_text(s.dir.fd, good[i], "");
	assert_int_equal(check(&s, false, &f), N(garbage));
	assert_int_equal(f.repaired, 0);
	for (size_t i = 0; i < N(garbage); i++)
		assert_true(is_there(&s, garbage[i]));
	assert_int_equal(check(&s, true, &f), 0);
	assert_int_equal(f.repaired, N(garbage));
	for (size_t i = 0; i < N(garbage); i++)
		assert_false(is_there(&s, garbage[i]));
	for (size_t i = 0; i < N(good); i++)
		assert_true(is_there(&s, good[i]));
	assert_int_equal(check(&s, true, &f), 0);
	mb_str_done(&f.text);
}

static void who_still_writes_is_let_alone(void **state)
{
	static const char name[] = "root/.tmp-0123456789abcdef";
	UNIT_STORE s;
	struct found f = {0};
	int fd;

	(void)state;
	unit_store_init(&s);
	unit_write_text(s.dir.fd, name, "");
	fd = openat(s.dir.fd, name, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(check(&s, true, &f), 0);
	assert_true(is_there(&s, name));
	close(fd);
	assert_int_equal(check(&s, true, &f), 0);
	assert_int_equal(f.repaired, 1);
	assert_false(is_there(&s, name));
	mb_str_done(&f.text);
}

static void a_former_boots_leftovers_go(void **state)
{
	UNIT_STORE s;
	struct found f = {0};

	(void)state;
	unit_store_init(&s);
	assert_int_equal(mkdirat(s.dir.fd, "run/.stale-00", 0700), 0);
	assert_int_equal(mkdirat(s.dir.fd, "run/.stale-00/c", 0700), 0);
	assert_int_equal(check(&s, false, &f), 1);
	assert_int_equal(check(&s, true, &f), 0);
	assert_int_equal(f.repaired, 1);
	assert_false(is_there(&s, "run/.stale-00"));
	mb_str_done(&f.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_never_finished_goes),
		cmocka_unit_test(who_still_writes_is_let_alone),
		cmocka_unit_test(a_former_boots_leftovers_go),
	};

	return cmocka_run_group_tests_name("store/sweep", tests, NULL, NULL);
}
