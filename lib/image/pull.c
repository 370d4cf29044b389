/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/log.h"
#include "core/own.h"
#include "core/str.h"
#include "image/commit.h"
#include "image/download.h"
#include "image/fetch.h"
#include "image/image.h"
#include "image/plan.h"
#include "image/record.h"
#include "image/refs.h"
#include "oci/image_spec.h"
#include "oci/ref.h"
#include "registry/registry.h"
#include "registry/settings.h"
#include "sys/interrupt.h"
#include "json/json.h"

enum { MAX_NESTING = 3 };

struct pulling {
	struct mb_store *store;
	const struct mb_image_pull_request *request;
	struct mb_registry *reg;           /* that answered */
	struct mb_registry_manifest top;   /* what the name means */
	struct mb_registry_manifest image; /* for the platform; empty when it is @top */
	struct mb_oci_manifest manifest;
	struct mb_image_plans plans;
	char *architecture, *variant;
};

static void pulling_done(struct pulling *p)
{
	mb_registry_free(p->reg);
	mb_registry_manifest_done(&p->top);
	mb_registry_manifest_done(&p->image);
	mb_oci_manifest_done(&p->manifest);
	mb_image_plans_done(&p->plans);
	free(p->architecture);
	free(p->variant);
}

/* "linux/arm64/v8", "linux/arm64", "arm64". */
static int set_platform(struct pulling *p, struct mb_err *err)
{
	const char *text = p->request->platform, *rest, *slash, *architecture, *variant;

	if (!text || !*text) {
		mb_oci_host_architecture(&architecture, &variant);
		p->architecture = mb_strdup(architecture);
		p->variant = mb_strdup_or_null(variant);
		return 0;
	}
	rest = mb_skip_prefix(text, "linux/");
	rest = rest ? rest : text;
	slash = strchr(rest, '/');
	if (!*rest || *rest == '/' || (slash && (!slash[1] || strchr(slash + 1, '/'))) ||
	    (slash && rest == text) || strcmp(rest, "linux") == 0)
		return mb_fail(err, EINVAL,
		               "invalid platform '%.100s': linux/ARCHITECTURE[/VARIANT]", text);
	p->architecture = slash ? mb_strndup(rest, (size_t)(slash - rest)) : mb_strdup(rest);
	p->variant = slash ? mb_strdup(slash + 1) : NULL;
	return 0;
}

/* --- which registry ----------------------------------------------------------------------------
 */

static int ask(struct pulling *p, const char *mirror, struct mb_err *err)
{
	const struct mb_image_pull_request *q = p->request;
	const struct mb_registry_options options = {
		.settings = q->settings,
		.login = mirror ? NULL : q->login, /* whose password is nobody else's */
		.tls_verify = q->tls_verify,
		.agent = q->agent,
		.mirror = mirror,
	};
	MB_AUTO(mb_registry_free) struct mb_registry *reg = NULL;
	char digest[MB_OCI_DIGEST_TEXT];
	const char *reference = q->ref->tag;
	int r = mb_registry_open(q->ref, &options, &reg, err);

	if (q->ref->digest.alg)
		reference = mb_oci_digest_format(&q->ref->digest, digest);
	if (r == 0)
		r = mb_registry_manifest_get(reg, reference, &p->top, err);
	if (r == 0)
		p->reg = mb_take_ptr(&reg);
	return r;
}

/* Where @mirror is NULL, at the registry itself. */
static int ask_well(struct pulling *p, const char *mirror, struct mb_err *err)
{
	MB_AUTO_FREE char *name = NULL;
	int r = ask(p, mirror, err);

	if (r != MB_REGISTRY_ABSENT)
		return r;
	name = mb_oci_ref_format(p->request->ref, MB_OCI_REF_FAMILIAR);
	return mb_fail(err, ENOENT, "manifest for %s not found: manifest unknown", name);
}

/* --- which image ------------------------------------------------------------------------------ */

/* The entry of an index for our platform.  It stays valid while @index does. */
static int choose(const struct pulling *p, const struct mb_oci_index *index,
                  const struct mb_oci_descriptor **ret, struct mb_err *err)
{
	*ret = mb_oci_index_find(index, "linux", p->architecture, p->variant);
	if (!*ret)
		return mb_fail(err, ENOENT,
		               "no matching manifest for linux/%s%s%s in the manifest list entries",
		               p->architecture, p->variant ? "/" : "",
		               p->variant ? p->variant : "");
	return 0;
}

static int follow_index(struct pulling *p, const struct mb_registry_manifest *from,
                        struct mb_registry_manifest *ret, struct mb_err *err)
{
	const struct mb_oci_descriptor *found;
	struct mb_oci_index index = {0};
	char digest[MB_OCI_DIGEST_TEXT];
	int r = mb_oci_index_load(from->text.buf, from->text.len, &index, err);

