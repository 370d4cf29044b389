/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client over a transport that answers what a test has written down. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/ref.h"
#include "registry/auths.h"
#include "registry/client_priv.h"
#include "registry/list.h"
#include "registry/registry.h"
#include "registry/settings.h"
#include "registry/transport.h"

#define HEX "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" /* of "{}" */

struct step {
	const char *method, *url; /* that must be asked for */
	const char *header;       /* that must be sent; NULL: no Authorization may be */
	int result;               /* of call() */
	unsigned status;
	const char *fields[4], *body;
};
struct script {
	struct mb_registry_transport base;
	const struct step *steps;
	size_t n, at;
};

static int play(struct mb_registry_transport *t, const struct mb_registry_call *call,
                const struct mb_registry_sink *sink, struct mb_err *err)
{
	struct script *script = (struct script *)t;
	const struct step *step = &script->steps[script->at++];
	struct mb_registry_head head = {.status = step->status};
	int r;

	assert_true(script->at <= script->n);
	assert_string_equal(call->method, step->method);
	assert_string_equal(call->url, step->url);
	if (step->header)
		assert_true(mb_strv_has(call->headers, step->header));
	else
		MB_STRV_FOREACH (header, call->headers)
			assert_false(mb_starts_with(header, "Authorization"));
	if (step->result) {
		mb_fail(err, EIO, "as written");
		return step->result;
	}
	for (size_t i = 0; step->fields[i]; i++)
		mb_registry_head_add(&head, step->fields[i]);
	r = sink->head(sink->arg, &head, err);
	mb_registry_head_done(&head);
	if (r == 0 && step->body)
		r = sink->body(sink->arg, step->body, strlen(step->body), err);
	return r;
}

static void free_script(struct mb_registry_transport *t)
{
	free(t);
}

static struct mb_registry *open_search(const char *domain, const struct step *steps, size_t n,
                                       const struct mb_registry_login *login, bool search)
{
	static const struct mb_registry_settings settings = {.timeout_sec = 30};
	struct script *script = mb_calloc(1, sizeof(*script));
	struct mb_registry *reg = NULL;
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {.domain = mb_strdup(domain),
	                                         .path = mb_strdup("a/b")};

	*script = (struct script){{play, free_script}, steps, n, 0};
	assert_int_equal(mb_registry_open(&ref,
	                                  &(struct mb_registry_options){
						  .settings = &settings,
						  .login = login,
						  .search = search,
						  .transport = &script->base,
					  },
	                                  &reg, NULL),
	                 0);
	return reg;
}

static struct mb_registry *open_script(const char *domain, const struct step *steps, size_t n,
                                       const struct mb_registry_login *login)
{
	return open_search(domain, steps, n, login, false);
}

static int get(const char *domain, const struct step *steps, size_t n,
               const struct mb_registry_login *login, struct mb_err *err)
{
	MB_AUTO(mb_registry_free) struct mb_registry *reg = open_script(domain, steps, n, login);
	struct mb_registry_manifest manifest = {0};
	int r = mb_registry_manifest_get(reg, "1", &manifest, err);

	mb_registry_manifest_done(&manifest);
	return r;
}

#define GET(domain, login, err, ...)                    \
	get(domain, (const struct step[]){__VA_ARGS__}, \
	    sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step), login, err)

static char user[] = "me", password[] = "secret";
static const struct mb_registry_login me = {.username = user, .password = password};

static void request_hub(void **state)
{
	(void)state;
	assert_int_equal(GET("docker.io", NULL, NULL,
	                     {"GET", "https://registry-1.docker.io/v2/a/b/manifests/1",
	                      .status = 200, .body = "{}"}),
	                 0);
}

