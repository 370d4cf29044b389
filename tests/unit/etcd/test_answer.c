/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "etcd/answer.h"
#include "etcd/etcd.h"
#include "json/json.h"

static struct json_object *parse(const char *text)
{
	struct json_object *o;

	assert_int_equal(mb_json_parse_object(text, strlen(text), &o, NULL), 0);
	return o;
}

static void range_has_texts_and_numbers(void **state)
{
	MB_AUTO(mb_json_free)
	struct json_object *o =
		parse("{\"header\":{\"revision\":\"9\"},\"more\":true,\"kvs\":[{\"key\":\"YQ==\","
	              "\"value\":\"Yg==\",\"create_revision\":\"3\",\"lease\":\"77\"}]}");
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};

	(void)state;
	assert_int_equal(mb_etcd_answer_range(o, &kvs, NULL), 0);
	assert_int_equal(kvs.revision, 9);
	assert_true(kvs.more);
	assert_string_equal(mb_etcd_kvs_find(&kvs, "a")->value, "b");
	assert_int_equal(kvs.v[0].created, 3);
	assert_int_equal(kvs.v[0].lease, 77);
	assert_null(mb_etcd_kvs_find(&kvs, "b"));
}

static void range_that_is_none_is_refused(void **state)
{
	static const char *const texts[] = {
		"{\"kvs\":[{\"key\":\"?\",\"value\":\"\"}]}",
		"{\"kvs\":[{\"value\":\"Yg==\"}]}",
		"{\"kvs\":[null]}",
		"{\"kvs\":{\"key\":\"YQ==\"}}",
		"{\"kvs\":\"YQ==\"}",
		"{\"kvs\":[{\"key\":7}]}",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(texts); i++) {
		MB_AUTO(mb_json_free) struct json_object *o = parse(texts[i]);
		MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};

		assert_int_equal(mb_etcd_answer_range(o, &kvs, NULL), -EBADMSG);
	}
}

static void what_is_no_text_is_left_out(void **state)
{
	static const char line[] = "{\"result\":{\"header\":{\"revision\":\"5\"},\"events\":["
				   "{\"kv\":{\"key\":\"AA==\",\"value\":\"Yw==\"}},"
				   "{\"kv\":{\"key\":\"YQ==\",\"value\":\"AA==\"}},"
				   "{\"kv\":{\"key\":\"Yg==\",\"value\":\"Yw==\"}}]}}";
	MB_AUTO(mb_json_free)
	struct json_object *o = parse("{\"kvs\":[{\"key\":\"YQ==\",\"value\":\"AA==\"},"
	                              "{\"key\":\"Yg==\",\"value\":\"Yw==\"},"
	                              "{\"key\":\"YwA=\",\"value\":\"Yw==\"}]}");
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	struct mb_etcd_told told = {0};

	(void)state;
	assert_int_equal(mb_etcd_answer_range(o, &kvs, NULL), 0);
	assert_int_equal(kvs.n, 1);
	assert_string_equal(kvs.v[0].key, "b");
	/* The next page begins behind the last one all the same. */
	assert_int_equal(kvs.seen, 3);
	assert_int_equal(kvs.last.len, 2);
	assert_memory_equal(kvs.last.buf, "c\0", 2);
	assert_int_equal(mb_etcd_answer_watch(line, strlen(line), &told, NULL), 0);
	assert_int_equal(told.n, 2);
	assert_string_equal(told.v[0].kv->key, "a");
	assert_true(told.v[0].deleted);
	assert_false(told.v[1].deleted);
	mb_etcd_told_done(&told);
}

static void a_value_too_long_is_left_out(void **state)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};

	(void)state;
	mb_str_add(&text, "{\"kvs\":[{\"key\":\"YQ==\",\"value\":\"");
	for (size_t i = 0; i <= MB_ETCD_VALUE_MAX / 3; i++)
		mb_str_add(&text, "YWFh");
	mb_str_add(&text, "\"},{\"key\":\"Yg==\"}]}");
	{
		MB_AUTO(mb_json_free) struct json_object *o = parse(mb_str_text(&text));

		assert_int_equal(mb_etcd_answer_range(o, &kvs, NULL), 0);
	}
	assert_int_equal(kvs.n, 1);
	assert_string_equal(kvs.v[0].key, "b");
	assert_int_equal(kvs.bytes, 1);
}

