/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/users.h — which containers are made from an image, or mount it. */
#ifndef MB_CONTAINER_USERS_H
#define MB_CONTAINER_USERS_H

#include "image/image.h"

struct mb_container_record;

/* Is it made from the image @id (64 hex digits), or does it mount it? */
bool mb_container_uses_image(const struct mb_container_record *record, const char *id);
struct mb_image_users mb_container_image_users(struct mb_store *store);

#endif