static void request_token(void **state)
{
	(void)state;
	assert_int_equal(
		GET("r.example", &me, NULL,
	            {"GET", "https://r.example/v2/a/b/manifests/1", .status = 401,
	             .fields = {"WWW-Authenticate: Bearer realm=\"https://t.example/t\",scope=\"x "
	                        "y\""}},
	            {"GET", "https://t.example/t?scope=x%20y&account=me",
	             "Authorization: Basic bWU6c2VjcmV0", .status = 200,
	             .body = "{\"token\":\"T\"}"},
	            {"GET", "https://r.example/v2/a/b/manifests/1", "Authorization: Bearer T",
	             .status = 307, .fields = {"Location: https://cdn.example/x"}},
	            {"GET", "https://cdn.example/x", NULL, .status = 200, .body = "{}"}),
		0);
}

/* What a token server answers with leads nobody's password elsewhere. */
static void request_token_redirected(void **state)
{
	(void)state;
	assert_int_equal(
		GET("r.example", &me, NULL,
	            {"GET", "https://r.example/v2/a/b/manifests/1", .status = 401,
	             .fields = {"WWW-Authenticate: Bearer realm=\"https://t.example/t\""}},
	            {"GET", "https://t.example/t?account=me", "Authorization: Basic bWU6c2VjcmV0",
	             .status = 307, .fields = {"Location: https://evil.example/t"}},
	            {"GET", "https://evil.example/t", NULL, .status = 200,
	             .body = "{\"token\":\"T\"}"},
	            {"GET", "https://r.example/v2/a/b/manifests/1", "Authorization: Bearer T",
	             .status = 200, .body = "{}"}),
		0);
}

/* However it is written: what is asked by https is not redirected to http. */
static void request_token_scheme(void **state)
{
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(GET("r.example", NULL, &err,
	                     {"GET", "https://r.example/v2/a/b/manifests/1", .status = 401,
	                      .fields = {"WWW-Authenticate: Bearer realm=\"HTTPS://T.example/t\""}},
	                     {"GET", "https://t.example/t", NULL, .status = 307,
	                      .fields = {"Location: http://t.example/t"}}),
	                 -EACCES);
	assert_non_null(strstr(err.msg, "a redirect from https to http"));
}

static void request_token_over_http(void **state)
{
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(GET("r.example", &me, &err,
	                     {"GET", "https://r.example/v2/a/b/manifests/1", .status = 401,
	                      .fields = {"WWW-Authenticate: Bearer realm=\"http://t.example/t\""}}),
	                 -EACCES);
	assert_non_null(strstr(err.msg, "is not asked by https"));
}

static void request_never_to_http(void **state)
{
	static const char url[] = "https://r.example/v2/a/b/manifests/1";
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	/* No https there, but nobody said that http will do. */
	assert_int_equal(GET("r.example", &me, &err, {"GET", url, .result = MB_TRANSPORT_NOT_TLS}),
	                 -EIO);
	assert_int_equal(
		GET("r.example", &me, &err,
	            {"GET", url, .status = 302, .fields = {"Location: http://r.example/x"}}),
		-EACCES);
	/* A certificate that is refused is no reason, on loopback neither. */
	assert_int_equal(GET("localhost", NULL, &err,
	                     {"GET", "https://localhost/v2/a/b/manifests/1",
	                      .result = MB_TRANSPORT_UNTRUSTED}),
	                 -EIO);
	assert_int_equal(
		GET("localhost", NULL, &err,
	            {"GET", "https://localhost/v2/a/b/manifests/1", .result = MB_TRANSPORT_NOT_TLS},
	            {"GET", "http://localhost/v2/a/b/manifests/1", .status = 200, .body = "{}"}),
		0);
}

static void request_tries(void **state)
{
	static const char url[] = "https://r.example/v2/a/b/manifests/1";
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(GET("r.example", NULL, &err,
	                     {"GET", url, .status = 503, .fields = {"Retry-After: 0"}},
	                     {"GET", url, .status = 429, .fields = {"Retry-After: 0"}},
	                     {"GET", url, .status = 200, .body = "{}"}),
	                 0);
	assert_int_equal(GET("r.example", NULL, &err,
	                     {"GET", url, .status = 503, .fields = {"Retry-After: 0"}},
	                     {"GET", url, .status = 503, .fields = {"Retry-After: 0"}},
	                     {"GET", url, .status = 503, .fields = {"Retry-After: 0"}},
	                     {"GET", url, .status = 503, .fields = {"Retry-After: 0"}},
	                     {"GET", url, .status = 503, .fields = {"Retry-After: 0"}}),
	                 -EAGAIN);
	assert_int_equal(GET("r.example", NULL, &err, {"GET", url, .status = 404}),
	                 MB_REGISTRY_ABSENT);
}

