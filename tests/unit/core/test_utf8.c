/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/utf8.h"

static size_t encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static void every_character_decodes(void **state)
{
	(void)state;
	/* All of the basic plane, every 13th above it, and what lies behind the last. */
	for (uint32_t c = 0; c < 0x110100; c += c < 0x10000 ? 1 : 13) {
		char text[4];
		uint32_t got = 4711;
		size_t n = encode(c, text);
		bool is_one = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);

		if (mb_utf8_decode(text, n, &got) != (is_one ? n : 0) || got != (is_one ? c : 4711))
			fail_msg("U+%04X", c);
		if (n > 1 && mb_utf8_decode(text, n - 1, &got) != 0)
			fail_msg("U+%04X cut", c);
	}
	assert_int_equal(mb_utf8_decode("", 0, NULL), 0);
}

static void bad_sequences(void **state)
{
	static const char *const bad[] = {
		"\200",
		"\277",
		"\300\200",
		"\301\277",
		"\340\200\200",
		"\340\237\277",
		"\360\200\200\200",
		"\360\217\277\277",
		"\355\240\200",
		"\364\220\200\200",
		"\365\200\200\200",
		"\376",
		"\377",
		"\303(",
		"\342\202",
		"\342(\241",
		"a\200b",
	};

	(void)state;
	for (size_t i = 0; i < N(bad); i++)
		if (mb_utf8_is_valid(bad[i], strlen(bad[i])))
			fail_msg("row %zu is not UTF-8", i);
	assert_true(mb_utf8_is_valid("", 0));
	assert_true(mb_utf8_is_valid("a\0b", 3));
	assert_true(mb_utf8_is_valid("gr\303\274n \342\202\254 \360\237\220\263", 14));
}

static void widths(void **state)
{
	(void)state;
	assert_int_equal(mb_utf8_width(""), 0);
	assert_int_equal(mb_utf8_width("abc"), 3);
	assert_int_equal(mb_utf8_width("gr\303\274n"), 4);
	assert_int_equal(mb_utf8_width("\346\227\245\346\234\254"), 4); /* two ideographs */
	assert_int_equal(mb_utf8_width("\360\237\220\263"), 2);         /* an emoji */
	assert_int_equal(mb_utf8_width("e\314\201"), 1);                /* e and its accent */
	assert_int_equal(mb_utf8_width("a\377b"), 3);                   /* what is not UTF-8 */
	assert_int_equal(mb_utf8_width("\342\200\246"), 1);             /* an ellipsis */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character_decodes),
		cmocka_unit_test(bad_sequences),
		cmocka_unit_test(widths),
	};

	return cmocka_run_group_tests_name("core/utf8", tests, NULL, NULL);
}
