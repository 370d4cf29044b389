/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "dockerfile/expand.h"
#include "dockerfile/pattern.h"

static const char *find(void *arg, const char *name)
{
	static const char *const env[][2] = {
		{"HOME", "/root"},  {"A", "value"},        {"EMPTY", ""},
		{"B", "two words"}, {"P", "a/b/c.tar.gz"}, {"NAME", "foobarbaz"},
		{"STARS", "a*b?c"}, {"_x1", "under"},
	};

	(void)arg;
	for (size_t i = 0; i < MB_N(env); i++)
		if (strcmp(env[i][0], name) == 0)
			return env[i][1];
	return NULL;
}

static const struct mb_dockerfile_scope scope = {.find = find, .escape = '\\'};

static void words_expand(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"plain", "plain"},
		{"$A", "value"},
		{"${A}", "value"},
		{"x$A/y", "xvalue/y"},
		{"$Ax", ""},
		{"${A}x", "valuex"},
		{"$_x1", "under"},
		{"\\$A", "$A"},
		{"\\\\$A", "\\value"},
		{"'$A'", "$A"},
		{"\"$A\"", "value"},
		{"\"\\$A\"", "$A"},
		{"\"a\\b\"", "a\\b"},
		{"\"a\\\"b\"", "a\"b"},
		{"a\\b", "ab"},
		{"'a\\b'", "a\\b"},
		{"a'b c'd", "ab cd"},
		{"\"it's\"", "it's"},
		{"'say \"hi\"'", "say \"hi\""},
		{"end\\", "end"},
		{"$", "$"},
		{"a$", "a$"},
		{"$ A", "$ A"},
		{"$%", "$%"},
		{"$1x", "x"},
		{"$12x", "x"},
		{"$?", ""},
		{"${A:-other}", "value"},
		{"${NOT:-other}", "other"},
		{"${NOT-other}", "other"},
		{"${EMPTY:-other}", "other"},
		{"${EMPTY-other}", ""},
		{"${A:+other}", "other"},
		{"${NOT:+other}", ""},
		{"${NOT+other}", ""},
		{"${EMPTY:+other}", ""},
		{"${EMPTY+other}", "other"},
		{"${NOT:-${A}}", "value"},
		{"${NOT:-${NOT2:-deep}}", "deep"},
		{"${NOT:-a\\}b}", "a}b"},
		{"${NOT:-'a}b'}", "a}b"},
		{"${NOT:-\"$A\"}", "value"},
		{"${A:?told}", "value"},
		{"${EMPTY?told}", ""},
		{"${P#*/}", "b/c.tar.gz"},
		{"${P##*/}", "c.tar.gz"},
		{"${P%.*}", "a/b/c.tar"},
		{"${P%%.*}", "a/b/c"},
		{"${P%/*}", "a/b"},
		{"${P%%/*}", "a"},
		{"${P#nothing}", "a/b/c.tar.gz"},
		{"${P#?}", "/b/c.tar.gz"},
		{"${P%?}", "a/b/c.tar.g"},
		{"${P##*}", ""},
		{"${P#*}", "a/b/c.tar.gz"},
		{"${NOT#x}", ""},
		{"${STARS#a\\*}", "b?c"},
		{"${STARS%\\?c}", "a*b"},
		{"${NAME/ba/--}", "foo--rbaz"},
		{"${NAME//ba/--}", "foo--r--z"},
		{"${NAME/o*r/X}", "fXbaz"},
		{"${NAME//a?/X}", "foobXbX"},
		{"${NAME/nothing/X}", "foobarbaz"},
		{"${NAME/bar/}", "foobaz"},
		{"${P/\\//:}", "a:b/c.tar.gz"},
		{"${P//\\//:}", "a:b:c.tar.gz"},
		{"${NAME/bar/$A}", "foovaluebaz"},
		{"${B}", "two words"},
		{"$HOME/$A", "/root/value"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *got = NULL;
		struct mb_err err = MB_ERR_INIT;

		if (mb_dockerfile_expand(&scope, rows[i][0], &got, &err) < 0)
			fail_msg("'%s': %s", rows[i][0], err.msg);
		if (strcmp(got, rows[i][1]) != 0)
			fail_msg("'%s' gives '%s', not '%s'", rows[i][0], got, rows[i][1]);
	}
}

