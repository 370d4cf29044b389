/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/auths.h — the document config.json: who is logged in where, in docker's format.
 *
 * Pure: documents in memory.  What else is in a document stays as it is.
 */
#ifndef MB_REGISTRY_AUTHS_H
#define MB_REGISTRY_AUTHS_H

#include <stdbool.h>

struct json_object;
struct mb_err;

struct mb_registry_login {
	char *username, *password; /* NULL when there is a token alone */
	char *identity_token;      /* NULL mostly */
};
/* Overwrites what it frees. */
void mb_registry_login_done(struct mb_registry_login *login);
#define MB_AUTO_REGISTRY_LOGIN __attribute__((cleanup(mb_registry_login_done)))

enum { MB_REGISTRY_NO_LOGIN = 1 };

/* The key under which docker keeps a registry: "https://index.docker.io/v1/" for docker.io. */
const char *mb_registry_auths_key(const char *registry);
/* Return: 0; MB_REGISTRY_NO_LOGIN; -EBADMSG, told, when an entry cannot be read. */
int mb_registry_auths_find(struct json_object *config, const char *registry,
                           struct mb_registry_login *ret, struct mb_err *err);
/* The helper that keeps the credentials of @registry ("secretservice"), borrowed; or NULL. */
const char *mb_registry_auths_helper(struct json_object *config, const char *registry);
/* @login NULL: a helper has it. */
void mb_registry_auths_set(struct json_object *config, const char *registry,
                           const struct mb_registry_login *login);
/* Return: whether there was one. */
bool mb_registry_auths_remove(struct json_object *config, const char *registry);

#endif
