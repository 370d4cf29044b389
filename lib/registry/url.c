/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry/url.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"

void mb_registry_url_done(struct mb_registry_url *url)
{
	free(url->host);
	free(url->target);
	*url = (struct mb_registry_url){0};
}

static int invalid(const char *s, const char *why, struct mb_err *err)
{
	MB_AUTO_FREE char *safe = mb_redact(s), *shown = mb_printable(safe);

	return mb_fail(err, EINVAL, "invalid address '%.200s': %s", shown, why);
}

static bool is_plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f ||
		    strchr("\"<>\\^`{|}", *s))
			return false;
	return true;
}

static bool port_is_valid(const char *s)
{
	uint32_t port;

	return mb_parse_u32(s, &port) == 0 && port > 0 && port < 65536;
}

static bool host_is_valid(const char *host)
{
	size_t n;

	if (*host == '[') {
		n = strspn(host + 1, "0123456789abcdef:.");
		if (n == 0 || host[n + 1] != ']')
			return false;
		n += 2;
	} else {
		n = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_");
		if (n == 0 || *host == '-')
			return false;
	}
	return host[n] == '\0' || (host[n] == ':' && port_is_valid(host + n + 1));
}

static const char *skip_scheme(const char *s, bool *ret_tls)
{
	*ret_tls = strncasecmp(s, "https://", 8) == 0;
	if (*ret_tls)
		return s + 8;
	return strncasecmp(s, "http://", 7) == 0 ? s + 7 : NULL;
}

int mb_registry_url_parse(const char *s, struct mb_registry_url *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *host = NULL;
	MB_AUTO_STR struct mb_str target = MB_STR_INIT;
	const char *rest;
	bool is_tls;
	size_t n;

	if (strlen(s) > MB_REGISTRY_MAX_URL)
		return invalid(s, "it is too long", err);
	if (!is_plain(s))
		return invalid(s, "it has characters that do not belong there", err);
	rest = skip_scheme(s, &is_tls);
	if (!rest)
		return invalid(s, "neither http nor https", err);
	n = strcspn(rest, "/?#");
	host = mb_strndup(rest, n);
	for (char *p = host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!host_is_valid(host))
		return invalid(s, "its host is not valid", err);
	if (rest[n] != '/')
		mb_str_addc(&target, '/');
	mb_str_addn(&target, rest + n, strcspn(rest + n, "#"));
	*ret = (struct mb_registry_url){
		.is_tls = is_tls, .host = mb_take_ptr(&host), .target = mb_str_take(&target)};
	return 0;
}

static char *join(const struct mb_registry_url *base, const char *location)
{
	const char *scheme = base->is_tls ? "https" : "http";
	size_t path = strcspn(base->target, "?");
	size_t directory = path;

	if (mb_starts_with(location, "//"))
		return mb_asprintf("%s:%s", scheme, location);
	if (*location == '/')
		return mb_asprintf("%s://%s%s", scheme, base->host, location);
	while (directory && base->target[directory - 1] != '/')
		directory--;
	if (*location == '?')
		directory = path;
	return mb_asprintf("%s://%s%.*s%s", scheme, base->host, (int)directory, base->target,
	                   location);
}

int mb_registry_url_resolve(const char *base, const char *location, char **ret, struct mb_err *err)
{
	MB_AUTO_REGISTRY_URL struct mb_registry_url from = {0}, to = {0};
	MB_AUTO_FREE char *whole = NULL;
	bool has_scheme;
	int r = mb_registry_url_parse(base, &from, err);

	if (r < 0)
		return r;
	/* With a scheme, whatever it is, it stands for itself. */
	has_scheme = location[strcspn(location, ":/?#")] == ':';
	whole = has_scheme ? mb_strdup(location) : join(&from, location);
	r = mb_registry_url_parse(whole, &to, err);
	if (r < 0)
		return r;
	*ret = mb_asprintf("%s://%s%s", to.is_tls ? "https" : "http", to.host, to.target);
	return 0;
}

/* "host:port", with the port that the scheme implies. */
static char *origin_of(const struct mb_registry_url *url)
{
	const char *end = strchr(url->host, ']');

	if (strchr(end ? end : url->host, ':'))
		return mb_strdup(url->host);
	return mb_asprintf("%s:%d", url->host, url->is_tls ? 443 : 80);
}

bool mb_registry_url_is_same_origin(const char *a, const char *b)
{
	MB_AUTO_REGISTRY_URL struct mb_registry_url x = {0}, y = {0};
	MB_AUTO_FREE char *of_x = NULL, *of_y = NULL;

	if (mb_registry_url_parse(a, &x, NULL) < 0 || mb_registry_url_parse(b, &y, NULL) < 0)
		return false;
	of_x = origin_of(&x);
	of_y = origin_of(&y);
	return x.is_tls == y.is_tls && strcmp(of_x, of_y) == 0;
}

bool mb_registry_url_is_loopback(const char *host)
{
	size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	MB_AUTO_FREE char *name = mb_strndup(host, n);
	const char *rest = mb_skip_prefix(name, "127.");

	return strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
	       (rest && *rest && strspn(rest, "0123456789.") == strlen(rest));
}

void mb_registry_url_add_query(struct mb_str *url, const char *name, const char *value)
{
	mb_str_addf(url, "%c%s=", strchr(mb_str_text(url), '?') ? '&' : '?', name);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if ((isalnum(c) && c < 0x80) || strchr("-._~", c))
			mb_str_addc(url, (char)c);
		else
			mb_str_addf(url, "%%%02X", c);
	}
}
