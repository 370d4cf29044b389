/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sha256.h"
#include "image/record.h"
#include "image/source.h"
#include "oci/image_spec.h"

struct mb_image_plan *mb_image_plans_append(struct mb_image_plans *plans)
{
	/* Powers of two, so that the array grows in them. */
	if ((plans->n & (plans->n - 1)) == 0)
		plans->v = mb_realloc(plans->v, (plans->n ? 2 * plans->n : 1) * sizeof(*plans->v));
	plans->v[plans->n] = (struct mb_image_plan){0};
	return &plans->v[plans->n++];
}

int mb_image_plan_set_config(struct mb_image_plan *plan, struct mb_str *text, struct mb_err *err)
{
	struct mb_oci_image_config config = {0};
	char id[MB_IMAGE_ID_TEXT];
	int r = mb_oci_image_config_load(mb_str_text(text), text->len, &config, err);

	if (r < 0)
		return mb_wrap(err, r, "image configuration");
	mb_sha256_text(mb_str_text(text), text->len, id);
	if (config.os && *config.os && strcmp(config.os, "linux") != 0)
		r = mb_fail(err, EOPNOTSUPP, "image 'sha256:%.12s' is for the system '%.32s'", id,
		            config.os);
	if (r == 0)
		r = mb_image_record_make(id, &config, &plan->image, err);
	mb_oci_image_config_done(&config);
	if (r < 0)
		return mb_wrap(err, r, "image 'sha256:%.12s'", id);
	plan->config = *text;
	*text = MB_STR_INIT;
	return 0;
}

int mb_image_plan_add_layer(struct mb_image_plan *plan, const struct mb_image_source *source,
                            const char *name, const struct mb_oci_digest *blob, int64_t size,
                            struct mb_err *err)
{
	struct mb_image_plan_layer *layer;
	struct mb_image_stretch from;
	int r;

	if (plan->n_layers == MB_IMAGE_MAX_LAYERS)
		return mb_fail(err, E2BIG, "more than %d layers", MB_IMAGE_MAX_LAYERS);
	r = mb_image_source_find(source, name, &from, err);
	if (r == MB_IMAGE_SOURCE_ABSENT)
		return mb_fail(err, EBADMSG, "layer '%.200s' is not in the archive", name);
	if (r < 0)
		return r;
	if (!plan->layers)
		plan->layers = mb_calloc(MB_IMAGE_MAX_LAYERS, sizeof(*plan->layers));
	layer = &plan->layers[plan->n_layers++];
	layer->from = from;
	if (blob)
		layer->blob = *blob;
	if (size >= 0 && from.size != (uint64_t)size)
		return mb_fail(err, EBADMSG, "layer '%.200s' has %llu bytes, not %lld", name,
		               (unsigned long long)from.size, (long long)size);
	return 0;
}

int mb_image_plan_check(const struct mb_image_plan *plan, struct mb_err *err)
{
	if (plan->n_layers != plan->image->diff_ids.n)
		return mb_fail(err, EBADMSG,
		               "image 'sha256:%.12s': %zu layers, but its configuration has %zu",
		               plan->image->id, plan->n_layers, plan->image->diff_ids.n);
	return 0;
}

bool mb_image_plan_blob_name(const char *name, struct mb_oci_digest *ret)
{
	const char *hex = mb_skip_prefix(name, "blobs/sha256/");

	return hex && mb_oci_digest_from_hex(hex, ret) == 0;
}

static int load(const struct mb_image_source *source, struct mb_image_plans *plans,
                struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = MB_IMAGE_SOURCE_ABSENT;

	if (!source->pick)
		r = mb_image_source_read(source, "manifest.json", MB_OCI_MAX_MANIFEST, &text, err);
	if (r == 0) {
		r = mb_image_plans_add_docker(source, &text, plans, err);
		return r < 0 ? mb_wrap(err, r, "manifest.json") : 0;
	}
	if (r < 0)
		return r;
	r = mb_image_source_read(source, "index.json", MB_OCI_MAX_MANIFEST, &text, err);
	if (r == MB_IMAGE_SOURCE_ABSENT)
		return mb_fail(err, EBADMSG,
		               "neither a docker archive (manifest.json) nor an OCI layout "
		               "(index.json)");
	if (r < 0)
		return r;
	r = mb_image_plans_add_oci(source, &text, plans, err);
	return r < 0 ? mb_wrap(err, r, "index.json") : 0;
}

int mb_image_plans_load(const struct mb_image_source *source, struct mb_image_plans *ret,
                        struct mb_err *err)
{
	struct mb_image_plans plans = {0};
	int r = load(source, &plans, err);

	if (r == 0 && !plans.n)
		r = mb_fail(err, EBADMSG, "there is no image in the archive");
	if (r < 0) {
		mb_image_plans_done(&plans);
		return r;
	}
	*ret = plans;
	return 0;
}

void mb_image_plans_done(struct mb_image_plans *plans)
{
	for (size_t i = 0; i < plans->n; i++) {
		struct mb_image_plan *plan = &plans->v[i];

		for (size_t k = 0; k < plan->n_layers; k++) {
			mb_close(&plan->layers[k].from.fd);
			free(plan->layers[k].media_type);
		}
		free(plan->layers);
		mb_str_done(&plan->config);
		mb_image_free(plan->image);
		mb_strv_done(&plan->names);
	}
	free(plans->v);
	*plans = (struct mb_image_plans){0};
}
