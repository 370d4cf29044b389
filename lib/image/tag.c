/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "image/image.h"
#include "image/record.h"
#include "image/refs.h"
#include "oci/ref.h"
#include "store/store.h"

/* It is somebody's now, also when the name goes again. */
static int settle(struct mb_store *store, struct mb_image *image, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = image->passes ? mb_store_dir(store, "images", false, &fd, err) : 0;

	if (r < 0 || !image->passes)
		return r;
	image->passes = false;
	return mb_image_record_save(fd, image, err);
}

int mb_image_tag(struct mb_store *store, const char *source, const char *target,
                 char **ret_familiar, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_FREE char *name = NULL;
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_image_ref_canonical(target, &name, err);

	if (r == 0)
		r = mb_image_refs_lock(store, &lock, err);
	/* Records go only under this lock: what is found now is there when the name is. */
	if (r == 0)
		r = mb_image_find(store, source, &image, NULL, err);
	if (r == 0)
		r = settle(store, image, err);
	if (r == 0)
		r = mb_image_ref_set(store, name, image->id, NULL, err);
	if (r == 0 && ret_familiar)
		*ret_familiar = mb_image_ref_familiar(name);
	return r;
}

int mb_image_tags(struct mb_store *store, const struct mb_oci_ref *ref, struct mb_strv *out,
                  struct mb_err *err)
{
	MB_AUTO_FREE char *repository = mb_oci_ref_format_name(ref, MB_OCI_REF_CANONICAL);
	MB_AUTO_IMAGE_REFS struct mb_image_refs refs = {0};
	size_t n = strlen(repository);
	int r = mb_image_refs_load(store, &refs, err);

	for (size_t i = 0; i < refs.n; i++)
		if (strncmp(refs.v[i].name, repository, n) == 0 && refs.v[i].name[n] == ':')
			mb_strv_add(out, refs.v[i].name + n + 1);
	mb_strv_sort(out);
	return r;
}

int mb_image_name_spread(struct mb_store *store, const char *name, struct mb_strv *out,
                         struct mb_err *err)
{
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	MB_AUTO_STRV struct mb_strv tags = MB_STRV_INIT;
	int r = 0;

	/* What is no name is an id. */
	if (mb_oci_ref_parse(name, false, &ref, NULL) == 0 && !ref.tag && !ref.digest.alg)
		r = mb_image_tags(store, &ref, &tags, err);
	if (r < 0)
		return r;
	MB_STRV_FOREACH (tag, &tags)
		mb_strv_addf(out, "%s:%s", name, tag);
	if (!tags.n)
		mb_strv_add(out, name);
	return 0;
}
