/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/key.h — what a step depends on, as one digest.
 *
 * Every part is hashed with its length, so that no two different lists of parts are the same
 * bytes.  Times of files and names of images are never among them: the layers below and the
 * content of what is copied are.
 */
#ifndef MB_BUILD_KEY_H
#define MB_BUILD_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "core/sha256.h"

struct mb_build_state;
struct mb_strv;

struct mb_build_key {
	struct mb_sha256 sum;
};
/* Begins with the layers below and the platform. */
void mb_build_key_init(struct mb_build_key *key, const char *kind,
                       const struct mb_build_state *state);
/* Without the layers. */
void mb_build_key_init_bare(struct mb_build_key *key, const char *kind,
                            const struct mb_build_state *state);
/* What no file of its layer is later than, if anything (mb_build_work_epoch()). */
void mb_build_key_add_epoch(struct mb_build_key *key, int64_t epoch);
void mb_build_key_add(struct mb_build_key *key, const char *part); /* NULL is not "" */
void mb_build_key_add_bytes(struct mb_build_key *key, const void *bytes, size_t n);
void mb_build_key_add_all(struct mb_build_key *key, const struct mb_strv *parts);
void mb_build_key_finish(struct mb_build_key *key, char text[MB_SHA256_TEXT]);

#endif