static void what_is_wrong_is_told(void **state)
{
	static const char *const rows[][2] = {
		{"${A", "missing '}'"},
		{"${", "missing '}'"},
		{"${}", "bad substitution"},
		{"${:-x}", "bad substitution"},
		{"${{A}}", "bad substitution"},
		{"${A:x}", "unsupported modifier (:x)"},
		{"${A:#x}", "unsupported modifier (:#)"},
		{"${A!x}", "unsupported modifier (!)"},
		{"${A b}", "unsupported modifier ( )"},
		{"${NOT:?is needed}", "NOT: is needed"},
		{"${NOT?}", "NOT: is not allowed to be unset"},
		{"${EMPTY:?}", "EMPTY: is not allowed to be empty"},
		{"${A:-x", "missing '}'"},
		{"${A/x}", "missing '/' in ${}"},
		{"${A/x/y", "missing '}'"},
		{"'a", "matching single-quote"},
		{"\"a", "matching double-quote"},
		{"\"a\\", "matching double-quote"},
		{"${P#\\a}", "invalid escape"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *got = NULL;
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(mb_dockerfile_expand(&scope, rows[i][0], &got, &err), -EINVAL);
		assert_null(got);
		if (!strstr(err.msg, rows[i][1]) || !strstr(err.msg, "failed to process"))
			fail_msg("'%s' tells '%s'", rows[i][0], err.msg);
	}
}

static void words_split_outside_of_quotes(void **state)
{
	static const char *const rows[][2] = {
		{"a b  c", "a|b|c"},     {"  a ", "a"},
		{"'a b' c", "a b|c"},    {"$B", "two|words"},
		{"\"$B\"", "two words"}, {"x$B", "xtwo|words"},
		{"a\\ b c", "a b|c"},    {"$EMPTY a", "a"},
		{"'' a", "|a"},          {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
		MB_AUTO_FREE char *joined = NULL;

		assert_int_equal(mb_dockerfile_expand_words(&scope, rows[i][0], &words, NULL), 0);
		joined = words.n ? mb_strv_join(&words, "|") : mb_strdup("");
		if (strcmp(joined, rows[i][1]) != 0)
			fail_msg("'%s' gives '%s'", rows[i][0], joined);
	}
}

static void quotes_can_be_plain_or_stay(void **state)
{
	struct mb_dockerfile_scope plain = scope, stay = scope;
	MB_AUTO_FREE char *body = NULL, *word = NULL;

	(void)state;
	plain.quotes_are_plain = true;
	assert_int_equal(mb_dockerfile_expand(&plain, "it's \"$A\" \\$A", &body, NULL), 0);
	assert_string_equal(body, "it's \"value\" $A");
	stay.quotes_stay = true;
	assert_int_equal(mb_dockerfile_expand(&stay, "a'b c'\"$A\"\\x", &word, NULL), 0);
	assert_string_equal(word, "a'b c'\"value\"\\x");
}

static const char *find_big(void *arg, const char *name)
{
	(void)name;
	return arg;
}

static void results_are_bounded(void **state)
{
	MB_AUTO_FREE char *big = mb_malloc(600 * 1024 + 1), *got = NULL, *deep = NULL;
	struct mb_dockerfile_scope s = {.find = find_big, .arg = big, .escape = '\\'};
	MB_AUTO_STR struct mb_str nested = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	memset(big, 'a', 600 * 1024);
	big[600 * 1024] = '\0';
	assert_int_equal(mb_dockerfile_expand(&s, "$X", &got, &err), 0);
	assert_int_equal(mb_dockerfile_expand(&s, "$X$X", &deep, &err), -E2BIG);
	assert_int_equal(mb_dockerfile_expand(&s, "${X//a/aaaa}", &deep, &err), -E2BIG);
	for (int i = 0; i < 1000; i++)
		mb_str_add(&nested, "${N:-");
	assert_int_equal(mb_dockerfile_expand(&scope, mb_str_text(&nested), &deep, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "nested more than"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_expand),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(words_split_outside_of_quotes),
		cmocka_unit_test(quotes_can_be_plain_or_stay),
		cmocka_unit_test(results_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
