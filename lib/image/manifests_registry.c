/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of images, as far as registries have to do with them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/manifests.h"
#include "image/rebuild.h"
#include "oci/ref.h"
#include "registry/registry.h"
#include "registry/settings.h"
#include "json/json.h"

static int open_registry(const struct mb_oci_ref *ref,
                         const struct mb_image_manifest_request *request, bool push,
                         struct mb_registry **ret, struct mb_err *err)
{
	const struct mb_registry_options options = {
		.settings = request->settings,
		.login = request->login,
		.tls_verify = request->tls_verify,
		.agent = request->agent,
		.push = push,
	};

	return mb_registry_open(ref, &options, ret, err);
}

/* --- asking ----------------------------------------------------------------------------------- */

static int read_platform(struct mb_registry *reg, const struct mb_oci_descriptor *config,
                         struct mb_oci_platform *ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_oci_image_config c = {0};
	int r;

	if (config->digest.alg != MB_OCI_SHA256)
		return mb_fail(err, EOPNOTSUPP, "'%.80s' is not a sha256 digest",
		               config->digest_text);
	if (config->size > MB_OCI_MAX_CONFIG)
		return mb_fail(err, E2BIG, "the configuration is longer than %d bytes",
		               MB_OCI_MAX_CONFIG);
	r = mb_registry_blob_read(reg, &config->digest, (uint64_t)config->size, &text, err);
	if (r == 0)
		r = mb_oci_image_config_load(mb_str_text(&text), text.len, &c, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	ret->os = mb_strdup(c.os ? c.os : "");
	ret->architecture = mb_strdup(c.architecture ? c.architecture : "");
	ret->variant = mb_strdup_or_null(c.variant);
	ret->os_version = mb_strdup_or_null(c.os_version);
	mb_oci_image_config_done(&c);
	return 0;
}

/* Return: 0; MB_IMAGE_IS_LIST; -errno, told. */
static int take(struct mb_registry *reg, struct mb_registry_manifest *found,
                struct mb_image_manifest *ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *tree = NULL;
	struct mb_oci_manifest manifest = {0};
	struct mb_oci_descriptor *d = &ret->descriptor;
	const char *type;
	enum mb_oci_kind kind;
	int r = mb_json_parse_object(mb_str_text(&found->text), found->text.len, &tree, err);

	if (r == 0)
		r = mb_oci_document_kind(tree, &kind, err);
	if (r == 0 && kind == MB_OCI_KIND_UNKNOWN)
		r = mb_fail(err, EBADMSG, "it is neither an image nor an index");
	if (r == 0 && kind == MB_OCI_KIND_MANIFEST)
		r = mb_oci_manifest_load(found->text.buf, found->text.len, &manifest, err);
	if (r < 0)
		return mb_wrap(err, r, "the manifest");
	type = mb_json_find_str(tree, "mediaType", found->media_type);
	if (!type)
		type = kind == MB_OCI_KIND_INDEX ? MB_OCI_TYPE_INDEX : MB_OCI_TYPE_MANIFEST;
	mb_strset(&d->media_type, type);
	mb_oci_descriptor_set_digest(d, &found->digest);
	d->size = (int64_t)found->text.len;
	ret->text = mb_str_take(&found->text);
	if (kind == MB_OCI_KIND_INDEX)
		return MB_IMAGE_IS_LIST;
	r = read_platform(reg, &manifest.config, &d->platform, err);
	mb_oci_manifest_done(&manifest);
	return r;
}

int mb_image_manifest_ask(const struct mb_oci_ref *ref,
                          const struct mb_image_manifest_request *request,
                          struct mb_image_manifest *ret, struct mb_err *err)
{
	MB_AUTO(mb_registry_free) struct mb_registry *reg = NULL;
	MB_AUTO_FREE char *familiar = mb_oci_ref_format(ref, MB_OCI_REF_FAMILIAR);
	struct mb_registry_manifest found = {0};
	struct mb_image_manifest manifest = {0};
	char digest[MB_OCI_DIGEST_TEXT];
	const char *reference = ref->tag;
	int r = open_registry(ref, request, false, &reg, err);

	if (ref->digest.alg)
		reference = mb_oci_digest_format(&ref->digest, digest);
	if (r == 0)
		r = mb_registry_manifest_get(reg, reference, &found, err);
	if (r == MB_REGISTRY_ABSENT) {
		mb_fail(err, ENOENT, "no such manifest: %s", familiar);
		return MB_IMAGE_ABSENT;
	}
	if (r == 0)
		r = take(reg, &found, &manifest, err);
	mb_registry_manifest_done(&found);
	if (r < 0) {
		mb_image_manifest_done(&manifest);
		return mb_wrap(err, r, "cannot inspect '%.300s'", familiar);
	}
	if (r == MB_IMAGE_IS_LIST)
		mb_fail(err, EINVAL, "%s is a manifest list", familiar);
	manifest.name = mb_oci_ref_format(ref, MB_OCI_REF_CANONICAL);
	*ret = manifest;
	return r;
}

/* --- sending ---------------------------------------------------------------------------------- */

struct sending {
	struct mb_store *store;
	const struct mb_image_manifest_request *request;
	const struct mb_oci_ref *to, *from;
	struct mb_registry *target, *source;
};

/* Through a file here, where the registry does not take it over by itself. */
static int copy_blob(struct sending *s, const struct mb_oci_descriptor *d, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_image_rebuild_file(s->store, &fd, err);

	if (r == 0 && !s->source)
		r = open_registry(s->from, s->request, false, &s->source, err);
	if (r == 0)
		r = mb_registry_blob_fetch(s->source, &d->digest, (uint64_t)d->size, fd, 0, NULL,
		                           err);
	if (r == 0)
		r = mb_registry_blob_send(s->target, &d->digest, fd, 0, (uint64_t)d->size, NULL,
		                          err);
	return r > 0 ? -ENOENT : r;
}

static int bring_blob(struct sending *s, const struct mb_oci_descriptor *d, struct mb_err *err)
{
	bool there = false;
	int r;

	if (d->digest.alg != MB_OCI_SHA256)
		return mb_fail(err, EOPNOTSUPP, "'%.80s' is not a sha256 digest", d->digest_text);
	r = mb_registry_blob_is_there(s->target, &d->digest, &there, err);
	if (r == 0 && !there)
		r = mb_registry_blob_mount(s->target, &d->digest, s->from->path, &there, err);
	return r == 0 && !there ? copy_blob(s, d, err) : r;
}

static int bring(struct sending *s, const struct mb_image_manifest *m, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_oci_manifest manifest = {0};
	int r;

	mb_str_add(&text, m->text);
	r = mb_oci_manifest_load(mb_str_text(&text), text.len, &manifest, err);
	if (r < 0)
		return r;
	r = bring_blob(s, &manifest.config, err);
	for (size_t i = 0; r == 0 && i < manifest.n_layers; i++)
		r = bring_blob(s, &manifest.layers[i], err);
	mb_oci_manifest_done(&manifest);
	if (r == 0)
		r = mb_registry_manifest_put(s->target, m->descriptor.digest_text,
		                             m->descriptor.media_type, &text, err);
	return r;
}

static int bring_each(struct sending *s, const struct mb_image_manifests *list,
                      void (*pushed)(void *arg, const char *name), void *arg, struct mb_err *err)
{
	MB_AUTO_FREE char *place = mb_oci_ref_format_name(s->to, MB_OCI_REF_FAMILIAR);

	for (size_t i = 0; i < list->n; i++) {
		MB_AUTO_OCI_REF struct mb_oci_ref from = {0};
		MB_AUTO_FREE char *name = NULL;
		int r = mb_oci_ref_parse(list->v[i].name, false, &from, err);

		if (r < 0)
			return r;
		if (strcmp(from.domain, s->to->domain) != 0)
			return mb_fail(err, EINVAL,
			               "cannot use source images from a different registry than "
			               "the target image: %s != %s",
			               from.domain, s->to->domain);
		if (strcmp(from.path, s->to->path) == 0)
			continue;
		s->from = &from;
		r = bring(s, &list->v[i], err);
		mb_registry_free(s->source);
		s->source = NULL;
		if (r < 0)
			return mb_wrap(err, r, "'%.300s'", list->v[i].name);
		name = mb_asprintf("%s@%s", place, list->v[i].descriptor.digest_text);
		pushed(arg, name);
	}
	return 0;
}

int mb_image_manifests_push(struct mb_store *store, const struct mb_image_manifests *list,
                            const struct mb_image_manifest_request *request,
                            void (*pushed)(void *arg, const char *name), void *arg,
                            char ret_digest[MB_OCI_DIGEST_TEXT], struct mb_err *err)
{
	MB_AUTO_OCI_REF struct mb_oci_ref to = {0};
	struct sending s = {.store = store, .request = request, .to = &to};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	const char *type = mb_image_manifests_format(list, &text);
	struct mb_oci_digest digest;
	char hex[MB_SHA256_TEXT];
	int r = mb_oci_ref_parse(list->name, true, &to, err);

	if (r == 0)
		r = open_registry(&to, request, true, &s.target, err);
	if (r == 0)
		r = bring_each(&s, list, pushed, arg, err);
	if (r == 0)
		r = mb_registry_manifest_put(s.target, to.tag, type, &text, err);
	mb_registry_free(s.target);
	if (r < 0)
		return mb_wrap(err, r, "cannot push the manifest list '%.300s'", list->name);
	mb_sha256_text(mb_str_text(&text), text.len, hex);
	mb_oci_digest_from_hex(hex, &digest);
	mb_oci_digest_format(&digest, ret_digest);
	return 0;
}
