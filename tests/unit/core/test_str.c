/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/own.h"
#include "core/str.h"

static void an_empty_one_is_usable(void **state)
{
	struct mb_str s = MB_STR_INIT;
	char *taken;

	(void)state;
	assert_string_equal(mb_str_text(&s), "");
	mb_str_reset(&s);
	mb_str_done(&s);
	taken = mb_str_take(&s);
	assert_string_equal(taken, "");
	free(taken);
	mb_str_addn(&s, NULL, 0);
	assert_string_equal(s.buf, "");
	mb_str_done(&s);
	assert_null(s.buf);
}

static void it_grows_and_stays_ended(void **state)
{
	MB_AUTO_STR struct mb_str s = MB_STR_INIT;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		mb_str_addc(&s, (char)('a' + i % 26));
		assert_int_equal(s.len, i + 1);
		assert_int_equal(s.buf[s.len], 0);
	}
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(s.buf[i], 'a' + i % 26);
	mb_str_reset(&s);
	mb_str_add(&s, "a");
	mb_str_addf(&s, "%s-%d", "b", 5);
	mb_str_addn(&s, "\0z", 2);
	assert_int_equal(s.len, 6);
	assert_memory_equal(s.buf, "ab-5\0z", 7);
}

static void long_formats_fit(void **state)
{
	MB_AUTO_STR struct mb_str s = MB_STR_INIT;
	MB_AUTO_FREE char *taken = NULL;

	(void)state;
	mb_str_addf(&s, "%*d|", 10000, 1);
	mb_str_addf(&s, "%s", "end");
	assert_int_equal(s.len, 10004);
	assert_string_equal(s.buf + 9999, "1|end");
	taken = mb_str_take(&s);
	assert_null(s.buf);
	assert_int_equal(s.len, 0);
	assert_int_equal(strlen(taken), 10004);
}

static void prefixes_and_suffixes(void **state)
{
	(void)state;
	assert_true(mb_starts_with("abc", ""));
	assert_true(mb_starts_with("abc", "ab"));
	assert_false(mb_starts_with("ab", "abc"));
	assert_true(mb_ends_with("abc", "bc"));
	assert_true(mb_ends_with("abc", ""));
	assert_false(mb_ends_with("c", "bc"));
	assert_string_equal(mb_skip_prefix("SIGTERM", "SIG"), "TERM");
	assert_null(mb_skip_prefix("TERM", "SIG"));
	assert_true(mb_streq("a", "a"));
	assert_true(mb_streq(NULL, NULL));
	assert_false(mb_streq("", NULL));
	assert_false(mb_streq(NULL, ""));
}

static void redacted_tells_no_user(void **state)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{"", ""},
		{"no address@all", "no address@all"},
		{"https://host/a@b", "https://host/a@b"},
		{"https://user:p@host/a@b", "https://xxxxx@host/a@b"},
		{"https://token@host:1/", "https://xxxxx@host:1/"},
		{"http://u:p@ss w'd@host", "http://xxxxx@host"},
		{"'git://a@b/c': 'http://u:p@d/e'", "'git://xxxxx@b/c': 'http://xxxxx@d/e'"},
		{"://@", "://xxxxx@"},
		{"http://h\nx@y", "http://h\nx@y"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *shown = mb_redact(rows[i].text);

		assert_string_equal(shown, rows[i].shown);
	}
}

static void printable_moves_no_terminal(void **state)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{"", ""},
		{"plain text", "plain text"},
		{"tab\tline\n", "tab\\x09line\\x0a"},
		{"\033[31mred\033[0m", "\\x1b[31mred\\x1b[0m"},
		{"del\177", "del\\x7f"},
		{"c1 \302\233", "c1 \\xc2\\x9b"},          /* U+009B, CSI */
		{"\342\200\256abc", "\\xe2\\x80\\xaeabc"}, /* U+202E */
		{"\342\201\246abc", "\\xe2\\x81\\xa6abc"}, /* U+2066 */
		{"\342\200\217", "\\xe2\\x80\\x8f"},       /* U+200F */
		{"\330\234", "\\xd8\\x9c"},                /* U+061C */
		{"gr\303\274n", "gr\303\274n"},            /* a letter is a letter */
		{"\360\237\220\263", "\360\237\220\263"},  /* and a whale is one */
		{"\300\257", "\\xc0\\xaf"},                /* too long a form of '/' */
		{"\355\240\200", "\\xed\\xa0\\x80"},       /* a surrogate */
		{"a\377b\303", "a\\xffb\\xc3"},            /* not UTF-8, and cut */
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		MB_AUTO_FREE char *shown = mb_printable(rows[i].text);

		assert_string_equal(shown, rows[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_one_is_usable),
		cmocka_unit_test(it_grows_and_stays_ended),
		cmocka_unit_test(long_formats_fit),
		cmocka_unit_test(prefixes_and_suffixes),
		cmocka_unit_test(printable_moves_no_terminal),
		cmocka_unit_test(redacted_tells_no_user),
	};

	return cmocka_run_group_tests_name("core/str", tests, NULL, NULL);
}