	if (r < 0)
		return r;
	r = choose(p, &index, &found, err);
	if (r == 0)
		r = mb_registry_manifest_get(p->reg, mb_oci_digest_format(&found->digest, digest),
		                             ret, err);
	if (r == 0 && (uint64_t)found->size != ret->text.len)
		r = mb_fail(err, EBADMSG, "manifest '%s' has %zu bytes, not %lld", digest,
		            ret->text.len, (long long)found->size);
	mb_oci_index_done(&index);
	return r == MB_REGISTRY_ABSENT ? -ENOENT : r;
}

/* What kind it is: by its members, which its media types must not contradict. */
static int kind_of(const struct mb_registry_manifest *m, enum mb_oci_kind *ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *tree = NULL;
	bool says_index = mb_streq(m->media_type, MB_OCI_TYPE_INDEX) ||
	                  mb_streq(m->media_type, MB_OCI_TYPE_DOCKER_LIST);
	bool says_manifest = mb_streq(m->media_type, MB_OCI_TYPE_MANIFEST) ||
	                     mb_streq(m->media_type, MB_OCI_TYPE_DOCKER_MANIFEST);
	int r = mb_json_parse_object(mb_str_text(&m->text), m->text.len, &tree, err);

	if (r == 0)
		r = mb_oci_document_kind(tree, ret, err);
	if (r < 0)
		return mb_wrap(err, r, "the manifest");
	if ((says_index && *ret != MB_OCI_KIND_INDEX) ||
	    (says_manifest && *ret != MB_OCI_KIND_MANIFEST))
		return mb_fail(err, EBADMSG,
		               "the manifest is not of the type '%.100s' that came "
		               "with it",
		               m->media_type);
	return 0;
}

static int find_manifest(struct pulling *p, struct mb_err *err)
{
	const struct mb_registry_manifest *m = &p->top;
	enum mb_oci_kind kind;

	for (int nesting = 0; nesting <= MAX_NESTING; nesting++) {
		struct mb_registry_manifest next = {0};
		int r = kind_of(m, &kind, err);

		if (r < 0)
			return r;
		if (kind == MB_OCI_KIND_MANIFEST)
			return mb_oci_manifest_load(m->text.buf, m->text.len, &p->manifest, err);
		if (kind != MB_OCI_KIND_INDEX)
			return mb_fail(err, EBADMSG,
			               "the manifest is neither an image nor an index");
		r = follow_index(p, m, &next, err);
		if (r < 0) {
			mb_registry_manifest_done(&next);
			return r;
		}
		mb_registry_manifest_done(&p->image);
		p->image = next;
		m = &p->image;
	}
	return mb_fail(err, ELOOP, "indexes in indexes, more than %d deep", MAX_NESTING);
}

static int check_layer(const struct mb_oci_descriptor *d, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = mb_printable(d->media_type ? d->media_type : "");

	if (strstr(shown, "foreign") || strstr(shown, "nondistributable"))
		return mb_fail(err, EOPNOTSUPP,
		               "layer '%.19s' is of type '%.100s', which lies "
		               "elsewhere than in the registry",
		               d->digest_text, shown);
	if (mb_oci_layer_kind(d->media_type) == MB_OCI_LAYER_UNKNOWN)
		return mb_fail(err, EOPNOTSUPP,
		               "layer of type '%.100s': this is no image of a "
		               "container",
		               shown);
	if (d->digest.alg != MB_OCI_SHA256)
		return mb_fail(err, EOPNOTSUPP, "'%.80s' is not a sha256 digest", d->digest_text);
	return 0;
}

static int read_config(struct pulling *p, struct mb_err *err)
{
	const struct mb_oci_descriptor *config = &p->manifest.config;
	struct mb_image_plan *plan = mb_image_plans_append(&p->plans);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = 0;

	if (config->digest.alg != MB_OCI_SHA256)
		return mb_fail(err, EOPNOTSUPP, "'%.80s' is not a sha256 digest",
		               config->digest_text);
	for (size_t i = 0; r == 0 && i < p->manifest.n_layers; i++)
		r = check_layer(&p->manifest.layers[i], err);
	if (r < 0)
		return r;
	if (config->size > MB_IMAGE_MAX_CONFIG)
		return mb_fail(err, E2BIG, "the configuration is longer than %d bytes",
		               MB_IMAGE_MAX_CONFIG);
	r = mb_registry_blob_read(p->reg, &config->digest, (uint64_t)config->size, &text, err);
	if (r == 0)
		r = mb_image_plan_set_config(plan, &text, err);
	if (r == 0 && p->manifest.n_layers != plan->image->diff_ids.n)
		r = mb_fail(err, EBADMSG, "%zu layers, but the configuration has %zu",
		            p->manifest.n_layers, plan->image->diff_ids.n);
	return r;
}

