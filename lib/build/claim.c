/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/claim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "container/users.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"
#include "store/lock.h"
#include "store/store.h"

#define PREFIX        "given-"
#define NAME_MAX_TEXT (sizeof(PREFIX) + MB_IMAGE_ID_TEXT)

/* Return: 0 and *@ret_fd; MB_STORE_BUSY; or -errno. */
static int lock(struct mb_store *store, const char *id, bool exclusive, bool wait, int *ret_fd,
                struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	char name[NAME_MAX_TEXT];
	int r;

	snprintf(name, sizeof(name), PREFIX "%s", id);
	r = mb_store_lock(store, MB_RANK_IMAGE, name, exclusive, wait, &fd, err);
	if (r != 0)
		return r;
	/* By another descriptor it is out of the order of locks: held through a whole build it
	 * keeps nobody waiting, as a removal only tries. */
	*ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot claim an image") : 0;
}

int mb_build_claim_take(struct mb_store *store, const char *id, struct mb_build_claims *claims,
                        struct mb_err *err)
{
	struct mb_build_claim claim = {.fd = -1};
	/* Who removes it now is waited for; a build may hold the lock of images by now. */
	int r = lock(store, id, false, true, &claim.fd, err);

	if (r < 0)
		return r;
	snprintf(claim.id, sizeof(claim.id), "%s", id);
	claims->v = mb_realloc(claims->v, (claims->n + 1) * sizeof(*claims->v));
	claims->v[claims->n++] = claim;
	return 0;
}

/* The lock @fd is ours alone: nobody needs it. */
static void drop(struct mb_store *store, const char *id, int fd)
{
	MB_AUTO_FREE char *whole = mb_asprintf("sha256:%s", id);
	const struct mb_image_remove_request request = {
		.name = whole, .passing_only = true, .users = mb_container_image_users(store)};
	struct mb_image_removed removed = {0};
	char name[NAME_MAX_TEXT];

	snprintf(name, sizeof(name), PREFIX "%s", id);
	(void)mb_image_remove(store, &request, &removed, NULL);
	mb_image_removed_done(&removed);
	mb_store_lock_retire(store, name, fd);
}

/* The images that locks are for, whoever holds them. */
static int find_locks(struct mb_store *store, struct mb_strv *ids, struct mb_err *err)
{
	int fd = -1, r = mb_store_dir(store, "locks", true, &fd, err);
	const struct dirent *entry;
	DIR *dir;

	if (r < 0)
		return r;
	dir = mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, errno, "cannot read 'locks'");
	while ((entry = readdir(dir))) {
		const char *id = mb_skip_prefix(entry->d_name, PREFIX);

		if (id && mb_hex_is_valid(id, MB_IMAGE_ID_TEXT - 1))
			mb_strv_add(ids, id);
	}
	closedir(dir);
	return 0;
}

/* Of several who try at once one succeeds: each has given its share up before it looks. */
static void release(struct mb_store *store, struct mb_build_claim *claim)
{
	if (flock(claim->fd, LOCK_EX | LOCK_NB) == 0)
		drop(store, claim->id, claim->fd);
	mb_close(&claim->fd);
}

/* What killed builds left in this boot. */
static void sweep(struct mb_store *store)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;

	(void)find_locks(store, &ids, NULL);
	MB_STRV_FOREACH (id, &ids) {
		MB_AUTO_CLOSE int fd = -1;

		if (lock(store, id, true, false, &fd, NULL) == 0)
			drop(store, id, fd);
	}
}

void mb_build_claims_release(struct mb_store *store, struct mb_build_claims *claims)
{
	for (size_t i = 0; i < claims->n; i++)
		release(store, &claims->v[i]);
	if (claims->n)
		sweep(store);
	free(claims->v);
	*claims = (struct mb_build_claims){0};
}

/* --- a check ---------------------------------------------------------------------------------- */

static bool is_used(struct mb_store *store, const char *id)
{
	const struct mb_image_users users = mb_container_image_users(store);
	char container[MB_IMAGE_ID_TEXT];

	return users.ask(users.arg, id, container, NULL) != MB_IMAGE_UNUSED;
}

/* One that comes in now may not have its lock yet: then the next check looks. */
static int find_images(struct mb_store *store, struct mb_strv *ids, struct mb_err *err)
{
	MB_AUTO_CLOSE int hold = -1;
	struct mb_image_list list = {0};
	int r = mb_store_lock(store, MB_RANK_IMAGE, "images", true, false, &hold, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = mb_image_list_load(store, &list, err);

	for (size_t i = 0; i < list.n; i++) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;

		if (!list.v[i].names.n && mb_image_open(store, list.v[i].id, &image, NULL) == 0 &&
		    image->passes)
			mb_strv_add(ids, list.v[i].id);
	}
	mb_image_list_done(&list);
	return r;
}

static int check_one(struct mb_store *store, const struct mb_build_claims_check *check,
                     const char *id, bool has_lock, size_t *left, struct mb_err *err)
{
	MB_AUTO_FREE char *subject = mb_asprintf("image sha256:%s", id);
	MB_AUTO_CLOSE int fd = -1;
	int r = lock(store, id, true, false, &fd, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (check->repair || !has_lock) {
		char name[NAME_MAX_TEXT];

		snprintf(name, sizeof(name), PREFIX "%s", id);
		if (check->repair)
			drop(store, id, fd);
		else
			mb_store_lock_retire(store, name, fd);
	}
	check->finding(check->arg, subject, "was for a build that is gone", check->repair);
	*left += !check->repair;
	return 0;
}

int mb_build_claims_check(struct mb_store *store, const struct mb_build_claims_check *check,
                          size_t *ret_left, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv locks = MB_STRV_INIT, images = MB_STRV_INIT;
	size_t left = 0;
	int r = find_locks(store, &locks, err);

	if (r == 0)
		r = find_images(store, &images, err);
	MB_STRV_FOREACH (id, &locks)
		if (r == 0)
			r = check_one(store, check, id, true, &left, err);
	MB_STRV_FOREACH (id, &images)
		if (r == 0 && !mb_strv_has(&locks, id) && !is_used(store, id))
			r = check_one(store, check, id, false, &left, err);
	*ret_left = left;
	return r;
}
