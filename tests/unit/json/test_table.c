/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/str.h"
#include "json/json.h"

enum color { RED, GREEN, BLUE };

struct leaf {
	char *name; /* also the key in a map */
	uint32_t value;
};

struct tree {
	char *s;
	bool b, has_limit, has_flag, flag;
	int i;
	uint16_t u16;
	uint32_t u32;
	int64_t i64, when, limit;
	uint64_t u64;
	enum color color;
	struct mb_strv list, set;
	struct mb_kv kv;
	uint32_t *ids;
	size_t n_ids;
	struct leaf inside, *maybe;
	struct leaf *leaves, *named;
	size_t n_leaves, n_named;
	struct json_object *raw;
	char *always, *null;
	struct mb_strv always_list, null_list;
};

static const char *const colors[] = {"red", "green", "blue", NULL};

static const struct mb_json_field leaf_table[] = {
	MB_JSON_STR("name", struct leaf, name),
	MB_JSON_U32("value", struct leaf, value),
	MB_JSON_END,
};

static const struct mb_json_field value_table[] = {
	MB_JSON_U32("value", struct leaf, value, .flags = MB_JSON_REQUIRED),
	MB_JSON_END,
};

static const struct mb_json_field tree_table[] = {
	MB_JSON_STR("s", struct tree, s),
	MB_JSON_BOOL("b", struct tree, b),
	MB_JSON_INT("i", struct tree, i),
	MB_JSON_U16("u16", struct tree, u16),
	MB_JSON_U32("u32", struct tree, u32),
	MB_JSON_I64("i64", struct tree, i64),
	MB_JSON_U64("u64", struct tree, u64),
	MB_JSON_TIME("when", struct tree, when),
	MB_JSON_I64_OPT("limit", struct tree, limit, has_limit),
	MB_JSON_BOOL_OPT("flag", struct tree, flag, has_flag),
	MB_JSON_ENUM("color", struct tree, color, colors),
	MB_JSON_STRV("list", struct tree, list),
	MB_JSON_SET("set", struct tree, set),
	MB_JSON_KV("kv", struct tree, kv),
	MB_JSON_U32S("ids", struct tree, ids, n_ids),
	MB_JSON_OBJ("inside", struct tree, inside, leaf_table),
	MB_JSON_PTR("maybe", struct tree, maybe, leaf_table),
	MB_JSON_LIST("leaves", struct tree, leaves, n_leaves, struct leaf, leaf_table),
	MB_JSON_MAP("named", struct tree, named, n_named, struct leaf, name, value_table),
	MB_JSON_RAW("raw", struct tree, raw),
	MB_JSON_REFUSED("forbidden"),
	MB_JSON_SKIPPED("skipped"),
	MB_JSON_END,
};

static const char full[] =
	"{\"s\":\"text\",\"b\":true,\"i\":-2147483648,\"u16\":65535,\"u32\":4294967295,"
	"\"i64\":-9223372036854775808,\"u64\":18446744073709551615,"
	"\"when\":\"2026-01-02T03:04:05.000000006Z\",\"limit\":0,\"flag\":false,\"color\":\"blue\","
	"\"list\":[\"a\",\"\",\"b\"],\"set\":{\"443/tcp\":{},\"80/tcp\":{}},"
	"\"kv\":{\"a\":\"1\",\"b.c\":\"\"},\"ids\":[0,7,4294967295],"
	"\"inside\":{\"name\":\"in\",\"value\":1},\"maybe\":{},"
	"\"leaves\":[{\"name\":\"one\"},{\"value\":2}],"
	"\"named\":{\"zeta\":{\"value\":26},\"alpha\":{\"value\":1}},\"raw\":[{\"x\":1.5}]}";

static void both_ways(const struct mb_json_field *table, const void *in, const char *expected)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_encode(table, in);
	MB_AUTO_STR struct mb_str by_tree = MB_STR_INIT, by_text = MB_STR_INIT;

	mb_json_format(o, false, &by_tree);
	mb_json_save(table, in, &by_text);
	assert_string_equal(by_tree.buf, expected);
	assert_string_equal(by_text.buf, expected);
}

