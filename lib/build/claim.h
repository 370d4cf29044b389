/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/claim.h — images that are here to be saved, sent or read and then go: the last of those
 * who need one at the same time removes it.
 *
 * Each holds the lock "given-ID" shared, over traffic too: nobody waits for that.  That an image is
 * one of those is in its record (mb_image.passes), and no more as soon as anybody makes it to stay
 * or gives it a name.  Of a process that was killed the lock's file stays, which nobody holds then,
 * and the image: the next build with images of the kind removes both, or a check.
 */
#ifndef MB_BUILD_CLAIM_H
#define MB_BUILD_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

#include "image/image.h"

struct mb_err;
struct mb_store;

struct mb_build_claims {
	struct mb_build_claim {
		char id[MB_IMAGE_ID_TEXT];
		int fd;
	} * v;
	size_t n;
};
/* One more, of @id (64 hex digits).  What is not here yet is made after this; what is may have gone
 * just before. */
int mb_build_claim_take(struct mb_store *store, const char *id, struct mb_build_claims *claims,
                        struct mb_err *err);
/* We need them no more; nor does anybody what killed processes left.  What a container was made
 * from stays. */
void mb_build_claims_release(struct mb_store *store, struct mb_build_claims *claims);

struct mb_build_claims_check {
	bool repair;
	void (*finding)(void *arg, const char *subject, const char *problem, bool repaired);
	void *arg;
};
/* Images and locks of processes that are gone, of a former boot too.  *@ret_left: how many findings
 * were not repaired. */
int mb_build_claims_check(struct mb_store *store, const struct mb_build_claims_check *check,
                          size_t *ret_left, struct mb_err *err);

#endif
