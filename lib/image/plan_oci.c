/* SPDX-License-Identifier: GPL-2.0-or-later */
/* index.json of OCI layouts: image-spec 1.1, "Image Layout Specification". */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sha256.h"
#include "image/image.h"
#include "image/plan.h"
#include "image/record.h"
#include "image/refs.h"
#include "image/source.h"
#include "oci/image_spec.h"
#include "json/json.h"

#define NAME_CONTAINERD "io.containerd.image.name"
#define NAME_OCI        "org.opencontainers.image.ref.name"
#define LAYOUT_VERSION  "1.0.0"

enum { MAX_NESTING = 3, BLOB_PATH = 256 };

static void blob_path(const struct mb_oci_digest *digest, char path[BLOB_PATH])
{
	snprintf(path, BLOB_PATH, "blobs/%s/%s", mb_oci_digest_alg_name(digest), digest->hex);
}

/* The bytes of a document's blob: hashed, then parsed from the same memory by the caller. */
static int read_blob(const struct mb_image_source *source, const struct mb_oci_descriptor *d,
                     size_t limit, struct mb_str *out, struct mb_err *err)
{
	char path[BLOB_PATH], sum[MB_SHA256_TEXT];
	int r;

	if (d->digest.alg != MB_OCI_SHA256)
		return mb_fail(err, EOPNOTSUPP, "'%.80s' is not a sha256 digest", d->digest_text);
	blob_path(&d->digest, path);
	r = mb_image_source_read(source, path, limit, out, err);
	if (r == MB_IMAGE_SOURCE_ABSENT)
		return mb_fail(err, EBADMSG, "'%s' is not in the archive", path);
	if (r < 0)
		return r;
	if ((uint64_t)d->size != out->len)
		return mb_fail(err, EBADMSG, "'%s' has %zu bytes, not %lld", path, out->len,
		               (long long)d->size);
	mb_sha256_text(mb_str_text(out), out->len, sum);
	if (strcmp(sum, d->digest.hex) != 0)
		return mb_fail(err, EBADMSG, "'%s' has the content of 'sha256:%s'", path, sum);
	return 0;
}

static int add_layers(const struct mb_image_source *source, const struct mb_oci_manifest *manifest,
                      struct mb_image_plan *plan, struct mb_err *err)
{
	for (size_t i = 0; i < manifest->n_layers; i++) {
		const struct mb_oci_descriptor *d = &manifest->layers[i];
		char path[BLOB_PATH];
		int r;

		if (mb_oci_layer_kind(d->media_type ? d->media_type : MB_OCI_TYPE_LAYER) ==
		    MB_OCI_LAYER_UNKNOWN)
			return mb_fail(err, EOPNOTSUPP, "layer of type '%.100s'", d->media_type);
		if (d->digest.alg != MB_OCI_SHA256)
			return mb_fail(err, EOPNOTSUPP, "'%.80s' is not a sha256 digest",
			               d->digest_text);
		blob_path(&d->digest, path);
		r = mb_image_plan_add_layer(plan, source, path, &d->digest, d->size, err);
		if (r < 0)
			return r;
		plan->layers[i].media_type = mb_strdup_or_null(d->media_type);
	}
	return mb_image_plan_check(plan, err);
}

/* A name counts when it names a repository; a bare word in ref.name is only a tag. */
static int add_name(const struct mb_oci_descriptor *top, struct mb_image_plan *plan,
                    struct mb_err *err)
{
	const char *text = mb_kv_find(&top->annotations, NAME_CONTAINERD);
	char *name = NULL;
	int r;

	if (!text || !*text) {
		text = mb_kv_find(&top->annotations, NAME_OCI);
		if (!text || !strpbrk(text, ":/"))
			return 0;
	}
	r = mb_image_ref_canonical(text, &name, err);
	if (r == 0)
		mb_strv_take(&plan->names, name);
	return r;
}

static int add_manifest(const struct mb_image_source *source, const struct mb_str *text,
                        const struct mb_oci_descriptor *top, struct mb_image_plans *plans,
                        struct mb_err *err)
{
	MB_AUTO_STR struct mb_str config = MB_STR_INIT;
	struct mb_oci_manifest manifest = {0};
	struct mb_image_plan *plan;
	int r;