static void table_round_trip(void **state)
{
	struct tree t;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	if (mb_json_load(full, strlen(full), tree_table, &t, sizeof(t), &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(t.has_limit && t.has_flag && !t.flag);
	assert_int_equal(t.color, BLUE);
	assert_int_equal(t.n_ids, 3);
	assert_int_equal(t.list.n, 3);
	assert_string_equal(t.named[0].name, "zeta");
	assert_string_equal(mb_kv_find(&t.kv, "a"), "1");
	assert_non_null(t.maybe);
	assert_null(t.leaves[1].name);
	both_ways(tree_table, &t, full);
	mb_json_done(tree_table, &t);
}

/* Everything that decoding made is gone and zero. */
static void table_done_zeroes(void **state)
{
	struct tree t, zero;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	assert_int_equal(mb_json_load(full, strlen(full), tree_table, &t, sizeof(t), NULL), 0);
	mb_json_done(tree_table, &t);
	assert_memory_equal(&t, &zero, sizeof(t));
	both_ways(tree_table, &t, "{}");
	mb_json_done(tree_table, &t);
}

static void table_sorts_names(void **state)
{
	struct tree t = {0};

	(void)state;
	mb_kv_set(&t.kv, "z", "1");
	mb_kv_set(&t.kv, "a", "2");
	mb_kv_set(&t.kv, "m", "3");
	mb_strv_add(&t.set, "9/tcp");
	mb_strv_add(&t.set, "53/udp");
	mb_strv_add(&t.set, "9/tcp");
	both_ways(tree_table, &t,
	          "{\"set\":{\"53/udp\":{},\"9/tcp\":{}},"
	          "\"kv\":{\"a\":\"2\",\"m\":\"3\",\"z\":\"1\"}}");
	mb_json_done(tree_table, &t);
}

static void table_flags(void **state)
{
	static const struct mb_json_field table[] = {
		MB_JSON_STR("always", struct tree, always, .flags = MB_JSON_ALWAYS),
		MB_JSON_STR("null", struct tree, null, .flags = MB_JSON_NULL),
		MB_JSON_STRV("always_list", struct tree, always_list, .flags = MB_JSON_ALWAYS),
		MB_JSON_STRV("null_list", struct tree, null_list, .flags = MB_JSON_NULL),
		MB_JSON_BOOL("b", struct tree, b, .flags = MB_JSON_ALWAYS),
		MB_JSON_I64("i64", struct tree, i64, .flags = MB_JSON_ALWAYS),
		MB_JSON_TIME("when", struct tree, when, .flags = MB_JSON_ALWAYS),
		MB_JSON_ENUM("color", struct tree, color, colors, .flags = MB_JSON_ALWAYS),
		MB_JSON_OBJ("inside", struct tree, inside, leaf_table, .flags = MB_JSON_ALWAYS),
		MB_JSON_PTR("maybe", struct tree, maybe, leaf_table, .flags = MB_JSON_ALWAYS),
		MB_JSON_KV("kv", struct tree, kv, .flags = MB_JSON_ALWAYS),
		MB_JSON_LIST("leaves", struct tree, leaves, n_leaves, struct leaf, leaf_table,
	                     .flags = MB_JSON_NULL),
		MB_JSON_RAW("raw", struct tree, raw, .flags = MB_JSON_ALWAYS),
		MB_JSON_END,
	};
	struct tree t = {0};

	(void)state;
	both_ways(
		table, &t,
		"{\"always\":\"\",\"null\":null,\"always_list\":[],\"null_list\":null,\"b\":false,"
		"\"i64\":0,\"when\":\"0001-01-01T00:00:00Z\",\"color\":\"red\",\"inside\":{},"
		"\"maybe\":null,\"kv\":{},\"leaves\":null,\"raw\":null}");
}

/* What decoding asks for, encoding writes: documents can be read again. */
static void table_writes_required(void **state)
{
	struct leaf leaf = {0};

	(void)state;
	both_ways(value_table, &leaf, "{\"value\":0}");
}

static void table_tells_the_path(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *msg;
	} rows[] = {
		{"{\"s\":1}", -EINVAL, "'s' must be a string"},
		{"{\"s\":\"a\\u0000b\"}", -EINVAL, "'s' must not contain a zero byte"},
		{"{\"b\":1}", -EINVAL, "'b' must be true or false"},
		{"{\"b\":\"true\"}", -EINVAL, "'b' must be true or false"},
		{"{\"i\":\"1\"}", -EINVAL, "'i' must be a number"},
		{"{\"i\":2147483648}", -ERANGE,
	         "'i' must be a whole number from -2147483648 to 2147483647"},
		{"{\"i\":1.0}", -ERANGE,
	         "'i' must be a whole number from -2147483648 to 2147483647"},
		{"{\"u16\":65536}", -ERANGE, "'u16' must be a whole number from 0 to 65535"},
		{"{\"u32\":-1}", -ERANGE, "'u32' must be a whole number from 0 to 4294967295"},
		{"{\"u32\":4294967296}", -ERANGE,
	         "'u32' must be a whole number from 0 to 4294967295"},
		{"{\"u32\":18446744073709551615}", -ERANGE,
	         "'u32' must be a whole number from 0 to 4294967295"},
		{"{\"i64\":9223372036854775808}", -ERANGE, NULL},
		{"{\"i64\":-9223372036854775809}", -ERANGE, NULL},
		{"{\"u64\":-1}", -ERANGE, NULL},
		{"{\"u64\":18446744073709551616}", -ERANGE, NULL},
		{"{\"u64\":true}", -EINVAL, "'u64' must be a number"},
		{"{\"limit\":1e3}", -ERANGE, NULL},
		{"{\"when\":\"yesterday\"}", -EINVAL, "'when' must be a time as RFC 3339 has it"},
		{"{\"color\":\"pink\\u001b\"}", -EINVAL, "'color' cannot be 'pink\\x1b'"},
		{"{\"color\":0}", -EINVAL, "'color' must be a string"},
		{"{\"list\":{}}", -EINVAL, "'list' must be an array"},
		{"{\"list\":[\"a\",null]}", -EINVAL, "'list[1]' must be a string"},
		{"{\"set\":[]}", -EINVAL, "'set' must be an object"},
		{"{\"kv\":{\"a\":{}}}", -EINVAL, "'kv.a' must be a string"},
		{"{\"kv\":{\"\\u001b[2J\":0}}", -EINVAL, "'kv.\\x1b[2J' must be a string"},
		{"{\"ids\":[0,-1]}", -ERANGE,
	         "'ids[1]' must be a whole number from 0 to 4294967295"},
		{"{\"inside\":[]}", -EINVAL, "'inside' must be an object"},
		{"{\"inside\":{\"value\":\"\"}}", -EINVAL, "'inside.value' must be a number"},
		{"{\"maybe\":{\"name\":[]}}", -EINVAL, "'maybe.name' must be a string"},
		{"{\"leaves\":[{},{},{\"value\":{}}]}", -EINVAL,
	         "'leaves[2].value' must be a number"},
		{"{\"leaves\":[null]}", -EINVAL, "'leaves[0]' must be an object"},
		{"{\"named\":{\"x\":{}}}", -EINVAL, "'named.x.value' is missing"},
		{"{\"named\":{\"x\":{\"value\":null}}}", -EINVAL, "'named.x.value' is missing"},
		{"{\"forbidden\":0}", -EOPNOTSUPP, "'forbidden' is not supported"},
		{"[]", -EBADMSG, "malformed JSON: the value is not an object"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_err err = MB_ERR_INIT;
		struct tree t, zero;

		memset(&zero, 0, sizeof(zero));
		assert_int_equal(mb_json_load(rows[i].text, strlen(rows[i].text), tree_table, &t,
		                              sizeof(t), &err),
		                 rows[i].r);
		if (rows[i].msg)
			assert_string_equal(err.msg, rows[i].msg);
		assert_memory_equal(&t, &zero, sizeof(t));
	}
}

/* Text without a tree is taken and refused as by a tree, in the same words. */
static void load_agrees_with_decode(void **state)
{
	static const char *const texts[] = {
		full,
		" { } ",
		"{\"s\":\"\\u00e9\\n\",\"list\":[ \"\\\"\" , \"b\" ],\"leaves\":[ ] }",
		"{\"raw\":1,\"i\":2,\"s\":\"order\",\"u16\":3}",
		"{\"i\":9999,\"i64\":0,\"b\":false,\"flag\":true,\"limit\":12}",
		"{\"i\":12345 , \"i64\":-1,\"u16\":7,\"limit\": 3\n}",
		"{\"i\":01}",
		"{\"i\":1.0}",
		"{\"i64\":1e3}",
		"{\"i64\":12",
		"{\"i\":}",
		"{\"b\":tru}",
		"{\"b\":truex}",
		"{\"b\":fals",
		"{\"i\":true,\"b\":0}",
		"{\"s\":null,\"list\":null,\"inside\":null,\"maybe\":null,\"leaves\":null}",
		"{\"unknown\":{\"a\":[1,{\"b\":null}]},\"s\":\"x\",\"other\":\"y\"}",
		"{\"leaves\":[{\"name\":\"a\",\"more\":1},{},{\"value\":3},{\"name\":\"d\"}]}",
		"{\"skipped\":{\"a\":[1,\"x\",null,true,-1.5e3,[],{}]},\"s\":\"y\"}",
		"{\"skipped\":7,\"i\":1}",
		"{\"skipped\":[1,]}",
		"{\"skipped\":[1 2]}",
		"{\"skipped\":{\"a\" 1}}",
		"{\"skipped\":{\"a\":1 \"b\":1}}",
		"{\"skipped\":{\"a\":\"\377\"}}",
		"{\"skipped\":01}",
		"{\"skipped\":[\"a",
		"{\"skipped\":1,\"skipped\":1}",
		"{\"s\":\"a\",\"s\":\"b\"}",
		"{\"s\":null,\"i\":1,\"s\":null}",
		"{\"maybe\":{\"name\":\"a\",\"name\":\"a\"}}",
		"{\"x\":1,\"s\":\"\",\"x\":1}",
		"{\"kv\":{\"a\":\"\",\"a\":\"\"}}",
		"{\"named\":{\"a\":{\"value\":1},\"a\":{\"value\":1}}}",
		"{\"s\\u0000\":1}",
		"{\"\\u0073\":\"by its code\"}",
		"{\"s\":\"\377\"}",
		"{\"s\":\"a",
		"{\"s\":",
		"{\"s\"",
		"{\"s\" \"a\"}",
		"{\"s\":\"a\",}",
		"{\"s\":\"a\" \"i\":1}",
		"{\"list\":[\"a\",]}",
		"{\"list\":[\"a\" \"b\"]}",
		"{\"list\":[\"a\"",
		"{\"leaves\":[{}",
		"{\"inside\":{\"name\":\"a\"",
		"{}x",
		"{}{}",
		"",
		"null",
		"\"s\"",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(texts); i++) {
		MB_AUTO(mb_json_free) struct json_object *o = NULL;
		struct mb_err by_tree = MB_ERR_INIT, by_text = MB_ERR_INIT;
		MB_AUTO_STR struct mb_str tree = MB_STR_INIT, text = MB_STR_INIT;
		struct tree a = {0}, b;
		int r = mb_json_parse_object(texts[i], strlen(texts[i]), &o, &by_tree);

		if (r == 0)
			r = mb_json_decode(o, tree_table, &a, &by_tree);
		if (r !=
		    mb_json_load(texts[i], strlen(texts[i]), tree_table, &b, sizeof(b), &by_text))
			fail_msg("'%s': '%s' but '%s'", texts[i], by_tree.msg, by_text.msg);
		assert_string_equal(by_text.msg, by_tree.msg);
		mb_json_save(tree_table, &a, &tree);
		mb_json_save(tree_table, &b, &text);
		if (r == 0)
			assert_string_equal(text.buf, tree.buf);
		mb_json_done(tree_table, &a);
		mb_json_done(tree_table, &b);
	}
}

/* No more values, levels and elements than a tree may have. */
static void load_has_limits(void **state)
{
	MB_AUTO_STR struct mb_str many = MB_STR_INIT, deep = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;
	struct tree t;

	(void)state;
	mb_str_add(&many, "{\"leaves\":[");
	for (int i = 0; i < MB_JSON_MAX_VALUES - 2; i++)
		mb_str_add(&many, i ? ",{}" : "{}");
	mb_str_add(&many, "]");
	mb_str_add(&deep, "{\"raw\":");
	for (int i = 0; i < MB_JSON_MAX_DEPTH; i++)
		mb_str_addc(&deep, '[');
	assert_int_equal(mb_json_load(deep.buf, deep.len, tree_table, &t, sizeof(t), &err), -E2BIG);
	assert_string_equal(err.msg, "JSON is nested deeper than 64 levels");
	mb_str_addc(&many, '}');
	assert_int_equal(mb_json_load(many.buf, many.len, tree_table, &t, sizeof(t), &err), 0);
	assert_int_equal(t.n_leaves, MB_JSON_MAX_VALUES - 2);
	mb_json_done(tree_table, &t);
	many.buf[many.len - 1] = ',';
	mb_str_add(&many, "\"s\":\"\"}");
	assert_int_equal(mb_json_load(many.buf, many.len, tree_table, &t, sizeof(t), &err), -E2BIG);
	assert_string_equal(err.msg, "JSON has more than 65536 values");
}

static void table_keeps_defaults(void **state)
{
	static const char text[] = "{\"u32\":null,\"unknown\":[{}],\"i\":3,\"forbidden\":null}";
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	struct tree t = {.u32 = 10, .i = 20, .limit = -1};

	(void)state;
	assert_int_equal(mb_json_parse(text, strlen(text), &o, NULL), 0);
	assert_int_equal(mb_json_decode(o, tree_table, &t, NULL), 0);
	assert_int_equal(t.u32, 10);
	assert_int_equal(t.i, 3);
	assert_int_equal(t.limit, -1);
	assert_false(t.has_limit);
}

/* A second document replaces what the first one filled. */
static void table_decodes_again(void **state)
{
	static const char text[] = "{\"s\":\"new\",\"list\":[\"z\"],\"leaves\":[],\"ids\":[1],"
				   "\"kv\":{\"q\":null},\"named\":{},\"raw\":1,\"set\":{\"p\":{}}}";
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	struct tree t;

	(void)state;
	assert_int_equal(mb_json_load(full, strlen(full), tree_table, &t, sizeof(t), NULL), 0);
	assert_int_equal(mb_json_parse(text, strlen(text), &o, NULL), 0);
	assert_int_equal(mb_json_decode(o, tree_table, &t, NULL), 0);
	assert_string_equal(t.s, "new");
	assert_int_equal(t.list.n, 1);
	assert_int_equal(t.n_leaves, 0);
	assert_null(t.leaves);
	assert_int_equal(t.n_ids, 1);
	assert_string_equal(mb_kv_find(&t.kv, "q"), "");
	assert_int_equal(t.kv.n, 1);
	assert_int_equal(t.set.n, 1);
	mb_json_done(tree_table, &t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_round_trip),        cmocka_unit_test(table_done_zeroes),
		cmocka_unit_test(table_sorts_names),       cmocka_unit_test(table_flags),
		cmocka_unit_test(table_tells_the_path),    cmocka_unit_test(table_writes_required),
		cmocka_unit_test(table_keeps_defaults),    cmocka_unit_test(table_decodes_again),
		cmocka_unit_test(load_agrees_with_decode), cmocka_unit_test(load_has_limits),
	};

	return cmocka_run_group_tests_name("json/table", tests, NULL, NULL);
}
