/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "build/address.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

static char *show(const struct mb_build_address *a)
{
	return mb_asprintf("%s %s %s %s",
	                   a->is_ssh                         ? "git+ssh"
	                   : a->kind == MB_BUILD_ADDRESS_GIT ? "git"
	                                                     : "web",
	                   a->url, a->ref ? a->ref : "-", a->subdir ? a->subdir : "-");
}

static void addresses_are_read(void **state)
{
	static const char *const rows[][2] = {
		{"http://h/x", "web http://h/x - -"},
		{"https://h/x.tar.gz?a=b#c", "web https://h/x.tar.gz?a=b - -"},
		{"https://h/x.git", "git https://h/x.git - -"},
		{"https://h/x.git#main", "git https://h/x.git main -"},
		{"https://h/x.git#main:a/b", "git https://h/x.git main a/b"},
		{"https://h/x.git#:a", "git https://h/x.git - a"},
		{"https://h/x.git#", "git https://h/x.git - -"},
		{"https://h/x.git#main:", "git https://h/x.git main -"},
		{"https://h/x.git/y", "web https://h/x.git/y - -"},
		{"git://h/x#feature/a-b_1.2", "git git://h/x feature/a-b_1.2 -"},
		{"github.com/a/b#v1:d", "git https://github.com/a/b v1 d"},
		{"git@h:x.git#v1:d", "git+ssh git@h:x.git v1 d"},
		{"git@[::1]:~/x", "git+ssh git@[::1]:~/x - -"},
		{"ssh://h/x", "git+ssh ssh://h/x - -"},
		{"ssh://a.b-c_d@h.example:22/~u/x#m",
	         "git+ssh ssh://a.b-c_d@h.example:22/~u/x m -"},
		{"ssh://[fe80::1]:22/x", "git+ssh ssh://[fe80::1]:22/x - -"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_BUILD_ADDRESS struct mb_build_address a = {0};
		MB_AUTO_FREE char *text = NULL;

		assert_int_equal(mb_build_address_parse(rows[i][0], &a, NULL), 0);
		text = show(&a);
		assert_string_equal(text, rows[i][1]);
		assert_true(mb_build_address_is(rows[i][0]));
	}
}

static void what_is_none_is_refused(void **state)
{
	static const char *const rows[][2] = {
		{"/a/path", "is no address"},    {"./http://x", "is no address"},
		{"ftp://h/x", "is no address"},  {"file:///x.git", "is no address"},
		{"ssh://a:b@h/x", "is neither"}, {"git@h/x", "is neither"},
		{"git@h:", "is neither"},        {"git@h:#x", "is neither"},
		{"git@-oA=b:x", "is neither"},   {"git@h:-x", "is neither"},
		{"ssh://-oA=b/x", "is neither"}, {"ssh://-l@h/x", "is neither"},
		{"ssh://h:1x/y", "is neither"},  {"ssh://h", "is neither"},
		{"ssh://h/", "is neither"},      {"ssh:///x", "is neither"},
		{"ssh://[::1/x", "is neither"},  {"ssh://[]/x", "is neither"},
		{"ssh://a@b@h/x", "is neither"}, {"git@h;x:y", "is neither"},
		{"git://h/x#-x", "no branch"},   {"git://h/x#--upload-pack=a", "no branch"},
		{"git://h/x#a..b", "no branch"}, {"git://h/x#a@{1}", "no branch"},
		{"git://h/x#a^", "no branch"},   {"git://h/x#a~1", "no branch"},
		{"git://h/x#a*", "no branch"},   {"git://h/x y", "no blanks"},
		{"git://h/x\ny", "no blanks"},   {"http://h/x\r\nHost: y", "no blanks"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_BUILD_ADDRESS struct mb_build_address a = {0};
		struct mb_err err = MB_ERR_INIT;

		assert_true(mb_build_address_parse(rows[i][0], &a, &err) < 0);
		assert_non_null(strstr(err.msg, rows[i][1]));
		assert_null(a.url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
