/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "registry/range.h"
#include "registry/url.h"

static void url_parse_rows(void **state)
{
	static const struct {
		const char *text, *host, *target;
		bool is_tls;
	} rows[] = {
		{"https://Example.com", "example.com", "/", true},
		{"HTTP://a.b:5000/v2/?x=1#frag", "a.b:5000", "/v2/?x=1", false},
		{"https://[::1]:5000/v2/", "[::1]:5000", "/v2/", true},
		{"https://a?x=1", "a", "/?x=1", true},
		{"https://127.0.0.1:1/a%20b", "127.0.0.1:1", "/a%20b", true},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_REGISTRY_URL struct mb_registry_url url = {0};

		assert_int_equal(mb_registry_url_parse(rows[i].text, &url, NULL), 0);
		assert_string_equal(url.host, rows[i].host);
		assert_string_equal(url.target, rows[i].target);
		assert_int_equal(url.is_tls, rows[i].is_tls);
	}
}

static void url_parse_refuses(void **state)
{
	static const char *const rows[] = {
		"",
		"a",
		"ftp://a/",
		"file:///etc/passwd",
		"https://",
		"https:///x",
		"https://user:secret@host/",
		"https://a:0/",
		"https://a:65536/",
		"https://a:/",
		"https://a:b/",
		"https://[::1/",
		"https://[]/",
		"https://-a/",
		"https://a b/",
		"https://a/\r\nX: y",
		"https://a/\x7f",
		"https://a/\xc3\xa4",
		"https://a\\b/",
		"https://a/<x>",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_registry_url url = {0};
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(mb_registry_url_parse(rows[i], &url, &err), -EINVAL);
		assert_true(err.code);
		assert_null(url.host);
	}
}

static void url_resolve_rows(void **state)
{
	static const struct {
		const char *base, *location, *result;
	} rows[] = {
		{"https://a/v2/x", "https://b:5/y", "https://b:5/y"},
		{"https://a/v2/x", "//b/y", "https://b/y"},
		{"http://a:1/v2/x?q=/z", "/y?z=1", "http://a:1/y?z=1"},
		{"http://a/v2/x/up?q=/z", "next?s=1", "http://a/v2/x/next?s=1"},
		{"http://a/v2/x/up?q=1", "?s=1", "http://a/v2/x/up?s=1"},
		{"http://a", "y", "http://a/y"},
	};
	char *never = NULL;

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *got = NULL;

		assert_int_equal(
			mb_registry_url_resolve(rows[i].base, rows[i].location, &got, NULL), 0);
		assert_string_equal(got, rows[i].result);
	}
	assert_int_equal(mb_registry_url_resolve("http://a", "http://u@b/", &never, NULL), -EINVAL);
	assert_int_equal(mb_registry_url_resolve("http://a", "//u@b/", &never, NULL), -EINVAL);
	assert_int_equal(mb_registry_url_resolve("http://a", "file:///x", &never, NULL), -EINVAL);
}

static void url_origins(void **state)
{
	(void)state;
	assert_true(mb_registry_url_is_same_origin("https://a/x", "https://A:443/y"));
	assert_true(mb_registry_url_is_same_origin("http://a:80/x", "http://a/y"));
	assert_true(mb_registry_url_is_same_origin("http://[::1]/x", "http://[::1]:80/y"));
	assert_false(mb_registry_url_is_same_origin("https://a/", "http://a/"));
	assert_false(mb_registry_url_is_same_origin("https://a/", "https://a:444/"));
	assert_false(mb_registry_url_is_same_origin("https://a/", "https://a.b/"));
	assert_false(mb_registry_url_is_same_origin("https://a/", "nonsense"));
}

static void url_loopback(void **state)
{
	(void)state;
	assert_true(mb_registry_url_is_loopback("localhost"));
	assert_true(mb_registry_url_is_loopback("localhost:5000"));
	assert_true(mb_registry_url_is_loopback("127.1.2.3:5000"));
	assert_true(mb_registry_url_is_loopback("[::1]:5000"));
	assert_false(mb_registry_url_is_loopback("127.evil.example"));
	assert_false(mb_registry_url_is_loopback("localhost.evil.example"));
	assert_false(mb_registry_url_is_loopback("[::2]:5000"));
	assert_false(mb_registry_url_is_loopback("10.0.0.1"));
}

static void url_queries(void **state)
{
	MB_AUTO_STR struct mb_str url = MB_STR_INIT;

	(void)state;
	mb_str_add(&url, "https://a/t");
	mb_registry_url_add_query(&url, "scope", "repository:a/b:pull,push");
	mb_registry_url_add_query(&url, "x", "a b&c=d#e%~");
	assert_string_equal(mb_str_text(&url), "https://a/t?scope=repository%3Aa%2Fb%3Apull%2Cpush"
	                                       "&x=a%20b%26c%3Dd%23e%25~");
}

static void range_rows(void **state)
{
	static const char *const bad[] = {
		"",
		"bytes",
		"bytes 5-9",
		"bytes 9-5/10",
		"bytes 5-10/10",
		"bytes -5/10",
		"bytes 5-/10",
		"items 5-9/10",
		"bytes 5-9/",
		"bytes 5-9/x",
		"bytes */10",
		"bytes +5-9/10",
		"bytes 99999999999999999999-9/10",
	};
	struct mb_registry_range range;

	(void)state;
	assert_int_equal(mb_registry_range_parse("bytes 5-9/10", &range), 0);
	assert_int_equal(range.first, 5);
	assert_int_equal(range.last, 9);
	assert_int_equal(range.total, 10);
	assert_int_equal(mb_registry_range_parse("Bytes 0-0/*", &range), 0);
	assert_true(range.total == MB_REGISTRY_RANGE_UNKNOWN);
	for (size_t i = 0; i < MB_N(bad); i++)
		assert_int_equal(mb_registry_range_parse(bad[i], &range), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(url_parse_rows),   cmocka_unit_test(url_parse_refuses),
		cmocka_unit_test(url_resolve_rows), cmocka_unit_test(url_origins),
		cmocka_unit_test(url_loopback),     cmocka_unit_test(url_queries),
		cmocka_unit_test(range_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
