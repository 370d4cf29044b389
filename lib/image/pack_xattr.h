/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/pack_xattr.h — the extended attributes of what is packed. */
#ifndef MB_IMAGE_PACK_XATTR_H
#define MB_IMAGE_PACK_XATTR_H

#include <stdbool.h>
#include <stddef.h>

#include "image/pack.h"
#include "image/tar.h"

struct mb_image_pack_xattrs {
	struct mb_image_tar_xattr *v; /* those that go into the tar, sorted by name */
	size_t n;
	bool opaque; /* the overlay hides what lies below this directory */
};
/* Those of what @fd holds (any descriptor).  Ids in them are mapped like owners.
 * Return: 0 or -errno, told; -EOPNOTSUPP when the overlay keeps its content elsewhere. */
int mb_image_pack_xattrs_load(const struct mb_image_pack *how, int fd,
                              struct mb_image_pack_xattrs *ret, struct mb_err *err);
void mb_image_pack_xattrs_done(struct mb_image_pack_xattrs *xattrs);

/* The id inside of @id; 65534, as the kernel has it, when it has none. */
uint32_t mb_image_pack_uid(const struct mb_image_pack *how, uint32_t id);
uint32_t mb_image_pack_gid(const struct mb_image_pack *how, uint32_t id);

#endif
