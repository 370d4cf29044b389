/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logins: basic, and bearer tokens as docker's token server specification has them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "registry/base64.h"
#include "registry/challenge.h"
#include "registry/client_priv.h"
#include "registry/url.h"
#include "json/json.h"

static void set_authorization(struct mb_registry *reg, char *value)
{
	if (reg->authorization)
		explicit_bzero(reg->authorization, strlen(reg->authorization));
	free(reg->authorization);
	reg->authorization = value;
}

/* "Basic ...".  Caller frees. */
static char *basic(const struct mb_registry_login *login)
{
	MB_AUTO_FREE char *plain = mb_asprintf("%s:%s", login->username, login->password);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_str_add(&text, "Basic ");
	mb_registry_base64_format(plain, strlen(plain), &text);
	explicit_bzero(plain, strlen(plain));
	return mb_str_take(&text);
}

static bool token_is_valid(const char *token)
{
	if (!*token)
		return false;
	for (; *token; token++)
		if ((unsigned char)*token <= ' ' || (unsigned char)*token >= 0x7f)
			return false;
	return true;
}

static int take_token(struct mb_registry *reg, const struct mb_registry_answer *answer,
                      struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	const char *token;
	int r;

	if (answer->head.status != 200)
		return mb_registry_refused(answer, "the token server refuses", err);
	r = mb_json_parse_object(mb_str_text(&answer->text), answer->text.len, &o, err);
	if (r < 0)
		return mb_wrap(err, r, "the token server's answer");
	token = mb_json_find_str(o, "token", "");
	if (!*token)
		token = mb_json_find_str(o, "access_token", "");
	if (!token_is_valid(token))
		return mb_fail(err, EBADMSG, "the token server gave no valid token");
	set_authorization(reg, mb_asprintf("Bearer %s", token));
	return 0;
}

/* Credentials go to no server that everybody on the way could be, unless the registry itself is
 * spoken to like that.  @ret, the caller's to free, is the address in the one form that the rest
 * knows. */
static int check_realm(const struct mb_registry *reg, const char *realm, char **ret,
                       struct mb_err *err)
{
	MB_AUTO_REGISTRY_URL struct mb_registry_url url = {0};
	int r = mb_registry_url_parse(realm, &url, err);

	if (r < 0)
		return mb_wrap(err, r, "the token server");
	if (!url.is_tls && mb_starts_with(reg->base, "https:"))
		return mb_fail(err, EACCES, "the token server '%s' is not asked by https",
		               url.host);
	*ret = mb_asprintf("%s://%s%s", url.is_tls ? "https" : "http", url.host, url.target);
	return 0;
}

/* What the registry says it wants, and what we know that we will. */
static void add_scopes(const struct mb_registry *reg, const char *asked,
                       void (*add)(void *, const char *), void *to)
{
	if (asked && *asked && !mb_strv_has(&reg->scopes, asked))
		add(to, asked);
	MB_STRV_FOREACH (scope, &reg->scopes)
		add(to, scope);
}

static void add_to_query(void *url, const char *scope)
{
	mb_registry_url_add_query(url, "scope", scope);
}

static int ask_by_query(struct mb_registry *reg, const struct mb_registry_challenge *challenge,
                        const char *realm, struct mb_registry_answer *answer, struct mb_err *err)
{
	const char *service = mb_kv_find(&challenge->params, "service");
	MB_AUTO_STR struct mb_str url = MB_STR_INIT;
	MB_AUTO_FREE char *authorization = NULL;
	struct mb_registry_request request = {
		.method = "GET", .body_fd = -1, .elsewhere = true, .limit = MB_REGISTRY_MAX_TOKEN};
	int r;

	mb_str_add(&url, realm);
	if (service)
		mb_registry_url_add_query(&url, "service", service);
	add_scopes(reg, mb_kv_find(&challenge->params, "scope"), add_to_query, &url);
	if (reg->has_login) {
		mb_registry_url_add_query(&url, "account", reg->login.username);
		authorization = basic(&reg->login);
	}
	request.url = mb_str_text(&url);
	request.authorization = authorization;
	r = mb_registry_request(reg, &request, answer, err);
	if (authorization)
		explicit_bzero(authorization, strlen(authorization));
	return r;
}

static void add_to_list(void *list, const char *scope)
{
	mb_str_addf(list, "%s%s", ((struct mb_str *)list)->len ? " " : "", scope);
}

/* An identity token is exchanged for an access token (OAuth 2). */
static int ask_by_form(struct mb_registry *reg, const struct mb_registry_challenge *challenge,
                       const char *realm, struct mb_registry_answer *answer, struct mb_err *err)
{
	const char *service = mb_kv_find(&challenge->params, "service");
	MB_AUTO_STR struct mb_str form = MB_STR_INIT, scopes = MB_STR_INIT;
	MB_AUTO_CLOSE int fd = memfd_create("form", MFD_CLOEXEC);
	struct mb_registry_request request = {
		.method = "POST",
		.url = realm,
		.content_type = "application/x-www-form-urlencoded",
		.elsewhere = true,
		.limit = MB_REGISTRY_MAX_TOKEN,
	};
	int r;

	/* A form is a query without its question mark. */
	add_scopes(reg, mb_kv_find(&challenge->params, "scope"), add_to_list, &scopes);
	mb_registry_url_add_query(&form, "grant_type", "refresh_token");
	mb_registry_url_add_query(&form, "client_id", "mybox");
	if (service)
		mb_registry_url_add_query(&form, "service", service);
	mb_registry_url_add_query(&form, "scope", mb_str_text(&scopes));
	mb_registry_url_add_query(&form, "refresh_token", reg->login.identity_token);
	r = fd < 0 ? -errno : mb_write_full(fd, form.buf + 1, form.len - 1);
	request.body_fd = fd;
	request.body_size = form.len - 1;
	explicit_bzero(form.buf, form.len);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot make a memory file");
	return mb_registry_request(reg, &request, answer, err);
}

static int bearer(struct mb_registry *reg, const struct mb_registry_challenge *challenge,
                  struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *realm = NULL;
	int r = check_realm(reg, mb_kv_find(&challenge->params, "realm"), &realm, err);

	if (r == 0 && reg->has_login && reg->login.identity_token)
		r = ask_by_form(reg, challenge, realm, &answer, err);
	else if (r == 0)
		r = ask_by_query(reg, challenge, realm, &answer, err);
	if (r == 0)
		r = take_token(reg, &answer, err);
	if (answer.text.len)
		explicit_bzero(answer.text.buf, answer.text.len);
	return r;
}

int mb_registry_authenticate(struct mb_registry *reg, const struct mb_registry_challenge *challenge,
                             struct mb_err *err)
{
	set_authorization(reg, NULL);
	if (challenge->scheme == MB_REGISTRY_BEARER)
		return bearer(reg, challenge, err);
	if (!reg->has_login || !reg->login.username)
		return mb_fail(err, EACCES, "login required: 'mybox login %s'", reg->name);
	set_authorization(reg, basic(&reg->login));
	return 0;
}
