/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/err.h"
#include "core/own.h"
#include "dockerfile/glob.h"
#include "dockerfile/ignore.h"

static void globs_match(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool is_deep, matches;
	} rows[] = {
		{"a", "a", false, true},
		{"a", "b", false, false},
		{"a", "ab", false, false},
		{"*", "abc", false, true},
		{"*", "", false, true},
		{"*", "a/b", false, false},
		{"*/b", "a/b", false, true},
		{"a*c", "abbc", false, true},
		{"a*c", "ac", false, true},
		{"a*c", "ab/c", false, false},
		{"?", "a", false, true},
		{"?", "", false, false},
		{"?", "/", false, false},
		{"a?c", "abc", false, true},
		{"[abc]", "b", false, true},
		{"[abc]", "d", false, false},
		{"[a-c]x", "bx", false, true},
		{"[^a-c]x", "dx", false, true},
		{"[^a-c]x", "bx", false, false},
		{"[^a]", "/", false, false},
		{"[]]", "]", false, true},
		{"[a\\]]", "]", false, true},
		{"[-a]", "-", false, true},
		{"\\*", "*", false, true},
		{"\\*", "a", false, false},
		{"a\\?", "a?", false, true},
		{"**", "a/b", false, false},
		{"**", "a/b/c", true, true},
		{"**/b", "b", true, true},
		{"**/b", "a/b", true, true},
		{"**/b", "x/a/b", true, true},
		{"**/b", "ab", true, false},
		{"a/**/b", "a/b", true, true},
		{"a/**/b", "a/x/y/b", true, true},
		{"a/**/b", "axb", true, false},
		{"a/**", "a/x/y", true, true},
		{"a/**", "a", true, false},
		{"a/**", "ab", true, false},
		{"**.go", "x/y.go", true, true},
		{"**/*.go", "y.go", true, true},
		{"**/*.go", "x/y.go", true, true},
		{"**/*.go", "x/y.goo", true, false},
		{"**/**/b", "b", true, true},
		{"**/**/b", "x/b", true, true},
		{"a**/b", "ax/y/b", true, true},
		{"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false,
	         false},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_dockerfile_glob glob = {0};

		assert_int_equal(
			mb_dockerfile_glob_parse(rows[i].pattern, rows[i].is_deep, &glob, NULL), 0);
		if (mb_dockerfile_glob_matches(&glob, rows[i].path, strlen(rows[i].path)) !=
		    rows[i].matches)
			fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].path);
		mb_dockerfile_glob_done(&glob);
	}
}

static void globs_that_do_not_end_are_told(void **state)
{
	static const char *const rows[] = {"[", "[a", "[a-", "[]", "[^", "a\\", "[a\\", "[a-\\"};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_dockerfile_glob glob = {0};
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(mb_dockerfile_glob_parse(rows[i], false, &glob, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "syntax error in pattern"));
	}
}

static void ignore_rules(void **state)
{
	static const struct {
		const char *text, *path;
		bool ignored;
	} rows[] = {
		{"", "a", false},
		{"a", "a", true},
		{"a", "a/b", true},
		{"a", "b/a", false},
		{"/a", "a", true},
		{"a/", "a/b", true},
		{"./a", "a", true},
		{"x/../a", "a", true},
		{"../a", "a", true},
		{"*/temp*", "somedir/temporary.txt", true},
		{"*/temp*", "somedir/temp", true},
		{"*/temp*", "temp", false},
		{"*/*/temp*", "a/b/temporary.txt", true},
		{"temp?", "tempa", true},
		{"temp?", "temp", false},
		{"**/*.go", "a/b/c.go", true},
		{"**/*.go", "c.go", true},
		{"*.md\n!README.md", "README.md", false},
		{"*.md\n!README.md", "OTHER.md", true},
		{"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true},
		{"*.md\nREADME-secret.md\n!README*.md", "README-secret.md", false},
		{"*\n!src", "src/main.c", false},
		{"*\n!src\nsrc/*.o", "src/main.o", true},
		{"*\n!src\nsrc/*.o", "src/main.c", false},
		{"# a\nb", "a", false},
		{"# a\nb", "b", true},
		{" #a", "#a", true},
		{"  a  \n", "a", true},
		{"a\r\nb\r\n", "a", true},
		{"a\r\nb\r\n", "b", true},
		{"\xef\xbb\xbf"
	         "a",
	         "a", true},
		{"! a\n", "a", false},
		{"a\n! a\n", "a", false},
		{".", "a", false},
		{"..", "a", false},
		{"/", "a", false},
		{"\n\n\n", "a", false},
		{"a b", "a b", true},
		{"\\!a", "!a", true},
		{"node_modules", "x/node_modules", false},
		{"**/node_modules", "x/node_modules/y/z", true},
		{"Dockerfile*\n.dockerignore", ".dockerignore", true},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_IGNORE struct mb_dockerfile_ignore ignore = {0};

		assert_int_equal(mb_dockerfile_ignore_parse(rows[i].text, strlen(rows[i].text),
		                                            &ignore, NULL),
		                 0);
		if (mb_dockerfile_ignore_has(&ignore, rows[i].path) != rows[i].ignored)
			fail_msg("'%s' and '%s'", rows[i].text, rows[i].path);
	}
}

static void wrong_lines_are_told(void **state)
{
	MB_AUTO_IGNORE struct mb_dockerfile_ignore ignore = {0};
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(mb_dockerfile_ignore_parse("a\n!\n", 4, &ignore, &err), -EINVAL);
	assert_string_equal(err.msg, "line 2: illegal exclusion pattern: \"!\"");
	assert_int_equal(mb_dockerfile_ignore_parse("a\n\n[b", 5, &ignore, &err), -EINVAL);
	assert_string_equal(err.msg, "line 3: syntax error in pattern '[b'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match),
		cmocka_unit_test(globs_that_do_not_end_are_told),
		cmocka_unit_test(ignore_rules),
		cmocka_unit_test(wrong_lines_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
