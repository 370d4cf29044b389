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
#include "registry/auths.h"
#include "registry/base64.h"
#include "registry/challenge.h"
#include "json/json.h"

static void challenge_rows(void **state)
{
	static const struct {
		const char *text, *realm, *service;
		enum mb_registry_scheme scheme;
	} rows[] = {
		{"Basic realm=\"here\"", "here", NULL, MB_REGISTRY_BASIC},
		{"basic", NULL, NULL, MB_REGISTRY_BASIC},
		{"Bearer realm=\"https://a/t\",service=\"s\",scope=\"x\"", "https://a/t", "s",
	         MB_REGISTRY_BEARER},
		{"BEARER  Realm = \"https://a/t\" , SERVICE=s", "https://a/t", "s",
	         MB_REGISTRY_BEARER},
		{"Negotiate, Basic realm=\"x\", Bearer realm=\"y\"", "y", NULL, MB_REGISTRY_BEARER},
		{"Bearer realm=\"y\", Basic realm=\"x\"", "y", NULL, MB_REGISTRY_BEARER},
		{"Bearer service=\"no realm\", Basic realm=\"x\"", "x", NULL, MB_REGISTRY_BASIC},
		{"Basic realm=\"a\\\"b, Bearer realm=c\"", "a\"b, Bearer realm=c", NULL,
	         MB_REGISTRY_BASIC},
		{"Bearer realm=\"first\",realm=\"second\"", "first", NULL, MB_REGISTRY_BEARER},
		{",, Basic realm=x ,,", "x", NULL, MB_REGISTRY_BASIC},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_registry_challenge c = {0};

		assert_int_equal(mb_registry_challenge_parse(rows[i].text, &c), 0);
		assert_int_equal(c.scheme, rows[i].scheme);
		assert_true(mb_streq(mb_kv_find(&c.params, "realm"), rows[i].realm));
		assert_true(mb_streq(mb_kv_find(&c.params, "service"), rows[i].service));
		mb_registry_challenge_done(&c);
	}
}

static void challenge_refuses(void **state)
{
	static const char *const rows[] = {
		"",
		",",
		"Negotiate",
		"Bearer",
		"Bearer realm=",
		"Bearer realm=\"open",
		"Basic realm=\"open",
		"Bearer scope=\"x\"",
		"\"Basic\"",
		"Basic realm=\"x\" \"",
		"= Basic",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_registry_challenge c = {0};

		assert_int_equal(mb_registry_challenge_parse(rows[i], &c), -EBADMSG);
		assert_int_equal(c.params.n, 0);
	}
}

static void base64_rows(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"me:secret", "bWU6c2VjcmV0"},
		{"\xff\xfe", "//4="},
	};
	static const char *const bad[] = {"Z", "Zg=", "Z===", "====", "Zg==Zg==", "Z*==", "Zm 9"};

	(void)state;
	for (size_t i = 0; i < MB_N(pairs); i++) {
		MB_AUTO_STR struct mb_str text = MB_STR_INIT, plain = MB_STR_INIT;

		mb_registry_base64_format(pairs[i][0], strlen(pairs[i][0]), &text);
		assert_string_equal(mb_str_text(&text), pairs[i][1]);
		assert_int_equal(mb_registry_base64_parse(pairs[i][1], &plain), 0);
		assert_string_equal(mb_str_text(&plain), pairs[i][0]);
	}
	for (size_t i = 0; i < MB_N(bad); i++) {
		MB_AUTO_STR struct mb_str plain = MB_STR_INIT;

		assert_int_equal(mb_registry_base64_parse(bad[i], &plain), -EINVAL);
	}
}

static struct json_object *parse(const char *text)
{
	struct json_object *o = NULL;

	assert_int_equal(mb_json_parse_object(text, strlen(text), &o, NULL), 0);
	return o;
}

