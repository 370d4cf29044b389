/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/str.h"
#include "json/json.h"

static void parse_and_print(const char *text, size_t len, bool pretty, const char *expected)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;

	if (mb_json_parse(text, len, &o, &err) < 0)
		fail_msg("'%s': %s", text, err.msg);
	mb_json_format(o, pretty, &out);
	assert_string_equal(mb_str_text(&out), expected);
}

static void parse_accepts(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"{}", "{}"},
		{"[]", "[]"},
		{" \t\r\n null \n", "null"},
		{"true", "true"},
		{"false", "false"},
		{"0", "0"},
		{"-0", "0"},
		{"-1", "-1"},
		{"9223372036854775807", "9223372036854775807"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"9223372036854775808", "9223372036854775808"},
		{"18446744073709551615", "18446744073709551615"},
		{"18446744073709551616", "18446744073709551616"},
		{"-9223372036854775809", "-9223372036854775809"},
		{"1.50", "1.50"},
		{"1e3", "1e3"},
		{"1E+3", "1E+3"},
		{"0.1e-7", "0.1e-7"},
		{"\"\"", "\"\""},
		{"\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\"", "\"a\\\"b\\\\c/d\\b\\f\\n\\r\\t\""},
		{"\"\\u0041\\u00e9\\u20AC\"", "\"A\xc3\xa9\xe2\x82\xac\""},
		{"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
		{"\"\\u0000\\u001f\\u007f\"", "\"\\u0000\\u001f\x7f\""},
		{"\"\xf0\x9f\x98\x80 \xc3\xa9\"", "\"\xf0\x9f\x98\x80 \xc3\xa9\""},
		{"\"\\u2028\xe2\x80\xa9\"", "\"\\u2028\\u2029\""},
		{"\"<a&b>\"", "\"<a&b>\""},
		{"[1,\"x\",null,[true]]", "[1,\"x\",null,[true]]"},
		{"{ \"b\" : 1 , \"a\" : { \"\" : [ ] } }", "{\"b\":1,\"a\":{\"\":[]}}"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++)
		parse_and_print(rows[i].in, strlen(rows[i].in), false, rows[i].out);
}

static void parse_refuses(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"{",
		"[",
		"]",
		"}",
		"{]",
		"[}",
		"\"",
		"\"abc",
		"\"\\",
		"\"\\u12",
		"\"\\x\"",
		"\"\\u12g4\"",
		"\"\\ud800\"",
		"\"\\ud800x\"",
		"\"\\ud800\\n\"",
		"\"\\ud800\\u0041\"",
		"\"\\udc00\"",
		"\"\\ud800\\ud800\"",
		"\"a\nb\"",
		"\"\x01\"",
		"\"\xff\"",
		"\"\xc0\x80\"",
		"\"\xed\xa0\x80\"",
		"\"\xf4\x90\x80\x80\"",
		"\"\xe2\x82\"",
		"\"\xe2\x82\\u0041\"",
		"nul",
		"nulll",
		"True",
		"tru",
		"NaN",
		"Infinity",
		"-Infinity",
		"-",
		"+1",
		"01",
		"-01",
		"1.",
		".5",
		"1e",
		"1e+",
		"1.e3",
		"0x10",
		"1e999",
		"-1e999",
		"1_0",
		"[1,]",
		"[,1]",
		"[1 2]",
		"[1",
		"[1,",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\" 1}",
		"{\"a\":1,}",
		"{,}",
		"{a:1}",
		"{'a':1}",
		"{1:1}",
		"{\"a\":1 \"b\":2}",
		"{\"a\":1,\"a\":2}",
		"{\"a\":{\"b\":1,\"c\":2,\"b\":3}}",
		"{\"a\":1,\"\\u0061\":2}",
		"{\"a\\u0000b\":1}",
		"{\"a\":1",
		"{}{}",
		"{} x",
		"[] ,",
		"// c\n{}",
		"/* c */{}",
		"{}//",
		"\xef\xbb\xbf{}",
		"'a'",
		"undefined",
		"{\"a\":1}\x01",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct json_object *o = NULL;
		struct mb_err err = MB_ERR_INIT;

		if (mb_json_parse(rows[i], strlen(rows[i]), &o, &err) != -EBADMSG)
			fail_msg("row %zu, '%s', is accepted", i, rows[i]);
		assert_null(o);
		assert_ptr_equal(strstr(err.msg, "malformed JSON at line "), err.msg);
	}
}

