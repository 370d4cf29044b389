/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/claim.h — images that are here to be saved or sent and then go: the last of those who
 * need one at the same time removes it.
 *
 * Each holds the lock "given-ID" shared, over traffic too: nobody waits for that.  The lock's file
 * says that the image is one of those.
 */
#ifndef MB_BUILD_CLAIM_H
#define MB_BUILD_CLAIM_H

#include <stdbool.h>

#include "image/image.h"

struct mb_err;
struct mb_store;

struct mb_build_claim {
	char id[MB_IMAGE_ID_TEXT];
	int fd;
};
#define MB_BUILD_CLAIM_INIT ((struct mb_build_claim){.fd = -1})

/* Before the image claim->id is made.  Return: 0: make it, then share the claim; 1: it is here for
 * its own sake, and there is nothing to release; -errno, told. */
int mb_build_claim_take(struct mb_store *store, struct mb_build_claim *claim, struct mb_err *err);
/* It is made: others may come. */
void mb_build_claim_share(const struct mb_build_claim *claim);
/* We need it no more.  @stays: it is for its own sake now.  One that was never taken will do. */
void mb_build_claim_release(struct mb_store *store, struct mb_build_claim *claim, bool stays);

#endif
