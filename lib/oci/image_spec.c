/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oci/image_spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/str.h"
#include "oci/image_table.h"

static const char *const manifest_types[] = {MB_OCI_TYPE_MANIFEST, MB_OCI_TYPE_DOCKER_MANIFEST,
                                             NULL};
static const char *const index_types[] = {MB_OCI_TYPE_INDEX, MB_OCI_TYPE_DOCKER_LIST, NULL};

static bool is_one_of(const char *s, const char *const list[])
{
	for (; *list; list++)
		if (strcmp(s, *list) == 0)
			return true;
	return false;
}

int mb_oci_document_kind(struct json_object *o, enum mb_oci_kind *ret, struct mb_err *err)
{
	const char *type = mb_json_find_str(o, "mediaType", NULL);
	bool is_index = mb_json_find(o, "manifests");
	bool is_manifest = mb_json_find(o, "layers") || mb_json_find(o, "config");
	MB_AUTO_FREE char *shown = NULL;

	if (mb_json_find(o, "fsLayers"))
		return mb_fail(err, EBADMSG, "manifest has schema 1, which is no longer in use");
	if (is_index && is_manifest)
		return mb_fail(err, EBADMSG, "document claims to be an index and a manifest");
	if (type && ((is_index && !is_one_of(type, index_types)) ||
	             (is_manifest && !is_one_of(type, manifest_types)))) {
		shown = mb_printable(type);
		return mb_fail(err, EBADMSG, "document is not of its media type '%.200s'", shown);
	}
	*ret = is_index ? MB_OCI_KIND_INDEX
	                : (is_manifest ? MB_OCI_KIND_MANIFEST : MB_OCI_KIND_UNKNOWN);
	return 0;
}