static void parse_refuses_zero_bytes(void **state)
{
	static const char inside[] = "\"a\0b\"", after[] = "{}\0";
	struct json_object *o = NULL;

	(void)state;
	assert_int_equal(mb_json_parse(inside, sizeof(inside) - 1, &o, NULL), -EBADMSG);
	assert_int_equal(mb_json_parse(after, sizeof(after) - 1, &o, NULL), -EBADMSG);
}

/* The text need not end in NUL, and nothing behind its length is looked at. */
static void parse_stays_inside(void **state)
{
	static const char whole[] = "{\"a\":[1.25,\"x\\u20ac\",true,null]}";

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		char *copy = mb_malloc(len ? len : 1);
		struct json_object *o = NULL;

		memcpy(copy, whole, len);
		assert_int_equal(mb_json_parse(copy, len, &o, NULL), -EBADMSG);
		free(copy);
	}
}

static void parse_tells_the_place(void **state)
{
	static const char text[] = "{\n  \"a\": 1,\n  \"b\": ?\n}";
	struct mb_err err = MB_ERR_INIT;
	struct json_object *o = NULL;

	(void)state;
	assert_int_equal(mb_json_parse(text, strlen(text), &o, &err), -EBADMSG);
	assert_string_equal(err.msg, "malformed JSON at line 3, column 8: a value is expected");
}

static int parse_repeated(const char *open, size_t n, const char *close, size_t n_close)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO(mb_json_free) struct json_object *o = NULL;

	for (size_t i = 0; i < n; i++)
		mb_str_add(&text, open);
	for (size_t i = 0; i < n_close; i++)
		mb_str_add(&text, close);
	return mb_json_parse(mb_str_text(&text), text.len, &o, NULL);
}

static void parse_limits_depth(void **state)
{
	(void)state;
	assert_int_equal(parse_repeated("[", 64, "]", 64), 0);
	assert_int_equal(parse_repeated("[", 65, "]", 65), -E2BIG);
	assert_int_equal(parse_repeated("[", 100000, "]", 0), -E2BIG);
	assert_int_equal(parse_repeated("{\"a\":", 100000, "}", 0), -E2BIG);
}

static void parse_limits_values(void **state)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct json_object *o = NULL;

	(void)state;
	mb_str_addc(&text, '[');
	for (int i = 0; i < MB_JSON_MAX_VALUES - 2; i++)
		mb_str_add(&text, "0,");
	mb_str_add(&text, "0]");
	assert_int_equal(mb_json_parse(text.buf, text.len, &o, NULL), 0);
	mb_json_free(o);
	o = NULL;
	text.buf[text.len - 1] = ',';
	mb_str_add(&text, "0]");
	assert_int_equal(mb_json_parse(text.buf, text.len, &o, NULL), -E2BIG);
	assert_null(o);
}

static void parse_limits_bytes(void **state)
{
	size_t n = MB_JSON_MAX_BYTES + 1;
	MB_AUTO_FREE char *text = mb_malloc(n);
	struct json_object *o = NULL;

	(void)state;
	memset(text, ' ', n);
	text[0] = '0';
	assert_int_equal(mb_json_parse(text, n, &o, NULL), -E2BIG);
	assert_int_equal(mb_json_parse(text, n - 1, &o, NULL), 0);
	mb_json_free(o);
}

