/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_store.h"

#include "core/err.h"
#include "core/own.h"
#include "store/lock.h"

static int take(struct mb_store *store, const char *name, bool exclusive, int *ret_fd)
{
	return mb_store_lock(store, MB_RANK_CONTAINER, name, exclusive, false, ret_fd, NULL);
}

/* Ask another process, which has no descriptor of ours. */
static int ask_other(struct unit_store *s, const char *name, bool exclusive)
{
	struct unit_child c;
	int status;

	if (unit_child_fork(&c)) {
		struct mb_store *store;
		int fd;

		if (mb_store_open(s->root, s->run, &store, NULL) < 0)
			_exit(99);
		_exit(take(store, name, exclusive, &fd));
	}
	status = unit_child_end(&c);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void exclusive_and_shared(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int fd = -1, second = -1;

	(void)state;
	unit_store_init(&s);
	assert_int_equal(take(s.store, "a", true, &fd), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(ask_other(&s, "a", true), MB_STORE_BUSY);
	assert_int_equal(ask_other(&s, "a", false), MB_STORE_BUSY);
	assert_int_equal(ask_other(&s, "b", true), 0);
	/* Two openings of one process exclude each other too. */
	assert_int_equal(take(s.store, "a", true, &second), MB_STORE_BUSY);
	assert_int_equal(second, -1);
	mb_close(&fd);
	assert_int_equal(take(s.store, "a", false, &fd), 0);
	assert_int_equal(ask_other(&s, "a", false), 0);
	assert_int_equal(ask_other(&s, "a", true), MB_STORE_BUSY);
	mb_close(&fd);
	assert_int_equal(ask_other(&s, "a", true), 0);
}

static void the_holder_signs(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int fd = -1;
	char text[32];

	(void)state;
	unit_store_init(&s);
	assert_int_equal(take(s.store, "a", true, &fd), 0);
	unit_read(s.store->run_fd, "locks/a", text, sizeof(text));
	assert_int_equal(strtol(text, NULL, 10), getpid());
}

static void a_killed_holder_lets_go(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int fd = -1;
	struct unit_child c;

	(void)state;
	unit_store_init(&s);
	if (unit_child_fork(&c)) {
		unit_say(&c, take(s.store, "a", true, &fd) == 0 ? 'y' : 'n');
		pause();
		_exit(1);
	}
	assert_int_equal(unit_hear(&c), 'y');
	assert_int_equal(take(s.store, "a", true, &fd), MB_STORE_BUSY);
	kill(c.pid, SIGKILL);
	unit_child_end(&c);
	assert_int_equal(take(s.store, "a", true, &fd), 0);
}

static void a_waiter_gets_it_next(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int fd = -1;
	struct unit_child c;

	(void)state;
	unit_store_init(&s);
	assert_int_equal(take(s.store, "a", true, &fd), 0);
	if (unit_child_fork(&c)) {
		struct mb_store *store;
		int mine, r;

		/* The inherited descriptor is the same lock: it must go first. */
		close(fd);
		if (mb_store_open(s.root, s.run, &store, NULL) < 0)
			_exit(1);
		unit_say(&c, 'w');
		r = mb_store_lock(store, MB_RANK_CONTAINER, "a", true, true, &mine, NULL);
		unit_say(&c, r == 0 ? 'y' : 'n');
		_exit(0);
	}
	assert_int_equal(unit_hear(&c), 'w');
	usleep(5000);
	assert_int_equal(fcntl(c.in, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(unit_hear(&c), '\0');
	assert_int_equal(fcntl(c.in, F_SETFL, 0), 0);
	mb_close(&fd);
	assert_int_equal(unit_hear(&c), 'y');
	unit_child_end(&c);
}

/* Who waited for a lock that was retired must not believe that it holds what others take now. */
static void a_retired_lock_is_nobodys(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int fd = -1, second = -1;
	struct unit_child c;

	(void)state;
	unit_store_init(&s);
	assert_int_equal(take(s.store, "a", true, &fd), 0);
	if (unit_child_fork(&c)) {
		struct mb_store *store;
		int mine, r;

		close(fd);
		if (mb_store_open(s.root, s.run, &store, NULL) < 0)
			_exit(1);
		unit_say(&c, 'w');
		r = mb_store_lock(store, MB_RANK_CONTAINER, "a", true, true, &mine, NULL);
		unit_say(&c, r == 0 ? 'y' : 'n');
		unit_hear(&c);
		_exit(0);
	}
	assert_int_equal(unit_hear(&c), 'w');
	usleep(5000);
	mb_store_lock_retire(s.store, "a", fd);
	assert_int_equal(faccessat(s.store->run_fd, "locks/a", F_OK, 0), -1);
	mb_close(&fd);
	assert_int_equal(unit_hear(&c), 'y');
	assert_int_equal(faccessat(s.store->run_fd, "locks/a", F_OK, 0), 0);
	assert_int_equal(take(s.store, "a", true, &second), MB_STORE_BUSY);
	unit_say(&c, 'q');
	unit_child_end(&c);
	assert_int_equal(take(s.store, "a", true, &second), 0);
	/* Retiring what is not there is nothing. */
	mb_store_lock_retire(s.store, "b", second);
}

/* Many processes, one counter: what is counted under the lock is never lost. */
static void nothing_is_lost_under_it(void **state)
{
	enum { PROCESSES = 6, ROUNDS = 40 };
	UNIT_STORE s;
	struct unit_child c[PROCESSES];
	char text[32];

	(void)state;
	unit_store_init(&s);
	unit_write_text(s.dir.fd, "n", "0");
	for (int i = 0; i < PROCESSES; i++) {
		if (!unit_child_fork(&c[i]))
			continue;
		for (int k = 0; k < ROUNDS; k++) {
			char n[32];
			int fd;

			if (mb_store_lock(s.store, MB_RANK_NAME, "n", true, true, &fd, NULL))
				_exit(1);
			unit_read(s.dir.fd, "n", n, sizeof(n));
			snprintf(n, sizeof(n), "%ld", strtol(n, NULL, 10) + 1);
			unit_write_text(s.dir.fd, "n", n);
			if (k % 8 == 0)
				mb_store_lock_retire(s.store, "n", fd);
			close(fd);
		}
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++)
		assert_int_equal(unit_child_end(&c[i]), 0);
	unit_read(s.dir.fd, "n", text, sizeof(text));
	assert_int_equal(strtol(text, NULL, 10), PROCESSES * ROUNDS);
}

static void what_stands_in_its_place_is_refused(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int fd = -1, locks = -1;

	(void)state;
	unit_store_init(&s);
	assert_int_equal(mb_store_dir(s.store, "locks", true, &locks, NULL), 0);
	assert_int_equal(symlinkat("/tmp/elsewhere", locks, "a"), 0);
	assert_int_equal(mkdirat(locks, "b", 0700), 0);
	assert_int_equal(take(s.store, "a", true, &fd), -ELOOP);
	assert_int_equal(take(s.store, "b", true, &fd), -EISDIR);
}

#ifndef NDEBUG
static bool aborts(struct unit_store *s, enum mb_store_rank first, enum mb_store_rank then,
                   bool close_first)
{
	struct unit_child c;
	int status;

	if (unit_child_fork(&c)) {
		int fd, second;

		close(STDERR_FILENO);
		if (mb_store_lock(s->store, first, "one", true, true, &fd, NULL) < 0)
			_exit(1);
		if (close_first)
			close(fd);
		if (mb_store_lock(s->store, then, "two", true, true, &second, NULL) < 0)
			_exit(1);
		_exit(0);
	}
	status = unit_child_end(&c);
	assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
	return status != 0;
}

static void ranks_only_go_up(void **state)
{
	UNIT_STORE s;

	(void)state;
	unit_store_init(&s);
	assert_false(aborts(&s, MB_RANK_STORE, MB_RANK_LEAF, false));
	assert_false(aborts(&s, MB_RANK_NETWORK, MB_RANK_NETWORK, false));
	assert_true(aborts(&s, MB_RANK_LEAF, MB_RANK_STORE, false));
	assert_true(aborts(&s, MB_RANK_IMAGE, MB_RANK_CONTAINER, false));
	/* One that was given back does not count. */
	assert_false(aborts(&s, MB_RANK_LEAF, MB_RANK_STORE, true));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exclusive_and_shared),
		cmocka_unit_test(the_holder_signs),
		cmocka_unit_test(a_killed_holder_lets_go),
		cmocka_unit_test(a_waiter_gets_it_next),
		cmocka_unit_test(a_retired_lock_is_nobodys),
		cmocka_unit_test(nothing_is_lost_under_it),
		cmocka_unit_test(what_stands_in_its_place_is_refused),
#ifndef NDEBUG
		cmocka_unit_test(ranks_only_go_up),
#endif
	};

	return cmocka_run_group_tests_name("store/lock", tests, NULL, NULL);
}