static void request_wait(void **state)
{
	static const struct {
		const char *after, *date;
		int64_t now; /* seconds */
		int wanted;  /* -1: it does not say */
	} rows[] = {
		{NULL, NULL, 0, -1},
		{"", NULL, 0, -1},
		{"soon", NULL, 0, -1},
		{"7", NULL, 0, 7},
		{"4000", NULL, 0, MB_REGISTRY_MAX_WAIT_SEC},
		/* 784111777 is what RFC 9110 has as its example. */
		{"Sun, 06 Nov 1994 08:49:37 GMT", NULL, 784111777 - 9, 9},
		{"Sun, 06 Nov 1994 08:49:37 GMT", NULL, 784111777 - 900, MB_REGISTRY_MAX_WAIT_SEC},
		{"Sun, 06 Nov 1994 08:49:37 GMT", NULL, 784111777 + 9, 0},
		{"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:30 GMT", 5, 7},
		{"Sun, 06 Nov 1994 08:49:37 GMT", "today", 784111777 - 3, 3},
		{"8", "Sun, 06 Nov 1994 08:49:30 GMT", 5, 8},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_KV struct mb_kv fields = MB_KV_INIT;
		uint64_t seconds = 0;
		bool wanted;

		if (rows[i].after)
			mb_kv_set(&fields, "retry-after", rows[i].after);
		if (rows[i].date)
			mb_kv_set(&fields, "date", rows[i].date);
		wanted = mb_registry_wait_wanted(&fields, rows[i].now * 1000000000, &seconds);
		assert_int_equal(wanted ? (int)seconds : -1, rows[i].wanted);
	}
}

static void request_upload(void **state)
{
	static const struct step steps[] = {
		{"POST", "https://r.example/v2/a/b/blobs/uploads/", .status = 202,
	         .fields = {"Location: /up/1?state=x"}},
		{"PUT", "https://r.example/up/1?state=x&digest=sha256%3A" HEX, .status = 503},
		{"POST", "https://r.example/v2/a/b/blobs/uploads/", .status = 202,
	         .fields = {"Location: /up/2"}},
		{"PUT", "https://r.example/up/2?digest=sha256%3A" HEX, .status = 201},
	};
	MB_AUTO(mb_registry_free)
	struct mb_registry *reg = open_script("r.example", steps, MB_N(steps), NULL);
	struct mb_oci_digest digest;

	(void)state;
	assert_int_equal(mb_oci_digest_from_hex(HEX, &digest), 0);
	assert_int_equal(mb_registry_blob_send(reg, &digest, 0, 0, 2, NULL, NULL), 0);
}

#define UPLOADS "https://r.example/v2/a/b/blobs/uploads/"
enum { MIB = 1024 * 1024 };

static int send(const struct step *steps, size_t n, uint64_t size)
{
	MB_AUTO(mb_registry_free)
	struct mb_registry *reg = open_script("r.example", steps, n, NULL);
	struct mb_oci_digest digest;

	assert_int_equal(mb_oci_digest_from_hex(HEX, &digest), 0);
	return mb_registry_blob_send(reg, &digest, 0, 0, size, NULL, NULL);
}

#define SEND(size, ...)                          \
	send((const struct step[]){__VA_ARGS__}, \
	     sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step), size)
