/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/collect.h — what no image has any more leaves. */
#ifndef MB_IMAGE_COLLECT_H
#define MB_IMAGE_COLLECT_H

#include <stdint.h>

#include "core/strv.h"

struct mb_err;
struct mb_store;

/* The chain ids of all layers of all images, and those of what builds keep (keep.h), sorted, each
 * as often as one has it.  -EBADMSG when a record cannot be read: then nobody knows what is in
 * use, and nothing is collected. */
int mb_image_collect_used(struct mb_store *store, struct mb_strv *out, struct mb_err *err);
/* Remove those of @layers (lowest first) that no image has, topmost first; adds
 * "sha256:CHAIN" to @deleted and their sizes to *@bytes.  The caller holds the lock "images"
 * exclusively. */
int mb_image_collect_layers(struct mb_store *store, const struct mb_strv *layers,
                            struct mb_strv *deleted, uint64_t *bytes, struct mb_err *err);
/* Is @s in the sorted @sv? */
bool mb_image_collect_has(const struct mb_strv *sv, const char *s);

#endif
