/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/users.h — which containers use an image or a volume, for those that would remove it. */
#ifndef MB_CMD_USERS_H
#define MB_CMD_USERS_H

#include "image/image.h"
#include "secret/secret.h"
#include "volume/volume.h"

struct mb_store;

/* They borrow @store. */
struct mb_image_users mb_cmd_image_users(struct mb_store *store);
struct mb_volume_users mb_cmd_volume_users(struct mb_store *store);
struct mb_secret_users mb_cmd_secret_users(struct mb_store *store);
/* What containers have, running or not, each once: images as "sha256:HEX", volumes by name.
 * -EBADMSG when one of them cannot be read: then nobody knows what it has. */
int mb_cmd_used(struct mb_store *store, struct mb_strv *images, struct mb_strv *volumes,
                struct mb_err *err);
/* The same for what only counts: a warning names those that cannot be read. */
int mb_cmd_used_known(struct mb_store *store, struct mb_strv *images, struct mb_strv *volumes,
                      struct mb_err *err);

#endif