#define BEGIN(to, ...)                                                                        \
	{                                                                                     \
		"POST", UPLOADS, .status = 202, .fields = { "Location: /" to, ##__VA_ARGS__ } \
	}
#define CHUNK(to, range, ...)                                                            \
	{                                                                                \
		"PATCH", "https://r.example/" to, "Content-Range: " range, ##__VA_ARGS__ \
	}
#define TAKEN(next) .status = 202, .fields = {"Location: /" next}
#define END(to)                                                                       \
	{                                                                             \
		"PUT", "https://r.example/" to "?digest=sha256%3A" HEX, .status = 201 \
	}

static void upload_too_large(void **state)
{
	(void)state;
	assert_int_equal(SEND(20 * MIB, BEGIN("1"),
	                      {"PUT", "https://r.example/1?digest=sha256%3A" HEX, .status = 413},
	                      BEGIN("2"), CHUNK("2", "0-16777215", TAKEN("3")),
	                      CHUNK("3", "16777216-20971519", TAKEN("4")), END("4")),
	                 0);
	/* Nothing is said: the connection is closed, and that of the largest part as well. */
	assert_int_equal(SEND(17 * MIB, BEGIN("1"),
	                      {"PUT", "https://r.example/1?digest=sha256%3A" HEX,
	                       .result = MB_TRANSPORT_BROKEN},
	                      BEGIN("2"), CHUNK("2", "0-16777215", .status = 413),
	                      CHUNK("2", "0-4194303", TAKEN("3")),
	                      CHUNK("3", "4194304-8388607", TAKEN("3")),
	                      CHUNK("3", "8388608-12582911", TAKEN("3")),
	                      CHUNK("3", "12582912-16777215", TAKEN("3")),
	                      CHUNK("3", "16777216-17825791", TAKEN("4")), END("4")),
	                 0);
	assert_int_equal(SEND(2, BEGIN("1"),
	                      {"PUT", "https://r.example/1?digest=sha256%3A" HEX, .status = 400}),
	                 -EBADMSG);
}

static void upload_least_chunk(void **state)
{
	(void)state;
	assert_int_equal(SEND(33 * MIB, BEGIN("1", "OCI-Chunk-Min-Length: 33554432"),
	                      CHUNK("1", "0-33554431", TAKEN("2")),
	                      CHUNK("2", "33554432-34603007", TAKEN("3")), END("3")),
	                 0);
	/* One that is too small for that goes whole, and so where the wish makes no sense. */
	assert_int_equal(SEND(32 * MIB, BEGIN("1", "OCI-Chunk-Min-Length: 33554432"), END("1")), 0);
	assert_int_equal(
		SEND(32 * MIB, BEGIN("1", "OCI-Chunk-Min-Length: 9999999999999999"), END("1")), 0);
	/* Smaller than it may be is of no use. */
	assert_int_equal(SEND(33 * MIB, BEGIN("1", "OCI-Chunk-Min-Length: 33554432"),
	                      CHUNK("1", "0-33554431", .status = 413)),
	                 -EBADMSG);
}

/* What is private does not go on in the clear. */
static void upload_never_to_http(void **state)
{
	(void)state;
	assert_int_equal(SEND(2, {"POST", UPLOADS, .status = 202,
	                          .fields = {"Location: http://r.example/1"}}),
	                 -EACCES);
	assert_int_equal(SEND(17 * MIB, BEGIN("1", "OCI-Chunk-Min-Length: 1024"),
	                      CHUNK("1", "0-16777215", .status = 202,
	                            .fields = {"Location: HTTP://other.example/2"})),
	                 -EACCES);
}

static void upload_goes_on(void **state)
{
	(void)state;
	assert_int_equal(SEND(20 * MIB, BEGIN("1", "OCI-Chunk-Min-Length: 1024"),
	                      CHUNK("1", "0-16777215", .result = MB_TRANSPORT_BROKEN),
	                      {"GET", "https://r.example/1", .status = 204,
	                       .fields = {"Location: /2", "Range: 0-1048575"}},
	                      CHUNK("2", "1048576-17825791", TAKEN("3")),
	                      CHUNK("3", "17825792-20971519", TAKEN("4")), END("4")),
	                 0);
	/* It does not know: from the beginning. */
	assert_int_equal(SEND(20 * MIB, BEGIN("1", "OCI-Chunk-Min-Length: 1024"),
	                      CHUNK("1", "0-16777215", .status = 503),
	                      {"GET", "https://r.example/1", .status = 404},
	                      BEGIN("2", "OCI-Chunk-Min-Length: 1024"),
	                      CHUNK("2", "0-16777215", TAKEN("3")),
	                      CHUNK("3", "16777216-20971519", TAKEN("4")), END("4")),
	                 0);
}

static int search(const char *domain, const struct step *steps, size_t n, size_t limit,
                  struct mb_str *out)
{
	MB_AUTO(mb_registry_free)
	struct mb_registry *reg = open_search(domain, steps, n, NULL, true);
	MB_AUTO_REGISTRY_FINDINGS struct mb_registry_findings found = {0};
	int r = mb_registry_search(reg, "a b", limit, &found, NULL);

	for (size_t i = 0; i < found.n; i++)
		mb_str_addf(out, "%s %lld%s;", found.v[i].name, (long long)found.v[i].stars,
		            found.v[i].is_official ? " official" : "");
	return r;
}

#define SEARCH(domain, limit, out, ...)                    \
	search(domain, (const struct step[]){__VA_ARGS__}, \
	       sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step), limit, out)

