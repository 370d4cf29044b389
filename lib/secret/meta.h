/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/secret/meta.h — the document of a secret, ROOT/secrets/NAME/meta.json, and its directory. */
#ifndef MB_SECRET_META_H
#define MB_SECRET_META_H

#include "secret/secret.h"

/* Open ROOT/secrets/NAME.  Return: 0; MB_SECRET_ABSENT, told; -errno. */
int mb_secret_meta_open(struct mb_store *store, const char *name, int *ret_fd, struct mb_err *err);
/* Write it; @flags of store/doc.h. */
int mb_secret_meta_save(int fd, const struct mb_secret *secret, unsigned int flags,
                        struct mb_err *err);

#endif
