/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/fetch.h — the layers of one image from a registry, unpacked while they come. */
#ifndef MB_IMAGE_FETCH_H
#define MB_IMAGE_FETCH_H

#include "image/image.h"

struct mb_image_plan;
struct mb_oci_manifest;
struct mb_oci_ref;
struct mb_registry;

struct mb_image_fetch_from {
	struct mb_registry *reg;
	const struct mb_oci_ref *ref; /* the repository */
	const struct mb_oci_manifest *manifest;
	uint64_t max_layer; /* as in mb_image_load_request */
};
/* Unpack all layers of @plan's image; adds up image->size.  The caller holds mb_image_hold(). */
int mb_image_fetch(struct mb_store *store, const struct mb_image_fetch_from *from,
                   struct mb_image_plan *plan, const struct mb_image_report *report,
                   struct mb_err *err);

#endif
