/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/claim.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/exchange.h"
#include "core/err.h"
#include "core/own.h"
#include "store/lock.h"
#include "store/store.h"

enum { MARK_AT = 64 }; /* behind what whoever locks it writes */

#define NAME          "given-%s"
#define NAME_MAX_TEXT (sizeof(NAME) + MB_IMAGE_ID_TEXT)

static bool is_marked(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size > MARK_AT;
}

static bool is_here(struct mb_store *store, const char *id)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;

	return mb_image_open(store, id, &image, NULL) == 0;
}

/* Nobody else needs it: what is here without a mark was here before. */
static int begin(struct mb_store *store, const char *id, const char *name, int fd,
                 struct mb_err *err)
{
	if (!is_marked(fd) && is_here(store, id)) {
		mb_store_lock_retire(store, name, fd);
		return 1;
	}
	return pwrite(fd, "!", 1, MARK_AT) == 1 ? 0
	                                        : mb_fail_sys(err, errno, "cannot claim an image");
}

int mb_build_claim_take(struct mb_store *store, struct mb_build_claim *claim, struct mb_err *err)
{
	const char *id = claim->id;
	char name[NAME_MAX_TEXT];

	snprintf(name, sizeof(name), NAME, id);
	for (;;) {
		MB_AUTO_CLOSE int fd = -1;
		int r = mb_store_lock(store, MB_RANK_STORE, name, true, false, &fd, err);

		if (r == 0)
			r = begin(store, id, name, fd, err);
		else if (r == MB_STORE_BUSY)
			r = mb_store_lock(store, MB_RANK_STORE, name, false, true, &fd, err);
		if (r != 0)
			return r;
		/* One who came between may have removed it, or it was made to stay. */
		if (!is_marked(fd) && is_here(store, id))
			return 1;
		if (!is_marked(fd))
			continue;
		claim->fd = mb_take_fd(&fd);
		return 0;
	}
}

void mb_build_claim_share(const struct mb_build_claim *claim)
{
	if (claim->fd >= 0)
		flock(claim->fd, LOCK_SH);
}

void mb_build_claim_release(struct mb_store *store, struct mb_build_claim *claim, bool stays)
{
	char name[NAME_MAX_TEXT];
	MB_AUTO_FREE char *whole = mb_asprintf("sha256:%s", claim->id);

	if (claim->fd < 0)
		return;
	snprintf(name, sizeof(name), NAME, claim->id);
	if (stays)
		(void)!ftruncate(claim->fd, 0);
	if (flock(claim->fd, LOCK_EX | LOCK_NB) == 0) {
		if (!stays && is_marked(claim->fd))
			mb_build_exchange_forget(store, whole);
		mb_store_lock_retire(store, name, claim->fd);
	}
	mb_close(&claim->fd);
}