static void parse_object_wants_an_object(void **state)
{
	struct json_object *o = NULL;

	(void)state;
	assert_int_equal(mb_json_parse_object("[]", 2, &o, NULL), -EBADMSG);
	assert_int_equal(mb_json_parse_object("null", 4, &o, NULL), -EBADMSG);
	assert_int_equal(mb_json_parse_object("{}", 2, &o, NULL), 0);
	mb_json_free(o);
}

static void parse_long_names(void **state)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	(void)state;
	for (size_t len = 60; len < 70; len++) {
		mb_str_reset(&text);
		mb_str_add(&text, "{\"");
		for (size_t i = 0; i < len; i++)
			mb_str_addc(&text, 'k');
		mb_str_add(&text, "\":1}");
		parse_and_print(text.buf, text.len, false, text.buf);
	}
}

static void format_pretty_as_inspect(void **state)
{
	static const char in[] = "[{\"a\":{},\"b\":[],\"c\":[1,{\"d\":null}]}]";
	static const char out[] = "[\n"
				  "    {\n"
				  "        \"a\": {},\n"
				  "        \"b\": [],\n"
				  "        \"c\": [\n"
				  "            1,\n"
				  "            {\n"
				  "                \"d\": null\n"
				  "            }\n"
				  "        ]\n"
				  "    }\n"
				  "]";

	(void)state;
	parse_and_print(in, strlen(in), true, out);
}

static void format_repairs_utf8(void **state)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	mb_json_format_string("a\xff\xe2\x82z", 5, &out);
	assert_string_equal(out.buf, "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
}

static void tree_finds_and_sets(void **state)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_STRV struct mb_strv sv = MB_STRV_INIT;
	struct json_object *inner = mb_json_new_object();

	(void)state;
	mb_strv_add(&sv, "x");
	mb_json_set(o, "inner", inner);
	mb_json_set_str(inner, "s", "text");
	mb_json_set_str(inner, "none", NULL);
	mb_json_set_i64(o, "n", -5);
	mb_json_set_bool(o, "b", true);
	mb_json_set_time(o, "t", 0);
	mb_json_set(o, "l", mb_json_new_strv(&sv));
	mb_json_push_str(mb_json_find(o, "l"), "y");
	assert_string_equal(mb_json_find_str(mb_json_walk(o, "inner", NULL), "s", ""), "text");
	assert_null(mb_json_walk(o, "inner", "s", "deeper", NULL));
	assert_string_equal(mb_json_find_str(o, "n", "otherwise"), "otherwise");
	assert_int_equal(mb_json_find_i64(o, "n", 7), -5);
	assert_int_equal(mb_json_find_i64(o, "b", 7), 7);
	assert_true(mb_json_find_bool(o, "b", false));
	assert_true(mb_json_find_bool(NULL, "b", true));
	assert_null(mb_json_find(mb_json_find(o, "l"), "x"));
	mb_json_format(o, false, &out);
	assert_string_equal(out.buf,
	                    "{\"inner\":{\"s\":\"text\",\"none\":null},\"n\":-5,\"b\":true,"
	                    "\"t\":\"0001-01-01T00:00:00Z\",\"l\":[\"x\",\"y\"]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_accepts),
		cmocka_unit_test(parse_refuses),
		cmocka_unit_test(parse_refuses_zero_bytes),
		cmocka_unit_test(parse_stays_inside),
		cmocka_unit_test(parse_tells_the_place),
		cmocka_unit_test(parse_limits_depth),
		cmocka_unit_test(parse_limits_values),
		cmocka_unit_test(parse_limits_bytes),
		cmocka_unit_test(parse_object_wants_an_object),
		cmocka_unit_test(parse_long_names),
		cmocka_unit_test(format_pretty_as_inspect),
		cmocka_unit_test(format_repairs_utf8),
		cmocka_unit_test(tree_finds_and_sets),
	};

	return cmocka_run_group_tests_name("json/parse", tests, NULL, NULL);
}
