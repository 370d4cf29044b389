/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_store.h"

#include "core/err.h"
#include "core/id.h"

static const char one[] = "1111111111111111111111111111111111111111111111111111111111111111";
static const char two[] = "2222222222222222222222222222222222222222222222222222222222222222";

static void claim_find_release(void **state)
{
	UNIT_DIR dir;
	char id[MB_ID_TEXT] = "";

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mb_store_name_find(dir.fd, "web", id, NULL), MB_STORE_ABSENT);
	assert_int_equal(mb_store_name_claim(dir.fd, "web", one, NULL, NULL), 0);
	assert_int_equal(mb_store_name_claim(dir.fd, "web", two, id, NULL), MB_STORE_TAKEN);
	assert_string_equal(id, one);
	assert_int_equal(mb_store_name_claim(dir.fd, "web", two, NULL, NULL), MB_STORE_TAKEN);
	assert_int_equal(mb_store_name_find(dir.fd, "web", id, NULL), 0);
	assert_string_equal(id, one);
	/* Only who holds it gives it up. */
	assert_int_equal(mb_store_name_release(dir.fd, "web", two, NULL), 0);
	assert_int_equal(mb_store_name_find(dir.fd, "web", id, NULL), 0);
	assert_int_equal(mb_store_name_release(dir.fd, "web", one, NULL), 0);
	assert_int_equal(mb_store_name_release(dir.fd, "web", one, NULL), 0);
	assert_int_equal(mb_store_name_find(dir.fd, "web", id, NULL), MB_STORE_ABSENT);
}

/* ext4 keeps targets of less than sixty bytes in the inode. */
static void links_are_short_and_begin_with_the_short_id(void **state)
{
	UNIT_DIR dir;
	char made[MB_ID_TEXT], id[MB_ID_TEXT], link[80];
	ssize_t n;

	(void)state;
	unit_dir_init(&dir);
	for (int i = 0; i < 100; i++) {
		mb_id_make(made);
		assert_int_equal(mb_store_name_claim(dir.fd, "web", made, NULL, NULL), 0);
		n = readlinkat(dir.fd, "web", link, sizeof(link));
		assert_in_range(n, MB_ID_SHORT, 59);
		assert_memory_equal(link, made, MB_ID_SHORT);
		assert_int_equal(mb_store_name_find(dir.fd, "web", id, NULL), 0);
		assert_string_equal(id, made);
		assert_int_equal(mb_store_name_release(dir.fd, "web", made, NULL), 0);
	}
	assert_int_equal(mb_store_name_claim(dir.fd, "web", "short", NULL, NULL), -EINVAL);
}

static void whole_ids_are_read(void **state)
{
	UNIT_DIR dir;
	char id[MB_ID_TEXT];

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(symlinkat(one, dir.fd, "old"), 0);
	assert_int_equal(mb_store_name_find(dir.fd, "old", id, NULL), 0);
	assert_string_equal(id, one);
	assert_int_equal(mb_store_name_release(dir.fd, "old", one, NULL), 0);
	assert_int_equal(mb_store_name_find(dir.fd, "old", id, NULL), MB_STORE_ABSENT);
}

/* What no claim has made is nobody's name. */
static void what_stands_in_its_place_is_absent(void **state)
{
	UNIT_DIR dir;
	char id[MB_ID_TEXT] = "untouched", longer[MB_ID_TEXT + 1];

	(void)state;
	unit_dir_init(&dir);
	snprintf(longer, sizeof(longer), "%sa", one);
	assert_int_equal(symlinkat("/etc/passwd", dir.fd, "path"), 0);
	assert_int_equal(symlinkat("abc", dir.fd, "short"), 0);
	assert_int_equal(symlinkat(longer, dir.fd, "long"), 0);
	assert_int_equal(mkdirat(dir.fd, "dir", 0700), 0);
	unit_write_text(dir.fd, "file", one);
	assert_int_equal(mb_store_name_find(dir.fd, "path", id, NULL), MB_STORE_ABSENT);
	assert_int_equal(mb_store_name_find(dir.fd, "short", id, NULL), MB_STORE_ABSENT);
	assert_int_equal(mb_store_name_find(dir.fd, "long", id, NULL), MB_STORE_ABSENT);
	assert_int_equal(
		symlinkat("111111111111 not what pack() makes of an id at all", dir.fd, "p"), 0);
	assert_int_equal(symlinkat("11111111111g00000000000000000000000000000000000", dir.fd, "q"),
	                 0);
	assert_int_equal(symlinkat("111111111111000000000000/0000000000000000000000", dir.fd, "r"),
	                 0);
	for (const char *bad = "pqr"; *bad; bad++)
		assert_int_equal(mb_store_name_find(dir.fd, (char[]){*bad, 0}, id, NULL),
		                 MB_STORE_ABSENT);
	assert_int_equal(mb_store_name_find(dir.fd, "dir", id, NULL), MB_STORE_ABSENT);
	assert_int_equal(mb_store_name_find(dir.fd, "file", id, NULL), MB_STORE_ABSENT);
	assert_string_equal(id, "untouched");
	assert_int_equal(mb_store_name_claim(dir.fd, "path", one, id, NULL), MB_STORE_TAKEN);
	assert_string_equal(id, "");
	assert_int_equal(mb_store_name_release(dir.fd, "dir", one, NULL), 0);
}

static void one_of_many_wins(void **state)
{
	enum { PROCESSES = 10 };
	UNIT_DIR dir;
	struct unit_child c[PROCESSES];
	unsigned won = 0;

	(void)state;
	unit_dir_init(&dir);
	for (int i = 0; i < PROCESSES; i++)
		if (unit_child_fork(&c[i])) {
			char id[MB_ID_TEXT], holder[MB_ID_TEXT];

			mb_id_make(id);
			unit_hear(&c[i]);
			_exit(mb_store_name_claim(dir.fd, "web", id, holder, NULL));
		}
	for (int i = 0; i < PROCESSES; i++)
		unit_say(&c[i], 'g');
	for (int i = 0; i < PROCESSES; i++) {
		int status = unit_child_end(&c[i]);

		assert_true(WIFEXITED(status));
		won += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(won, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claim_find_release),
		cmocka_unit_test(links_are_short_and_begin_with_the_short_id),
		cmocka_unit_test(whole_ids_are_read),
		cmocka_unit_test(what_stands_in_its_place_is_absent),
		cmocka_unit_test(one_of_many_wins),
	};

	return cmocka_run_group_tests_name("store/names", tests, NULL, NULL);
}