static void txn_gathers_what_it_read(void **state)
{
	MB_AUTO(mb_json_free)
	struct json_object *o =
		parse("{\"header\":{\"revision\":\"4\"},\"responses\":[{\"response_put\":{}},"
	              "{\"response_range\":{\"kvs\":[{\"key\":\"YQ==\"}]}},"
	              "{\"response_range\":{\"kvs\":[{\"key\":\"Yg==\"}]}}]}");
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	bool done = true;

	(void)state;
	assert_int_equal(mb_etcd_answer_txn(o, &done, &kvs, NULL), 0);
	assert_false(done);
	assert_int_equal(kvs.n, 2);
	assert_non_null(mb_etcd_kvs_find(&kvs, "b"));
}

static void watch_tells_changes_and_its_end(void **state)
{
	static const char line[] =
		"{\"result\":{\"header\":{\"revision\":\"12\"},\"events\":[{\"type\":\"DELETE\","
		"\"kv\":{\"key\":\"YQ==\"}},{\"kv\":{\"key\":\"Yg==\",\"value\":\"Yw==\"}}]}}";
	static const char end[] = "{\"result\":{\"canceled\":true,\"compact_revision\":\"40\"}}";
	struct mb_etcd_told told = {0};

	(void)state;
	assert_int_equal(mb_etcd_answer_watch(line, strlen(line), &told, NULL), 0);
	assert_int_equal(told.n, 2);
	assert_int_equal(told.revision, 12);
	assert_true(told.v[0].deleted);
	assert_false(told.v[1].deleted);
	assert_string_equal(told.v[1].kv->value, "c");
	mb_etcd_told_done(&told);
	assert_int_equal(mb_etcd_answer_watch(end, strlen(end), &told, NULL), 0);
	assert_true(told.canceled);
	assert_int_equal(told.compacted, 40);
	mb_etcd_told_done(&told);
	assert_int_equal(mb_etcd_answer_watch("{\"error\":{}}", 12, &told, NULL), -EBADMSG);
}

static void error_says(const char *text, const char *says)
{
	MB_AUTO_FREE char *found = mb_etcd_answer_error(text, strlen(text));

	assert_string_equal(found, says);
}

static void errors_are_told_in_one_line(void **state)
{
	(void)state;
	error_says("{\"error\":\"old\",\"message\":\"lease not found\"}", "lease not found");
	error_says("{\"error\":{\"message\":\"compacted\"}}", "compacted");
	error_says("CommonName is not used\n", "CommonName is not used");
	error_says("<html>no</html>", "");
	error_says("", "");
	error_says("a\033[2J", "a\\x1b[2J");
}

static void addresses_of_members(void **state)
{
	static const char *const good[] = {"http://a", "https://etcd-1.example:2379",
	                                   "http://10.0.0.1:2379", "https://[fd00::1]:2379"};
	static const char *const bad[] = {"",           "a:2379",     "ftp://a",
	                                  "http://",    "http://:1",  "http://a/b",
	                                  "http://a:",  "http://a:0", "http://a:65536",
	                                  "http://u@a", "http://[x]", "http://a b"};

	(void)state;
	for (size_t i = 0; i < MB_N(good); i++)
		assert_true(mb_etcd_address_is_valid(good[i]));
	for (size_t i = 0; i < MB_N(bad); i++)
		assert_false(mb_etcd_address_is_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range_has_texts_and_numbers),
		cmocka_unit_test(range_that_is_none_is_refused),
		cmocka_unit_test(what_is_no_text_is_left_out),
		cmocka_unit_test(a_value_too_long_is_left_out),
		cmocka_unit_test(txn_gathers_what_it_read),
		cmocka_unit_test(watch_tells_changes_and_its_end),
		cmocka_unit_test(errors_are_told_in_one_line),
		cmocka_unit_test(addresses_of_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
