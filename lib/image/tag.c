/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "core/err.h"
#include "image/image.h"
#include "image/refs.h"

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
		r = mb_image_ref_set(store, name, image->id, NULL, err);
	if (r == 0 && ret_familiar)
		*ret_familiar = mb_image_ref_familiar(name);
	return r;
}