	if (plans->n == MB_IMAGE_MAX_PLANS)
		return mb_fail(err, E2BIG, "more than %d images", MB_IMAGE_MAX_PLANS);
	r = mb_oci_manifest_load(mb_str_text(text), text->len, &manifest, err);
	if (r < 0)
		return r;
	plan = mb_image_plans_append(plans);
	r = read_blob(source, &manifest.config, MB_IMAGE_MAX_CONFIG, &config, err);
	if (r == 0)
		r = mb_image_plan_set_config(plan, &config, err);
	if (r == 0)
		r = add_layers(source, &manifest, plan, err);
	if (r == 0)
		r = add_name(top, plan, err);
	mb_oci_manifest_done(&manifest);
	return r;
}

/* @top is the entry of index.json, which has the name; @d what it leads to. */
static int add_descriptor(const struct mb_image_source *source, const struct mb_oci_descriptor *d,
                          const struct mb_oci_descriptor *top, int nesting,
                          struct mb_image_plans *plans, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO(mb_json_free) struct json_object *tree = NULL;
	const char *architecture, *variant;
	const struct mb_oci_descriptor *found;
	struct mb_oci_index index = {0};
	enum mb_oci_kind kind;
	int r;

	if (nesting > MAX_NESTING)
		return mb_fail(err, ELOOP, "indexes in indexes, more than %d deep", MAX_NESTING);
	r = read_blob(source, d, MB_OCI_MAX_MANIFEST, &text, err);
	if (r == 0)
		r = mb_json_parse_object(mb_str_text(&text), text.len, &tree, err);
	if (r == 0)
		r = mb_oci_document_kind(tree, &kind, err);
	if (r < 0)
		return r;
	if (kind == MB_OCI_KIND_MANIFEST)
		return add_manifest(source, &text, top, plans, err);
	if (kind != MB_OCI_KIND_INDEX)
		return mb_fail(err, EBADMSG, "'%.80s' is neither a manifest nor an index",
		               d->digest_text);
	r = mb_oci_index_load(mb_str_text(&text), text.len, &index, err);
	if (r < 0)
		return r;
	mb_oci_host_architecture(&architecture, &variant);
	found = mb_oci_index_find(&index, "linux", architecture, variant);
	if (!found)
		r = mb_fail(err, ENOENT, "'%.80s' has no image for linux/%s", d->digest_text,
		            architecture);
	else
		r = add_descriptor(source, found, top, nesting + 1, plans, err);
	mb_oci_index_done(&index);
	return r;
}

static bool is_foreign(const struct mb_oci_descriptor *d)
{
	const char *architecture, *variant;

	mb_oci_host_architecture(&architecture, &variant);
	if (mb_kv_find(&d->annotations, "vnd.docker.reference.type"))
		return true;
	return (d->platform.os && strcmp(d->platform.os, "linux") != 0) ||
	       (d->platform.architecture && strcmp(d->platform.architecture, architecture) != 0);
}

/* Is it the one that is wanted? */
static bool is_picked(const struct mb_oci_descriptor *d, const char *pick)
{
	const char *name = mb_kv_find(&d->annotations, NAME_OCI);

	return !pick || mb_streq(d->digest_text, pick) || mb_streq(name, pick);
}

static int check_layout(const struct mb_image_source *source, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO(mb_json_free) struct json_object *tree = NULL;
	const char *version;
	int r = mb_image_source_read(source, "oci-layout", 4096, &text, err);

	if (r == MB_IMAGE_SOURCE_ABSENT)
		return mb_fail(err, EBADMSG, "the file 'oci-layout' is missing");
	if (r == 0)
		r = mb_json_parse_object(mb_str_text(&text), text.len, &tree, err);
	if (r < 0)
		return mb_wrap(err, r, "oci-layout");
	version = mb_json_find_str(tree, "imageLayoutVersion", "");
	if (strcmp(version, LAYOUT_VERSION) != 0)
		return mb_fail(err, EBADMSG, "OCI layout of version '%.32s'", version);
	return 0;
}

int mb_image_plans_add_oci(const struct mb_image_source *source, const struct mb_str *text,
                           struct mb_image_plans *ret, struct mb_err *err)
{
	struct mb_oci_index index = {0};
	bool only_one;
	int r = check_layout(source, err);

	if (r == 0)
		r = mb_oci_index_load(mb_str_text(text), text->len, &index, err);
	if (r < 0)
		return r;
	/* One image alone is taken whatever it was built for. */
	only_one = index.n_manifests == 1;
	for (size_t i = 0; r == 0 && i < index.n_manifests; i++) {
		const struct mb_oci_descriptor *d = &index.manifests[i];

		if (is_picked(d, source->pick) && (only_one || !is_foreign(d)))
			r = add_descriptor(source, d, d, 0, ret, err);
	}
	mb_oci_index_done(&index);
	return r;
}
