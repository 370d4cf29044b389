/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "format/filter.h"

static const char *const known[] = {"name", "status", "label", "label!", "dangling", "id", NULL};

static void parse_list(const char *list, struct mb_format_filters *ret)
{
	MB_AUTO_STRV struct mb_strv texts = MB_STRV_INIT;
	struct mb_err err = MB_ERR_INIT;

	mb_strv_split(&texts, list, ';');
	if (mb_format_filters_parse(&texts, known, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static void filters_parse(void **state)
{
	MB_AUTO_FILTERS struct mb_format_filters f = {0};

	(void)state;
	parse_list("name=a;status=running; NAME = b ;name=a;label=x=y", &f);
	assert_int_equal(f.n, 3);
	assert_int_equal(mb_format_filters_find(&f, "name")->n, 2);
	assert_string_equal(mb_format_filters_find(&f, "label")->v[0], "x=y");
	assert_null(mb_format_filters_find(&f, "id"));
	assert_true(mb_format_filters_has(&f, "status"));
}

static void filters_refuse(void **state)
{
	static const struct {
		const char *text, *msg;
	} rows[] = {
		{"name", "invalid filter 'name': must be name=value"},
		{"", "invalid filter '': must be name=value"},
		{"foo=bar", "invalid filter 'foo'"},
		{"=x", "invalid filter ''"},
		{"label!!=x", "invalid filter 'label!!'"},
		{"\x1b=x", "invalid filter '\\x1b'"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STRV struct mb_strv texts = MB_STRV_INIT;
		struct mb_format_filters f = {0};
		struct mb_err err = MB_ERR_INIT;

		mb_strv_add(&texts, "name=good");
		mb_strv_add(&texts, rows[i].text);
		assert_int_equal(mb_format_filters_parse(&texts, known, &f, &err), -EINVAL);
		assert_string_equal(err.msg, rows[i].msg);
		assert_null(f.v);
	}
}

static void filters_alternatives(void **state)
{
	MB_AUTO_FILTERS struct mb_format_filters f = {0};

	(void)state;
	parse_list("status=running;status=paused;name=^web;name=db$;id=abc;name=([", &f);
	assert_true(mb_format_filters_exact(&f, "status", "paused"));
	assert_false(mb_format_filters_exact(&f, "status", "exited"));
	assert_true(mb_format_filters_exact(&f, "dangling", "anything"));
	assert_true(mb_format_filters_match(&f, "name", "web1"));
	assert_true(mb_format_filters_match(&f, "name", "mydb"));
	assert_true(mb_format_filters_match(&f, "name", "x([y"));
	assert_false(mb_format_filters_match(&f, "name", "myweb"));
	assert_true(mb_format_filters_prefix(&f, "id", "abcdef"));
	assert_false(mb_format_filters_prefix(&f, "id", "ab"));
}

static void filters_match_any(void **state)
{
	MB_AUTO_FILTERS struct mb_format_filters f = {0};
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

	(void)state;
	parse_list("name=b", &f);
	assert_false(mb_format_filters_match_any(&f, "name", &names));
	assert_true(mb_format_filters_match_any(&f, "id", &names));
	mb_strv_add(&names, "a");
	mb_strv_add(&names, "b");
	assert_true(mb_format_filters_match_any(&f, "name", &names));
}

/* regcomp() would write these out until memory ends. */
static void filters_repeat_within_bounds(void **state)
{
	static const struct {
		const char *pattern;
		bool found;
	} rows[] = {
		{"name=^we+b$", true},
		{"name=^(w|e|b){3}$", true},
		{"name=w(e)+++++++++++++++++++++++++++++++++++++++b", false},
		{"name=((w{255}){255}){255}", false},
		{"name=(((w{1,250}){,250}){250,}){4294967295}", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		MB_AUTO_FILTERS struct mb_format_filters f = {0};
		MB_AUTO_STRV struct mb_strv texts = MB_STRV_INIT;

		mb_strv_add(&texts, rows[i].pattern);
		assert_int_equal(mb_format_filters_parse(&texts, known, &f, NULL), 0);
		assert_int_equal(mb_format_filters_match(&f, "name", "web"), rows[i].found);
	}
}

static void filters_labels(void **state)
{
	static const struct {
		const char *filters;
		bool matches;
	} rows[] = {
		{"", true},
		{"label=a", true},
		{"label=a=1", true},
		{"label=a=2", false},
		{"label=a;label=b=x=y", true},
		{"label=a;label=c", false},
		{"label!=a", false},
		{"label!=c", true},
		{"label!=a=2", true},
		{"label=a;label!=b", false},
		{"label=b=x", false},
	};
	MB_AUTO_KV struct mb_kv labels = MB_KV_INIT;

	(void)state;
	mb_kv_set(&labels, "a", "1");
	mb_kv_set(&labels, "b", "x=y");
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FILTERS struct mb_format_filters f = {0};

		parse_list(rows[i].filters, &f);
		assert_int_equal(mb_format_filters_labels(&f, &labels), rows[i].matches);
	}
}

static void filters_bool(void **state)
{
	static const struct {
		const char *filters;
		int r;
		bool value;
	} rows[] = {
		{"", 0, true},
		{"dangling=true", 0, true},
		{"dangling=1", 0, true},
		{"dangling=false", 0, false},
		{"dangling=0", 0, false},
		{"dangling=maybe", -EINVAL, false},
		{"dangling=", -EINVAL, false},
		{"dangling=1;dangling=0", -EINVAL, false},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FILTERS struct mb_format_filters f = {0};
		bool value = false;

		parse_list(rows[i].filters, &f);
		assert_int_equal(mb_format_filters_bool(&f, "dangling", true, &value, NULL),
		                 rows[i].r);
		assert_int_equal(value, rows[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_parse),
		cmocka_unit_test(filters_refuse),
		cmocka_unit_test(filters_alternatives),
		cmocka_unit_test(filters_match_any),
		cmocka_unit_test(filters_repeat_within_bounds),
		cmocka_unit_test(filters_labels),
		cmocka_unit_test(filters_bool),
	};

	return cmocka_run_group_tests_name("format/filter", tests, NULL, NULL);
}
