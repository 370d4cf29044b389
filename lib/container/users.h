/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/users.h — which containers are made from an image. */
#ifndef MB_CONTAINER_USERS_H
#define MB_CONTAINER_USERS_H

#include "image/image.h"

struct mb_image_users mb_container_image_users(struct mb_store *store);

#endif
