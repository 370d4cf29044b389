/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/users.h — which containers use an image or a volume, for those that would remove it. */
#ifndef MB_CMD_USERS_H
#define MB_CMD_USERS_H

#include "image/image.h"
#include "volume/volume.h"

struct mb_store;

/* Both borrow @store. */
struct mb_image_users mb_cmd_image_users(struct mb_store *store);
struct mb_volume_users mb_cmd_volume_users(struct mb_store *store);

#endif
