/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/commit.h — the last steps of whatever brings an image in. */
#ifndef MB_IMAGE_COMMIT_H
#define MB_IMAGE_COMMIT_H

#include <stdint.h>

#include "image/image.h"

struct mb_err;
struct mb_oci_image_config;
struct mb_store;
struct mb_str;

/* Everything unpacked so far reaches the disk: one syncfs(2) for all layers. */
int mb_image_commit_sync(struct mb_store *store, struct mb_err *err);
/* Write configuration and record, durable.  The layers are synced; the caller holds the lock of
 * names, so that nobody removes the image before it has one.  Idempotent; one
 * that passes changes nothing of what is here, and any other one makes it stay. */
int mb_image_commit(struct mb_store *store, const struct mb_image *image,
                    const struct mb_str *config, struct mb_err *err);
/* All of it, for an image of one's own making: its layers, of @bytes together, are there.  It gets
 * the name @name (canonical) unless that is NULL. */
int mb_image_commit_new(struct mb_store *store, const struct mb_oci_image_config *config,
                        uint64_t bytes, const char *name, char ret_id[MB_IMAGE_ID_TEXT],
                        struct mb_err *err);
/* The same without a name, as one that passes (mb_image.passes) unless it is here already. */
int mb_image_commit_passing(struct mb_store *store, const struct mb_oci_image_config *config,
                            uint64_t bytes, char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err);
/* Remove what dead loads left in ROOT/ingest, unless one is at work. */
void mb_image_commit_clean(struct mb_store *store);

#endif
