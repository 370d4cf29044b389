/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/id.h"
#include "core/parse.h"

static void ids_are_hex_and_differ(void **state)
{
	char last[MB_ID_TEXT] = "", id[MB_ID_TEXT];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		mb_id_make(id);
		assert_true(mb_hex_is_valid(id, MB_ID_LEN));
		assert_true(strspn(id, "0123456789") < MB_ID_SHORT);
		assert_string_not_equal(id, last);
		memcpy(last, id, sizeof(id));
	}
}

static void hex_of_bytes(void **state)
{
	char text[9] = "xxxxxxxx";

	(void)state;
	mb_hex_format("\000\017\360\377", 4, text);
	assert_string_equal(text, "000ff0ff");
	mb_hex_format("", 0, text);
	assert_string_equal(text, "");
}

static void random_bytes_are_all_written(void **state)
{
	unsigned char seen[300] = {0}, bytes[300];

	(void)state;
	for (int i = 0; i < 20; i++) {
		mb_random(bytes, sizeof(bytes));
		for (size_t k = 0; k < sizeof(bytes); k++)
			seen[k] |= bytes[k];
	}
	for (size_t k = 0; k < sizeof(seen); k++)
		assert_int_not_equal(seen[k], 0);
	mb_random(bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_hex_and_differ),
		cmocka_unit_test(hex_of_bytes),
		cmocka_unit_test(random_bytes_are_all_written),
	};

	return cmocka_run_group_tests_name("core/id", tests, NULL, NULL);
}