/* --- the end ---------------------------------------------------------------------------------- */

static int name_it(struct pulling *p, struct mb_image_pulled *ret, struct mb_err *err)
{
	struct mb_image_plan *plan = &p->plans.v[0];
	MB_AUTO_CLOSE int lock = -1;
	char old[MB_IMAGE_ID_TEXT];
	int r = mb_image_refs_lock(p->store, &lock, err);

	plan->image->passes = p->request->nameless;
	if (r == 0)
		r = mb_image_commit(p->store, plan->image, &plan->config, err);
	if (r < 0)
		return r;
	memcpy(ret->id, plan->image->id, sizeof(ret->id));
	if (p->request->nameless)
		return 0;
	ret->is_new = mb_image_ref_find(p->store, ret->name, old, NULL) != 0 ||
	              strcmp(old, plan->image->id) != 0;
	return mb_image_ref_set(p->store, ret->name, plan->image->id, ret->digest, err);
}

/* "repo:tag"; what was asked for by digest has it in its name. */
static char *name_of(const struct mb_oci_ref *ref)
{
	struct mb_oci_ref plain = *ref;

	if (ref->digest.alg)
		plain.tag = NULL;
	return mb_oci_ref_format(&plain, MB_OCI_REF_CANONICAL);
}

static int pull(struct pulling *p, const char *mirror, struct mb_image_pulled *ret,
                struct mb_err *err)
{
	struct mb_image_fetch_from from = {.ref = p->request->ref,
	                                   .manifest = &p->manifest,
	                                   .max_layer = p->request->max_layer};
	char digest[MB_OCI_DIGEST_TEXT];
	MB_AUTO_CLOSE int hold = -1;
	int r = set_platform(p, err);

	if (r == 0)
		r = ask_well(p, mirror, err);
	if (r == 0)
		r = find_manifest(p, err);
	if (r == 0)
		r = read_config(p, err);
	if (r < 0)
		return r;
	from.reg = p->reg;
	ret->name = name_of(p->request->ref);
	ret->digest = mb_strdup(mb_oci_digest_format(&p->top.digest, digest));
	mb_image_commit_clean(p->store);
	mb_image_download_sweep(p->store);
	r = mb_image_hold(p->store, &hold, err);
	if (r == 0)
		r = mb_image_fetch(p->store, &from, &p->plans.v[0], &p->request->report, err);
	if (r == 0)
		r = mb_image_commit_sync(p->store, err);
	return r == 0 ? name_it(p, ret, err) : r;
}

static int pull_from(struct mb_store *store, const struct mb_image_pull_request *request,
                     const char *mirror, struct mb_image_pulled *ret, struct mb_err *err)
{
	struct pulling p = {.store = store, .request = request};
	struct mb_image_pulled pulled = {0};
	int r = pull(&p, mirror, &pulled, err);

	pulling_done(&p);
	if (r == 0)
		*ret = pulled;
	else
		mb_image_pulled_done(&pulled);
	return r;
}

/* A mirror that fails at the manifest, or only at the last blob, is one that does not have the
 * image: the next place is asked for all of it.  What was fetched stays. */
static int pull_somewhere(struct mb_store *store, const struct mb_image_pull_request *request,
                          struct mb_image_pulled *ret, struct mb_err *err)
{
	const struct mb_registry_host *host =
		mb_registry_settings_find(request->settings, request->ref->domain);

	if (host)
		MB_STRV_FOREACH (mirror, &host->mirrors) {
			struct mb_err own = MB_ERR_INIT;

			if (pull_from(store, request, mirror, ret, &own) == 0)
				return 0;
			mb_debug("mirror '%s': %s", mirror, own.msg);
			if (mb_sys_interrupt_check(err) < 0)
				return -EINTR;
		}
	return pull_from(store, request, NULL, ret, err);
}

int mb_image_pull(struct mb_store *store, const struct mb_image_pull_request *request,
                  struct mb_image_pulled *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *name = NULL;
	int r = pull_somewhere(store, request, ret, err);

	if (r == 0)
		return 0;
	name = mb_oci_ref_format(request->ref, MB_OCI_REF_FAMILIAR);
	return mb_wrap(err, r, "cannot pull '%.300s'", name);
}

void mb_image_pulled_done(struct mb_image_pulled *pulled)
{
	free(pulled->name);
	free(pulled->digest);
	*pulled = (struct mb_image_pulled){0};
}
