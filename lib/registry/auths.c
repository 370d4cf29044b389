/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry/auths.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "registry/base64.h"
#include "json/json.h"

static const char hub[] = "docker.io", hub_key[] = "https://index.docker.io/v1/";

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void mb_registry_login_done(struct mb_registry_login *login)
{
	wipe(&login->username);
	wipe(&login->password);
	wipe(&login->identity_token);
}

const char *mb_registry_auths_key(const char *registry)
{
	return strcmp(registry, hub) == 0 ? hub_key : registry;
}

/* The registry that a key means: "https://host/v1/" is how it was written once. */
static bool is_key_of(const char *key, const char *registry)
{
	const char *rest = mb_skip_prefix(key, "https://");
	size_t n;

	if (!rest)
		rest = mb_skip_prefix(key, "http://");
	rest = rest ? rest : key;
	n = strcspn(rest, "/");
	if (strcmp(registry, hub) == 0 && n == strlen("index.docker.io") &&
	    memcmp(rest, "index.docker.io", n) == 0)
		return true;
	return n == strlen(registry) && memcmp(rest, registry, n) == 0;
}

static struct json_object *find_entry(struct json_object *auths, const char *registry,
                                      const char **ret_key)
{
	struct json_object *exact = mb_json_find(auths, mb_registry_auths_key(registry));

	*ret_key = mb_registry_auths_key(registry);
	if (exact || !json_object_is_type(auths, json_type_object))
		return exact;
	json_object_object_foreach (auths, key, value) {
		if (!is_key_of(key, registry))
			continue;
		*ret_key = key;
		return value;
	}
	return NULL;
}

static int split_auth(const char *auth, struct mb_registry_login *ret)
{
	MB_AUTO_STR struct mb_str plain = MB_STR_INIT;
	const char *text, *colon;

	if (mb_registry_base64_parse(auth, &plain) < 0)
		return -EINVAL;
	text = mb_str_text(&plain);
	colon = strchr(text, ':');
	if (!colon || strlen(text) != plain.len)
		return -EINVAL;
	ret->username = mb_strndup(text, (size_t)(colon - text));
	ret->password = mb_strdup(colon + 1);
	explicit_bzero(plain.buf, plain.len);
	return 0;
}

int mb_registry_auths_find(struct json_object *config, const char *registry,
                           struct mb_registry_login *ret, struct mb_err *err)
{
	MB_AUTO_REGISTRY_LOGIN struct mb_registry_login login = {0};
	const char *key, *auth, *username;
	struct json_object *entry = find_entry(mb_json_find(config, "auths"), registry, &key);

	if (!entry)
		return MB_REGISTRY_NO_LOGIN;
	auth = mb_json_find_str(entry, "auth", "");
	username = mb_json_find_str(entry, "username", "");
	if (*auth && split_auth(auth, &login) < 0)
		return mb_fail(err, EBADMSG, "the entry of '%s' is not valid", registry);
	if (!*auth && *username) {
		login.username = mb_strdup(username);
		login.password = mb_strdup(mb_json_find_str(entry, "password", ""));
	}
	if (*mb_json_find_str(entry, "identitytoken", ""))
		login.identity_token = mb_strdup(mb_json_find_str(entry, "identitytoken", ""));
	/* An empty entry says that a helper has it. */
	if (!login.username && !login.identity_token)
		return MB_REGISTRY_NO_LOGIN;
	*ret = login;
	login = (struct mb_registry_login){0};
	return 0;
}

const char *mb_registry_auths_helper(struct json_object *config, const char *registry)
{
	struct json_object *helpers = mb_json_find(config, "credHelpers");
	const char *helper = mb_json_find_str(helpers, mb_registry_auths_key(registry), NULL);

	if (!helper)
		helper = mb_json_find_str(helpers, registry, NULL);
	if (!helper)
		helper = mb_json_find_str(config, "credsStore", NULL);
	return helper && *helper ? helper : NULL;
}

static void set_auth(struct json_object *entry, const struct mb_registry_login *login)
{
	MB_AUTO_FREE char *plain = mb_asprintf("%s:%s", login->username ? login->username : "",
	                                       login->password ? login->password : "");
	MB_AUTO_STR struct mb_str auth = MB_STR_INIT;

	mb_registry_base64_format(plain, strlen(plain), &auth);
	explicit_bzero(plain, strlen(plain));
	mb_json_set_str(entry, "auth", mb_str_text(&auth));
	if (login->identity_token)
		mb_json_set_str(entry, "identitytoken", login->identity_token);
	explicit_bzero(auth.buf, auth.len);
}

void mb_registry_auths_set(struct json_object *config, const char *registry,
                           const struct mb_registry_login *login)
{
	struct json_object *auths, *entry = mb_json_new_object();

	mb_registry_auths_remove(config, registry);
	auths = mb_json_find(config, "auths");
	if (!json_object_is_type(auths, json_type_object)) {
		auths = mb_json_new_object();
		mb_json_set(config, "auths", auths);
	}
	if (login)
		set_auth(entry, login);
	mb_json_set(auths, mb_registry_auths_key(registry), entry);
}

bool mb_registry_auths_remove(struct json_object *config, const char *registry)
{
	struct json_object *auths = mb_json_find(config, "auths");
	const char *key;
	bool found = false;

	while (find_entry(auths, registry, &key)) {
		MB_AUTO_FREE char *own = mb_strdup(key);

		json_object_object_del(auths, own);
		found = true;
	}
	return found;
}
