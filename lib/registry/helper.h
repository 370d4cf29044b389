/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/helper.h — docker-credential-NAME: programs that keep credentials. */
#ifndef MB_REGISTRY_HELPER_H
#define MB_REGISTRY_HELPER_H

#include <stdint.h>

struct mb_err;
struct mb_registry_login;

/* Ask the helper @name for the credentials of the server @key.  It is looked for in the system's
 * directories alone and runs as @uid and @gid, with ten seconds to answer.
 * Return: 0; MB_REGISTRY_NO_LOGIN when it has none; -errno, told. */
int mb_registry_helper_get(const char *name, const char *key, uint32_t uid, uint32_t gid,
                           struct mb_registry_login *ret, struct mb_err *err);

#endif
