/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/plan.h — what an archive holds, read and checked before anything is unpacked. */
#ifndef MB_IMAGE_PLAN_H
#define MB_IMAGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/str.h"
#include "core/strv.h"
#include "image/feed.h"
#include "oci/digest.h"

struct mb_err;
struct mb_image;
struct mb_image_source;

struct mb_image_plan {
	struct mb_str config;   /* the bytes */
	struct mb_image *image; /* the record made of them; sizes still unknown */
	struct mb_image_plan_layer {
		struct mb_image_stretch from; /* its descriptor is owned */
		struct mb_oci_digest blob;    /* of the stored bytes; alg 0 unknown */
		char *media_type;             /* of its descriptor, or NULL */
	} * layers;
	size_t n_layers;
	struct mb_strv names; /* canonical, with tag */
};
struct mb_image_plans {
	struct mb_image_plan *v;
	size_t n;
};
enum { MB_IMAGE_MAX_PLANS = 1024 };

/* Read manifest.json, or else index.json. */
int mb_image_plans_load(const struct mb_image_source *source, struct mb_image_plans *ret,
                        struct mb_err *err);
void mb_image_plans_done(struct mb_image_plans *plans);

/* The two dialects.  @text is the document.  What was added to @ret before a failure stays. */
int mb_image_plans_add_docker(const struct mb_image_source *source, const struct mb_str *text,
                              struct mb_image_plans *ret, struct mb_err *err);
int mb_image_plans_add_oci(const struct mb_image_source *source, const struct mb_str *text,
                           struct mb_image_plans *ret, struct mb_err *err);

/* For them: a new empty plan at the end; the configuration's text (taken) to a record; one more
 * layer at @name, whose stored bytes have the digest @blob (NULL: unknown) and @size (-1). */
struct mb_image_plan *mb_image_plans_append(struct mb_image_plans *plans);
int mb_image_plan_set_config(struct mb_image_plan *plan, struct mb_str *text, struct mb_err *err);
int mb_image_plan_add_layer(struct mb_image_plan *plan, const struct mb_image_source *source,
                            const char *name, const struct mb_oci_digest *blob, int64_t size,
                            struct mb_err *err);
/* As many layers as the configuration has? */
int mb_image_plan_check(const struct mb_image_plan *plan, struct mb_err *err);
/* "blobs/sha256/HEX": the digest in a member's name; false when it has none. */
bool mb_image_plan_blob_name(const char *name, struct mb_oci_digest *ret);

#endif
