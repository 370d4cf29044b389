/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/helper.h — docker-credential-NAME: programs that keep credentials. */
#ifndef MB_REGISTRY_HELPER_H
#define MB_REGISTRY_HELPER_H

#include <stdint.h>

struct mb_err;
struct mb_registry_login;

/* One of them: it is looked for in the system's directories alone and runs as @uid and @gid, with
 * ten seconds to answer. */
struct mb_registry_helper {
	const char *name;
	uint32_t uid, gid;
};

/* Ask for the credentials of the server @key.
 * Return: 0; MB_REGISTRY_NO_LOGIN when it has none; -errno, told. */
int mb_registry_helper_get(const struct mb_registry_helper *helper, const char *key,
                           struct mb_registry_login *ret, struct mb_err *err);
/* Let it keep them. */
int mb_registry_helper_store(const struct mb_registry_helper *helper, const char *key,
                             const struct mb_registry_login *login, struct mb_err *err);
/* Let it forget them.  Return: 0; MB_REGISTRY_NO_LOGIN when it says that it has none; -errno,
 * told. */
int mb_registry_helper_erase(const struct mb_registry_helper *helper, const char *key,
                             struct mb_err *err);

#endif
