/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "fuzz.h"
#include "registry/auths.h"
#include "json/json.h"

static void look(struct json_object *config, const char *registry)
{
	MB_AUTO_REGISTRY_LOGIN struct mb_registry_login login = {0};
	struct mb_err err = MB_ERR_INIT;
	int r = mb_registry_auths_find(config, registry, &login, &err);
	const char *helper = mb_registry_auths_helper(config, registry);

	FUZZ_CHECK(r >= 0 || err.code);
	if (r == 0)
		FUZZ_CHECK((login.username && login.password) || login.identity_token);
	FUZZ_CHECK(!helper || *helper);
}

/* What was set is found, and what was removed is not, whatever else is in the document. */
static void change(struct json_object *config, const char *registry)
{
	static char user[] = "me", password[] = "a:b";
	const struct mb_registry_login me = {.username = user, .password = password};
	MB_AUTO_REGISTRY_LOGIN struct mb_registry_login login = {0};

	mb_registry_auths_set(config, registry, &me);
	FUZZ_CHECK(mb_registry_auths_find(config, registry, &login, NULL) == 0);
	FUZZ_CHECK(strcmp(login.username, user) == 0 && strcmp(login.password, password) == 0);
	FUZZ_CHECK(!login.identity_token);
	mb_registry_auths_remove(config, registry);
	FUZZ_CHECK(!mb_registry_auths_remove(config, registry));
}

/* docker's config.json. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const registries[] = {"docker.io", "r.example", "localhost:5000"};
	MB_AUTO(mb_json_free) struct json_object *config = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct json_object *again = NULL;

	if (mb_json_parse_object((const char *)data, size, &config, NULL) < 0)
		return 0;
	for (size_t i = 0; i < MB_N(registries); i++)
		look(config, registries[i]);
	for (size_t i = 0; i < MB_N(registries); i++)
		change(config, registries[i]);
	mb_json_format(config, true, &out);
	FUZZ_CHECK(mb_json_parse_object(out.buf, out.len, &again, NULL) == 0);
	mb_json_free(again);
	return 0;
}