static void search_hub(void **state)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	assert_int_equal(
		SEARCH("docker.io", 3, &out,
	               {"GET", "https://index.docker.io/v1/search?q=a%20b&n=3", .status = 200,
	                .body = "{\"results\":[{\"name\":\"z\",\"star_count\":2},{\"name\":\"\"},"
	                        "{\"star_count\":9},{\"name\":\"c\",\"star_count\":10,"
	                        "\"is_official\":true},{\"name\":\"b\",\"star_count\":2},"
	                        "{\"name\":\"y\"}]}"}),
		0);
	assert_string_equal(mb_str_text(&out), "c 10 official;b 2;z 2;");
}

static void search_catalog(void **state)
{
	static const char first[] = "https://r.example/v1/search?q=a%20b&n=9";
	static const char all[] = "https://r.example/v2/_catalog?n=1000";
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	assert_int_equal(
		SEARCH("r.example", 9, &out, {"GET", first, .status = 404},
	               {"GET", all, .status = 200,
	                .fields = {"Link: </x?last=1>; rel=prev, </x?last=2>; rel=\"next\""},
	                .body = "{\"repositories\":[\"x/a b\",\"other\",1]}"},
	               {"GET", "https://r.example/x?last=2", .status = 200,
	                .body = "{\"repositories\":[\"a b/y\",\"x/a b\"]}"}),
		0);
	assert_string_equal(mb_str_text(&out), "a b/y 0;x/a b 0;");
	/* A page for people in its place; and a registry that has neither. */
	assert_int_equal(SEARCH("r.example", 9, &out,
	                        {"GET", first, .status = 200, .body = "<html>"},
	                        {"GET", all, .status = 200, .body = "{\"repositories\":null}"}),
	                 0);
	assert_int_equal(SEARCH("r.example", 9, &out, {"GET", first, .status = 403},
	                        {"GET", all, .status = 404}),
	                 -EOPNOTSUPP);
	assert_int_equal(SEARCH("r.example", 9, &out, {"GET", first, .status = 404},
	                        {"GET", all, .status = 200, .body = "{\"repositories\":{}}"}),
	                 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_hub),
		cmocka_unit_test(request_token),
		cmocka_unit_test(request_token_redirected),
		cmocka_unit_test(request_token_scheme),
		cmocka_unit_test(request_token_over_http),
		cmocka_unit_test(request_never_to_http),
		cmocka_unit_test(request_tries),
		cmocka_unit_test(request_wait),
		cmocka_unit_test(request_upload),
		cmocka_unit_test(upload_too_large),
		cmocka_unit_test(upload_least_chunk),
		cmocka_unit_test(upload_never_to_http),
		cmocka_unit_test(upload_goes_on),
		cmocka_unit_test(search_hub),
		cmocka_unit_test(search_catalog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
