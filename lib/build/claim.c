/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "store/lock.h"
#include "store/store.h"

#define NAME          "given-%s"
#define NAME_MAX_TEXT (sizeof(NAME) + MB_IMAGE_ID_TEXT)

int mb_build_claim_take(struct mb_store *store, const char *id, struct mb_build_claims *claims,
                        struct mb_err *err)
{
	struct mb_build_claim claim = {.fd = -1};
	MB_AUTO_CLOSE int fd = -1;
	char name[NAME_MAX_TEXT];
	int r;

	snprintf(claim.id, sizeof(claim.id), "%s", id);
	snprintf(name, sizeof(name), NAME, claim.id);
	/* Who removes it now is waited for; a build may hold the lock of images by now. */
	r = mb_store_lock(store, MB_RANK_IMAGE, name, false, true, &fd, err);
	if (r < 0)
		return r;
	/* By another descriptor it is out of the order of locks: held through a whole build it
	 * keeps nobody waiting, as a removal only tries. */
	claim.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (claim.fd < 0)
		return mb_fail_sys(err, errno, "cannot claim an image");
	claims->v = mb_realloc(claims->v, (claims->n + 1) * sizeof(*claims->v));
	claims->v[claims->n++] = claim;
	return 0;
}

/* Of several who try at once one succeeds: each has given its share up before it looks. */
static void release(struct mb_store *store, struct mb_build_claim *claim)
{
	MB_AUTO_FREE char *whole = mb_asprintf("sha256:%s", claim->id);
	const struct mb_image_remove_request request = {.name = whole, .passing_only = true};
	struct mb_image_removed removed = {0};
	char name[NAME_MAX_TEXT];

	snprintf(name, sizeof(name), NAME, claim->id);
	if (flock(claim->fd, LOCK_EX | LOCK_NB) == 0) {
		(void)mb_image_remove(store, &request, &removed, NULL);
		mb_image_removed_done(&removed);
		mb_store_lock_retire(store, name, claim->fd);
	}
	mb_close(&claim->fd);
}

void mb_build_claims_release(struct mb_store *store, struct mb_build_claims *claims)
{
	for (size_t i = 0; i < claims->n; i++)
		release(store, &claims->v[i]);
	free(claims->v);
	*claims = (struct mb_build_claims){0};
}
