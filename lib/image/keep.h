/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/keep.h — layers that stay without an image: what a build made and may use again.
 *
 * One document ROOT/steps/KEY each.  It says which layer came out of what the key stands for; the
 * layers below it stay too.  Within a boot such a layer can be relied on, and beyond it if an image
 * has it (layer.h); a document whose layer is gone is worth nothing.
 */
#ifndef MB_IMAGE_KEEP_H
#define MB_IMAGE_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "core/strv.h"

struct mb_err;
struct mb_store;

struct mb_image_kept {
	char *key;             /* 64 hex digits */
	char *what;            /* for people: the instruction */
	char *diff_id;         /* of the topmost layer, 64 hex digits */
	struct mb_strv layers; /* chain ids, lowest first */
	char *origin;          /* the cache it came from; NULL: it was made here */
	struct mb_strv also;   /* other caches that have the very same */
	int64_t created, used; /* nsec since 1970 */
	uint64_t bytes;        /* of the topmost layer's regular files */
};
void mb_image_kept_done(struct mb_image_kept *kept);
#define MB_AUTO_IMAGE_KEPT __attribute__((cleanup(mb_image_kept_done)))

/* Return: 0; MB_IMAGE_ABSENT, not told, also when its layer cannot be relied on; -errno, told. */
int mb_image_keep_find(struct mb_store *store, const char *key, struct mb_image_kept *ret,
                       struct mb_err *err);
/* Whoever writes one because of what it says, or is not to be written over by such a one, holds
 * this from before he looks. */
int mb_image_keep_lock(struct mb_store *store, int *ret_fd, struct mb_err *err);
/* Write or replace it.  The caller holds that, and mb_image_hold() or as good. */
int mb_image_keep_set(struct mb_store *store, const struct mb_image_kept *kept, struct mb_err *err);
int mb_image_keep_remove(struct mb_store *store, const char *key, struct mb_err *err);

struct mb_image_keeps {
	struct mb_image_kept *v; /* by key */
	size_t n;
};
/* Documents that cannot be read are removed: they only promise that work need not be done again. */
int mb_image_keeps_load(struct mb_store *store, struct mb_image_keeps *ret, struct mb_err *err);
void mb_image_keeps_done(struct mb_image_keeps *keeps);

#endif
