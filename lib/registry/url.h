/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/url.h — addresses of registries: http and https alone, nothing hidden in them. */
#ifndef MB_REGISTRY_URL_H
#define MB_REGISTRY_URL_H

#include <stdbool.h>

struct mb_err;
struct mb_str;

enum { MB_REGISTRY_MAX_URL = 8 * 1024 };

struct mb_registry_url {
	bool is_tls;
	char *host;   /* "name:port", lower case, with the port only where it is written */
	char *target; /* "/path?query", never empty; a fragment is cut off */
};
void mb_registry_url_done(struct mb_registry_url *url);
#define MB_AUTO_REGISTRY_URL __attribute__((cleanup(mb_registry_url_done)))

/* Refuses other schemes, user names, spaces and control characters.  Return: 0 or -EINVAL. */
int mb_registry_url_parse(const char *s, struct mb_registry_url *ret, struct mb_err *err);
/* What @location means in an answer of @base (RFC 3986, 5.2, without ".." parts).  Caller frees. */
int mb_registry_url_resolve(const char *base, const char *location, char **ret, struct mb_err *err);
/* Same scheme, host and port: who may see what is for @a. */
bool mb_registry_url_is_same_origin(const char *a, const char *b);
/* "localhost", 127.0.0.0/8 and [::1], with or without a port. */
bool mb_registry_url_is_loopback(const char *host);
/* Append "?name=value", or "&name=value" when @url has a query; @value is escaped. */
void mb_registry_url_add_query(struct mb_str *url, const char *name, const char *value);

#endif
