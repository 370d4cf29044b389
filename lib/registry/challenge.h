/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/challenge.h — WWW-Authenticate: what a registry wants to see (RFC 9110, 11.6.1). */
#ifndef MB_REGISTRY_CHALLENGE_H
#define MB_REGISTRY_CHALLENGE_H

#include "core/strv.h"

enum mb_registry_scheme { MB_REGISTRY_NO_SCHEME, MB_REGISTRY_BASIC, MB_REGISTRY_BEARER };

struct mb_registry_challenge {
	enum mb_registry_scheme scheme;
	struct mb_kv params; /* "realm", "service", "scope": names in lower case */
};
void mb_registry_challenge_done(struct mb_registry_challenge *challenge);

/* Look in the value of one header field, which may hold several challenges, for the best that we
 * know: Bearer with a realm before Basic.  Return: 0; -EBADMSG, nothing told, when there is none
 * or the text is malformed. */
int mb_registry_challenge_parse(const char *text, struct mb_registry_challenge *ret);

#endif
