/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/exchange.h — steps that travel: kept in the history of images.
 *
 * The comment of a step's entry is "mybox build KEY", its layer is the image's.  Who has the image
 * has the steps, whichever way it came: by a registry, or in an archive.
 */
#ifndef MB_BUILD_EXCHANGE_H
#define MB_BUILD_EXCHANGE_H

#include "image/image.h"

struct mb_build;
struct mb_build_claims;
struct mb_build_result;
struct mb_build_state;
struct mb_err;
struct mb_oci_image_config;
struct mb_store;

/* Say in the configuration's history which steps made the layers. */
void mb_build_exchange_note(struct mb_build_state *state);
/* Keep the steps that the history of image @id names, as those of the cache @origin: what was made
 * here stays what it is.  *@ret_n: how many it names.  Return: 0; MB_IMAGE_ABSENT: it went, as
 * somebody else had brought it in and was done with it; -errno, told. */
int mb_build_exchange_take(struct mb_store *store, const char *id, const char *origin,
                           size_t *ret_n, struct mb_err *err);
/* Make images, without names, of what is to be given: the target, or every stage. */
int mb_build_exchange_give(struct mb_build *b, struct mb_build_result *ret, struct mb_err *err);
/* An image of @config, which is here until @claims are released, or longer. */
int mb_build_exchange_make(struct mb_store *store, const struct mb_oci_image_config *config,
                           uint64_t bytes, struct mb_build_claims *claims,
                           char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err);

#endif
