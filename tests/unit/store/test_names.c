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
		cmocka_unit_test(what_stands_in_its_place_is_absent),
		cmocka_unit_test(one_of_many_wins),
	};

	return cmocka_run_group_tests_name("store/names", tests, NULL, NULL);
}
