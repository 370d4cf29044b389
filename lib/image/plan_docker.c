/* SPDX-License-Identifier: GPL-2.0-or-later */
/* manifest.json of docker archives, old (HEX.json, ID/layer.tar) and new (blobs/sha256/HEX).  The
 * file "repositories" says nothing that manifest.json does not, and is not read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "image/image.h"
#include "image/plan.h"
#include "image/record.h"
#include "image/refs.h"
#include "image/source.h"
#include "json/json.h"

struct manifest {
	char *config;
	struct mb_strv tags, layers;
};
struct manifests {
	struct manifest *v;
	size_t n;
};

static const struct mb_json_field manifest_table[] = {
	MB_JSON_STR("Config", struct manifest, config, .flags = MB_JSON_REQUIRED),
	MB_JSON_STRV("RepoTags", struct manifest, tags),
	MB_JSON_STRV("Layers", struct manifest, layers),
	MB_JSON_END,
};
static const struct mb_json_field manifests_table[] = {
	MB_JSON_LIST("manifests", struct manifests, v, n, struct manifest, manifest_table),
	MB_JSON_END,
};

/* Does the member's name say what its content must hash to? */
static int check_config_name(const char *name, const struct mb_image *image, struct mb_err *err)
{
	const char *slash = strrchr(name, '/'), *leaf = slash ? slash + 1 : name;
	struct mb_oci_digest told;
	char hex[MB_IMAGE_ID_TEXT];

	if (strlen(leaf) < 64 || (leaf[64] && strcmp(leaf + 64, ".json") != 0))
		return 0;
	memcpy(hex, leaf, 64);
	hex[64] = '\0';
	if (mb_oci_digest_from_hex(hex, &told) < 0 || strcmp(told.hex, image->id) == 0)
		return 0;
	return mb_fail(err, EBADMSG, "configuration '%s' is 'sha256:%s'", name, image->id);
}

static int add_config(const struct mb_image_source *source, const char *name,
                      struct mb_image_plan *plan, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_image_source_read(source, name, MB_IMAGE_MAX_CONFIG, &text, err);

	if (r == MB_IMAGE_SOURCE_ABSENT)
		return mb_fail(err, EBADMSG, "configuration '%.200s' is not in the archive", name);
	if (r == 0)
		r = mb_image_plan_set_config(plan, &text, err);
	if (r == 0)
		r = check_config_name(name, plan->image, err);
	return r;
}

static int add_image(const struct mb_image_source *source, const struct manifest *m,
                     struct mb_image_plans *plans, struct mb_err *err)
{
	struct mb_image_plan *plan;
	int r;

	if (plans->n == MB_IMAGE_MAX_PLANS)
		return mb_fail(err, E2BIG, "more than %d images", MB_IMAGE_MAX_PLANS);
	plan = mb_image_plans_append(plans);
	r = add_config(source, m->config, plan, err);
	MB_STRV_FOREACH (name, &m->layers) {
		struct mb_oci_digest blob;
		bool named = mb_image_plan_blob_name(name, &blob);

		if (r == 0)
			r = mb_image_plan_add_layer(plan, source, name, named ? &blob : NULL, -1,
			                            err);
	}
	if (r == 0)
		r = mb_image_plan_check(plan, err);
	MB_STRV_FOREACH (tag, &m->tags) {
		char *name = NULL;

		if (r == 0)
			r = mb_image_ref_canonical(tag, &name, err);
		if (r == 0)
			mb_strv_take(&plan->names, name);
	}
	return r;
}

int mb_image_plans_add_docker(const struct mb_image_source *source, const struct mb_str *text,
                              struct mb_image_plans *ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *whole = mb_json_new_object();
	struct manifests manifests = {0};
	struct json_object *array = NULL;
	int r = mb_json_parse(mb_str_text(text), text->len, &array, err);

	if (r < 0)
		return r;
	mb_json_set(whole, "manifests", array);
	r = mb_json_decode(whole, manifests_table, &manifests, err);
	for (size_t i = 0; r == 0 && i < manifests.n; i++)
		r = add_image(source, &manifests.v[i], ret, err);
	mb_json_done(manifests_table, &manifests);
	return r;
}
