/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>

#include "core/err.h"
#include "core/own.h"
#include "fuzz.h"
#include "registry/challenge.h"
#include "registry/range.h"
#include "registry/url.h"

static void parse_challenge(const char *text)
{
	struct mb_registry_challenge challenge = {0};

	if (mb_registry_challenge_parse(text, &challenge) < 0)
		return;
	FUZZ_CHECK(
		challenge.scheme == MB_REGISTRY_BASIC ||
		(challenge.scheme == MB_REGISTRY_BEARER && mb_kv_find(&challenge.params, "realm")));
	MB_KV_FOREACH (pair, &challenge.params)
		for (const char *c = pair->key; *c; c++)
			FUZZ_CHECK(tolower((unsigned char)*c) == (unsigned char)*c);
	mb_registry_challenge_done(&challenge);
}

static void resolve(const char *text)
{
	static const char base[] = "https://r.example:5000/v2/a/b?n=1";
	MB_AUTO_REGISTRY_URL struct mb_registry_url url = {0};
	MB_AUTO_FREE char *whole = NULL, *twice = NULL;
	struct mb_err err = MB_ERR_INIT;

	if (mb_registry_url_resolve(base, text, &whole, &err) < 0) {
		FUZZ_CHECK(err.code && err.msg[0]);
		return;
	}
	/* It stands for itself, and hides nothing. */
	FUZZ_CHECK(mb_registry_url_parse(whole, &url, NULL) == 0);
	FUZZ_CHECK(!strpbrk(whole, " \t\r\n\033@#") || strchr(url.target, '@'));
	FUZZ_CHECK(!strchr(url.host, '@') && !strchr(url.host, '/') && url.target[0] == '/');
	FUZZ_CHECK(mb_registry_url_resolve(base, whole, &twice, NULL) == 0);
	FUZZ_CHECK(strcmp(whole, twice) == 0);
	FUZZ_CHECK(mb_registry_url_is_same_origin(whole, twice));
	FUZZ_CHECK(mb_registry_url_is_same_origin(whole, base) ==
	           (url.is_tls && strcmp(url.host, "r.example:5000") == 0));
	mb_registry_url_is_loopback(url.host);
}

static void parse_range(const char *text)
{
	struct mb_registry_range range;

	if (mb_registry_range_parse(text, &range) == 0)
		FUZZ_CHECK(range.first <= range.last && range.last < range.total);
}

/* Values of header fields: WWW-Authenticate, Location, Content-Range. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MB_AUTO_FREE char *text = fuzz_text(data, size);

	parse_challenge(text);
	resolve(text);
	parse_range(text);
	return 0;
}
