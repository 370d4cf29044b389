/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/secrets.h — --secret: what of the store's secrets a container sees, and where. */
#ifndef MB_CONTAINER_SECRETS_H
#define MB_CONTAINER_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

struct mb_container;
struct mb_container_bundle;
struct mb_container_config;
struct mb_err;
struct mb_oci_process;
struct mb_store;
struct mb_strv;

/* "name[,type=mount|env][,target=X][,uid=N][,gid=N][,mode=0444]", each; the secrets are there,
 * and stay while *@ret_hold (-1 before, caller closes) is open, if there are any.
 * Return: 0 or -errno, told. */
int mb_container_secrets_check(struct mb_store *store, const struct mb_strv *texts,
                               struct mb_container_config *config, int *ret_hold,
                               struct mb_err *err);
/* Those that are files, as mounts from memory. */
int mb_container_secrets_mount(struct mb_container *c, struct mb_container_bundle *bundle,
                               struct mb_err *err);
/* Those that are variables, behind the *@ret_n_plain others, of which they replace those of the
 * same name. */
int mb_container_secrets_env(struct mb_container *c, struct mb_oci_process *process,
                             size_t *ret_n_plain, struct mb_err *err);
bool mb_container_uses_secret(const struct mb_container_config *config, const char *name);

#endif
