/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/web.h — a file from anywhere by http or https: no registry, no login. */
#ifndef MB_REGISTRY_WEB_H
#define MB_REGISTRY_WEB_H

#include <stdint.h>

#include "core/sha256.h"

struct mb_err;

struct mb_registry_web {
	char *name;       /* as the address or the server calls it: never "", no slash in it */
	int64_t modified; /* nsec since 1970, as the server says; 0: it does not */
	uint64_t size;
	char sha256[MB_SHA256_TEXT];
	char *etag; /* by which the server knows it again, or NULL */
};
struct mb_registry_web_request {
	const char *url, *agent;
	uint64_t limit; /* bytes */
	int fd;         /* an empty file */
	/* Of the last time, or NULL: what is still the same does not come again.  There is no such
	 * thing by Last-Modified: to most servers every older file is the same one, too. */
	const char *etag;
};
enum { MB_REGISTRY_WEB_SAME = 1 };
void mb_registry_web_done(struct mb_registry_web *web);

/* The last part of the path of @url, decoded; or NULL when it has none.  Caller frees. */
char *mb_registry_web_name(const char *url);
/* Bring @url to @fd.  Redirects are followed, five at most and never from https to http.
 * Return: 0; MB_REGISTRY_WEB_SAME: nothing came, and *@ret is as it was; -errno, told. */
int mb_registry_web_get(const struct mb_registry_web_request *request, struct mb_registry_web *ret,
                        struct mb_err *err);

#endif
