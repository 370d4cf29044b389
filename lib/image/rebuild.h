/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/rebuild.h — a layer's archive, put together again as it came. */
#ifndef MB_IMAGE_REBUILD_H
#define MB_IMAGE_REBUILD_H

#include <stdint.h>

#include "core/sha256.h"

struct mb_err;
struct mb_image_press_how;
struct mb_store;

struct mb_image_rebuilt {
	char blob[MB_SHA256_TEXT]; /* sha256 of what was written */
	uint64_t size;
};

/* Write the tar of the layer @chain to the file @to_fd, compressed as @how says (the same bytes
 * for the same layer) or, when that is NULL, as it is.  It is verified to be @diff_id.  Return: 0
 * or -errno, told; -ENOENT when the layer was unpacked without a record of its archive. */
int mb_image_rebuild(struct mb_store *store, const char *chain, const char *diff_id,
                     const struct mb_image_press_how *how, int to_fd, struct mb_image_rebuilt *ret,
                     struct mb_err *err);
/* A nameless file in ROOT/ingest for it. */
int mb_image_rebuild_file(struct mb_store *store, int *ret_fd, struct mb_err *err);

#endif