enum mb_oci_layer_kind mb_oci_layer_kind(const char *media_type)
{
	static const struct {
		const char *type;
		enum mb_oci_layer_kind kind;
	} rows[] = {
		{MB_OCI_TYPE_LAYER, MB_OCI_LAYER_TAR},
		{MB_OCI_TYPE_LAYER_GZIP, MB_OCI_LAYER_GZIP},
		{MB_OCI_TYPE_LAYER_ZSTD, MB_OCI_LAYER_ZSTD},
		{MB_OCI_TYPE_DOCKER_LAYER, MB_OCI_LAYER_TAR},
		{MB_OCI_TYPE_DOCKER_GZIP, MB_OCI_LAYER_GZIP},
		{"application/vnd.docker.image.rootfs.diff.tar.zstd", MB_OCI_LAYER_ZSTD},
		{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", MB_OCI_LAYER_GZIP},
		{"application/vnd.oci.image.layer.nondistributable.v1.tar", MB_OCI_LAYER_TAR},
		{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", MB_OCI_LAYER_GZIP},
		{"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", MB_OCI_LAYER_ZSTD},
	};

	for (size_t i = 0; media_type && i < MB_N(rows); i++)
		if (strcmp(rows[i].type, media_type) == 0)
			return rows[i].kind;
	return MB_OCI_LAYER_UNKNOWN;
}

static int check_descriptor(struct mb_oci_descriptor *d, struct mb_err *err)
{
	int r = mb_oci_digest_parse(d->digest_text, &d->digest, err);

	if (r < 0)
		return r;
	if (d->size < 0)
		return mb_fail(err, EINVAL, "'size' of '%.20s...' is negative", d->digest_text);
	return 0;
}

static int check_descriptors(struct mb_oci_descriptor *v, size_t n, size_t limit, const char *what,
                             struct mb_err *err)
{
	if (n > limit)
		return mb_fail(err, E2BIG, "more than %zu %s", limit, what);
	for (size_t i = 0; i < n; i++) {
		int r = check_descriptor(&v[i], err);

		if (r < 0)
			return mb_wrap(err, r, "%s[%zu]", what, i);
	}
	return 0;
}

/* Parse @text, see that it is of @kind, and decode it. */
static int load_document(const char *text, size_t len, enum mb_oci_kind kind,
                         const struct mb_json_field *table, void *out, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	enum mb_oci_kind found = MB_OCI_KIND_UNKNOWN;
	int r;

	if (len > MB_OCI_MAX_MANIFEST)
		return mb_fail(err, E2BIG, "manifest is longer than %d bytes", MB_OCI_MAX_MANIFEST);
	r = mb_json_parse_object(text, len, &o, err);
	if (r == 0)
		r = mb_oci_document_kind(o, &found, err);
	if (r < 0)
		return r;
	if (found != kind)
		return mb_fail(err, EBADMSG, "document is not %s",
		               kind == MB_OCI_KIND_INDEX ? "an index" : "a manifest");
	return mb_json_decode(o, table, out, err);
}

static int check_schema(int version, struct mb_err *err)
{
	if (version != 2)
		return mb_fail(err, EBADMSG, "manifest has schema %d, not 2", version);
	return 0;
}

int mb_oci_manifest_load(const char *text, size_t len, struct mb_oci_manifest *ret,
                         struct mb_err *err)
{
	struct mb_oci_manifest m = {0};
	int r = load_document(text, len, MB_OCI_KIND_MANIFEST, mb_oci_manifest_table, &m, err);

	if (r == 0)
		r = check_schema(m.schema_version, err);
	if (r == 0)
		r = check_descriptors(&m.config, 1, 1, "config", err);
	if (r == 0)
		r = check_descriptors(m.layers, m.n_layers, MB_OCI_MAX_LAYERS, "layers", err);
	if (r < 0) {
		mb_oci_manifest_done(&m);
		return r;
	}
	*ret = m;
	return 0;
}

int mb_oci_index_load(const char *text, size_t len, struct mb_oci_index *ret, struct mb_err *err)
{
	struct mb_oci_index index = {0};
	int r = load_document(text, len, MB_OCI_KIND_INDEX, mb_oci_index_table, &index, err);

	if (r == 0)
		r = check_schema(index.schema_version, err);
	if (r == 0)
		r = check_descriptors(index.manifests, index.n_manifests, MB_OCI_MAX_MANIFESTS,
		                      "manifests", err);
	if (r < 0) {
		mb_oci_index_done(&index);
		return r;
	}
	*ret = index;
	return 0;
}

static int check_health(const struct mb_oci_healthcheck *h, struct mb_err *err)
{
	if (h && (h->interval_nsec < 0 || h->timeout_nsec < 0 || h->start_period_nsec < 0 ||
	          h->start_interval_nsec < 0 || h->retries < 0))
		return mb_fail(err, EINVAL, "'config.Healthcheck' has a negative number");
	return 0;
}

static int check_image_config(const struct mb_oci_image_config *c, struct mb_err *err)
{
	if (c->rootfs_type && *c->rootfs_type && strcmp(c->rootfs_type, "layers") != 0)
		return mb_fail(err, EINVAL, "'rootfs.type' is not 'layers'");
	if (c->diff_ids.n > MB_OCI_MAX_LAYERS)
		return mb_fail(err, E2BIG, "more than %d layers", MB_OCI_MAX_LAYERS);
	for (size_t i = 0; i < c->diff_ids.n; i++) {
		struct mb_oci_digest digest;
		int r = mb_oci_digest_parse(c->diff_ids.v[i], &digest, err);

		if (r < 0)
			return mb_wrap(err, r, "'rootfs.diff_ids[%zu]'", i);
	}
	return check_health(c->config.healthcheck, err);
}

int mb_oci_image_config_load(const char *text, size_t len, struct mb_oci_image_config *ret,
                             struct mb_err *err)
{
	struct mb_oci_image_config c;
	int r;

	if (len > MB_OCI_MAX_CONFIG)
		return mb_fail(err, E2BIG, "image configuration is longer than %d bytes",
		               MB_OCI_MAX_CONFIG);
	r = mb_json_load(text, len, mb_oci_image_config_table, &c, sizeof(c), err);
	if (r < 0)
		return mb_wrap(err, r, "image configuration");
	r = check_image_config(&c, err);
	if (r < 0) {
		mb_oci_image_config_done(&c);
		return mb_wrap(err, r, "image configuration");
	}
	*ret = c;
	return 0;
}

struct json_object *mb_oci_manifest_save(const struct mb_oci_manifest *m)
{
	return mb_json_encode(mb_oci_manifest_table, m);
}

struct json_object *mb_oci_index_save(const struct mb_oci_index *index)
{
	return mb_json_encode(mb_oci_index_table, index);
}

struct json_object *mb_oci_image_config_save(const struct mb_oci_image_config *c)
{
	return mb_json_encode(mb_oci_image_config_table, c);
}

void mb_oci_manifest_done(struct mb_oci_manifest *m)
{
	mb_json_done(mb_oci_manifest_table, m);
}

void mb_oci_index_done(struct mb_oci_index *index)
{
	mb_json_done(mb_oci_index_table, index);
}

void mb_oci_image_config_done(struct mb_oci_image_config *c)
{
	mb_json_done(mb_oci_image_config_table, c);
}

void mb_oci_descriptor_done(struct mb_oci_descriptor *d)
{
	mb_json_done(mb_oci_descriptor_table, d);
	memset(&d->digest, 0, sizeof(d->digest));
}

void mb_oci_descriptor_set_digest(struct mb_oci_descriptor *d, const struct mb_oci_digest *digest)
{
	char text[MB_OCI_DIGEST_TEXT];

	d->digest = *digest;
	mb_strset(&d->digest_text, mb_oci_digest_format(digest, text));
}