static void auths_find_rows(void **state)
{
	static const char text[] =
		"{\"auths\": {\"https://index.docker.io/v1/\": {\"auth\": \"aHViOmE6Yg==\"},"
		" \"https://old.example/v2/\": {\"auth\": \"bWU6c2VjcmV0\"},"
		" \"plain.example\": {\"username\": \"u\", \"password\": \"p\"},"
		" \"empty.example\": {}, \"bad.example\": {\"auth\": \"%%%\"},"
		" \"nocolon.example\": {\"auth\": \"Zm9v\"},"
		" \"token.example\": {\"auth\": \"\", \"identitytoken\": \"t\"}}}";
	static const struct {
		const char *registry, *username, *password, *token;
		int r;
	} rows[] = {
		{"docker.io", "hub", "a:b", NULL, 0},
		{"old.example", "me", "secret", NULL, 0},
		{"plain.example", "u", "p", NULL, 0},
		{"empty.example", NULL, NULL, NULL, MB_REGISTRY_NO_LOGIN},
		{"absent.example", NULL, NULL, NULL, MB_REGISTRY_NO_LOGIN},
		{"plain.example.evil", NULL, NULL, NULL, MB_REGISTRY_NO_LOGIN},
		{"bad.example", NULL, NULL, NULL, -EBADMSG},
		{"nocolon.example", NULL, NULL, NULL, -EBADMSG},
		{"token.example", NULL, NULL, "t", 0},
	};
	MB_AUTO(mb_json_free) struct json_object *config = parse(text);

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_REGISTRY_LOGIN struct mb_registry_login login = {0};

		assert_int_equal(mb_registry_auths_find(config, rows[i].registry, &login, NULL),
		                 rows[i].r);
		assert_true(mb_streq(login.username, rows[i].username));
		assert_true(mb_streq(login.password, rows[i].password));
		assert_true(mb_streq(login.identity_token, rows[i].token));
	}
}

static void auths_set_and_remove(void **state)
{
	MB_AUTO(mb_json_free)
	struct json_object *config = parse(
		"{\"x\": 1, \"auths\": {\"https://index.docker.io/v1/\": {\"auth\": \"YTpi\"},"
		" \"docker.io\": {\"auth\": \"YTpi\"}, \"other\": {}}}");
	MB_AUTO(mb_json_free) struct json_object *odd = parse("{\"auths\": []}");
	char name[] = "me", password[] = "secret";
	const struct mb_registry_login login = {.username = name, .password = password};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	(void)state;
	mb_registry_auths_set(config, "docker.io", &login);
	mb_json_format(config, false, &text);
	assert_string_equal(mb_str_text(&text),
	                    "{\"x\":1,\"auths\":{\"other\":{},\"https://index.docker.io/v1/\":"
	                    "{\"auth\":\"bWU6c2VjcmV0\"}}}");
	assert_true(mb_registry_auths_remove(config, "docker.io"));
	assert_false(mb_registry_auths_remove(config, "docker.io"));
	mb_registry_auths_set(odd, "a", &login);
	mb_str_reset(&text);
	mb_json_format(odd, false, &text);
	assert_string_equal(mb_str_text(&text), "{\"auths\":{\"a\":{\"auth\":\"bWU6c2VjcmV0\"}}}");
}

static void auths_helpers(void **state)
{
	MB_AUTO(mb_json_free)
	struct json_object *config =
		parse("{\"credsStore\": \"all\", \"credHelpers\": {\"a.example\": \"one\"}}");
	MB_AUTO(mb_json_free) struct json_object *none = parse("{}");

	(void)state;
	assert_string_equal(mb_registry_auths_helper(config, "a.example"), "one");
	assert_string_equal(mb_registry_auths_helper(config, "b.example"), "all");
	assert_null(mb_registry_auths_helper(none, "b.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenge_rows), cmocka_unit_test(challenge_refuses),
		cmocka_unit_test(base64_rows),    cmocka_unit_test(auths_find_rows),
		cmocka_unit_test(auths_helpers),  cmocka_unit_test(auths_set_and_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
