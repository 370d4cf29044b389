/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "image/collect.h"
#include "image/image.h"
#include "image/mounts.h"
#include "image/refs.h"
#include "oci/ref.h"
#include "store/lock.h"
#include "store/store.h"

struct removing {
	struct mb_store *store;
	const struct mb_image_remove_request *request;
	struct mb_image_removed *ret;
	struct mb_image *image;
	char *familiar;       /* the name that was asked for, or NULL: by id */
	struct mb_strv names; /* canonical, all the image has */
	enum mb_image_use use;
	char user[MB_IMAGE_ID_TEXT]; /* a container */
};

void mb_image_removed_done(struct mb_image_removed *removed)
{
	mb_strv_done(&removed->untagged);
	mb_strv_done(&removed->deleted);
}

static void removing_done(struct removing *w)
{
	mb_image_free(w->image);
	free(w->familiar);
	mb_strv_done(&w->names);
}

static int look(struct removing *w, struct mb_err *err)
{
	MB_AUTO_IMAGE_REFS struct mb_image_refs refs = {0};
	const struct mb_image_users *users = &w->request->users;
	int r = mb_image_find(w->store, w->request->name, &w->image, &w->familiar, err);

	if (r == 0)
		r = mb_image_refs_load(w->store, &refs, err);
	if (r != 0)
		return r;
	for (size_t i = 0; i < refs.n; i++)
		if (strcmp(refs.v[i].id, w->image->id) == 0)
			mb_strv_add(&w->names, refs.v[i].name);
	if (!users->ask)
		return 0;
	r = users->ask(users->arg, w->image->id, w->user, err);
	if (r < 0)
		return r;
	w->use = (enum mb_image_use)r;
	return 0;
}

static int untag(struct removing *w, const char *canonical, struct mb_err *err)
{
	int r = mb_image_ref_remove(w->store, canonical, err);

	if (r == 0)
		mb_strv_take(&w->ret->untagged, mb_image_ref_familiar(canonical));
	return r;
}

static int untag_all(struct removing *w, struct mb_err *err)
{
	MB_STRV_FOREACH (name, &w->names) {
		int r = untag(w, name, err);

		if (r < 0)
			return r;
	}
	mb_strv_done(&w->names);
	return 0;
}

static int conflict(struct removing *w, bool hard, const char *why, struct mb_err *err)
{
	mb_fail(err, EBUSY, "conflict: unable to delete %.12s (%s) - %s%s%.12s", w->image->id,
	        hard ? "cannot be forced" : "must be forced", why,
	        strstr(why, "container") ? " " : "", strstr(why, "container") ? w->user : "");
	return MB_IMAGE_IN_USE;
}

/* What is mounted would be pulled from under whoever reads it. */
static int check_mount(struct removing *w, struct mb_err *err)
{
	if (!mb_image_is_mounted(w->store, w->image->id))
		return 0;
	return conflict(w, true, "image is mounted: unmount it first", err);
}

/* In the words of docker, and in its order. */
static int check_use(struct removing *w, bool names_too, struct mb_err *err)
{
	if (w->use == MB_IMAGE_USE_RUNNING)
		return conflict(w, true, "image is being used by running container", err);
	if (w->request->force)
		return 0;
	if (names_too && w->names.n)
		return conflict(w, false, "image is referenced in multiple repositories", err);
	if (w->use == MB_IMAGE_USE_STOPPED)
		return conflict(w, false, "image is being used by stopped container", err);
	return 0;
}

/* The record is the image: without it the rest is garbage that anyone may collect. */
static int delete_record(struct removing *w, struct mb_err *err)
{
	static const char *const suffixes[] = {".record", ".json"};
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_store_dir(w->store, "images", false, &fd, err);

	for (size_t i = 0; r == 0 && i < MB_N(suffixes); i++) {
		char name[MB_IMAGE_ID_TEXT + 8];

		snprintf(name, sizeof(name), "%.64s%s", w->image->id, suffixes[i]);
		if (unlinkat(fd, name, 0) < 0 && errno != ENOENT)
			r = mb_fail_sys(err, errno, "cannot delete image 'sha256:%.12s'",
			                w->image->id);
	}
	if (r == 0 && fsync(fd) < 0)
		r = mb_fail_sys(err, errno, "cannot write 'images' to disk");
	return r;
}

static int delete_image(struct removing *w, struct mb_err *err)
{
	int r = untag_all(w, err);

	/* Forced from under a stopped container: the names go, but what the container stands on
	 * stays until it is gone. */
	if (r < 0 || w->use != MB_IMAGE_UNUSED)
		return r;
	r = delete_record(w, err);
	if (r == 0)
		mb_strv_addf(&w->ret->deleted, "sha256:%s", w->image->id);
	return r;
}

static int remove_by_name(struct removing *w, struct mb_err *err)
{
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	MB_AUTO_FREE char *canonical = NULL;
	int r = mb_oci_ref_parse(w->familiar, true, &ref, err);

	if (r < 0)
		return r;
	canonical = mb_oci_ref_format(&ref, MB_OCI_REF_CANONICAL);
	if (!w->request->force && w->names.n == 1 && w->use != MB_IMAGE_UNUSED &&
	    !w->request->untag_only) {
		mb_fail(err, EBUSY,
		        "conflict: unable to remove repository reference \"%s\" (must force) - "
		        "container %.12s is using its referenced image %.12s",
		        w->request->name, w->user, w->image->id);
		return MB_IMAGE_IN_USE;
	}
	r = w->names.n == 1 && !w->request->untag_only ? check_mount(w, err) : 0;
	if (r != 0)
		return r;
	r = untag(w, canonical, err);
	mb_strv_remove(&w->names, canonical);
	if (r < 0 || w->names.n || w->request->untag_only)
		return r;
	return delete_image(w, err);
}

static int remove_by_id(struct removing *w, struct mb_err *err)
{
	const struct mb_image_remove_request *q = w->request;
	int r;

	if ((q->nameless_only || q->passing_only) && w->names.n)
		return 0;
	if (q->passing_only && !w->image->passes)
		return 0;
	if (w->request->untag_only)
		return untag_all(w, err);
	r = check_use(w, w->names.n > 1, err);
	if (r == 0)
		r = check_mount(w, err);
	return r != 0 ? r : delete_image(w, err);
}

int mb_image_remove(struct mb_store *store, const struct mb_image_remove_request *request,
                    struct mb_image_removed *ret, struct mb_err *err)
{
	struct removing w = {.store = store, .request = request, .ret = ret};
	MB_AUTO_CLOSE int hold = -1;
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_store_lock(store, MB_RANK_IMAGE, "images", true, false, &hold, err);

	/* While a load is at work, or a container is being made, the layers stay for later. */
	if (r >= 0)
		r = mb_image_refs_lock(store, &lock, err);
	if (r == 0)
		r = look(&w, err);
	if (r == 0)
		r = w.familiar ? remove_by_name(&w, err) : remove_by_id(&w, err);
	if (r == 0 && ret->deleted.n && hold >= 0)
		r = mb_image_collect_layers(store, &w.image->layers, &ret->deleted, &ret->bytes,
		                            err);
	removing_done(&w);
	return r;
}
