/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Caches in registries: an image, or a list of those of all stages, which has one name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build/claim.h"
#include "build/exchange.h"
#include "cmd/build_cache.h"
#include "cmd/build_output.h"
#include "cmd/context.h"
#include "cmd/manifest.h"
#include "cmd/pull.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "image/refs.h"
#include "oci/image_spec.h"

static int open_place(struct mb_cmd_context *cx, const char *ref, struct mb_cmd_manifest_place *ret,
                      struct mb_err *err)
{
	int r = mb_cmd_manifest_place_open(cx, ref, ret, err);

	return r < 0 ? r : mb_cmd_registry_find_login(&ret->reg, ret->ref.domain, err);
}

static char *name_of(const struct mb_cmd_manifest_place *place, const char *digest)
{
	MB_AUTO_FREE char *name = mb_oci_ref_format_name(&place->ref, MB_OCI_REF_CANONICAL);

	return mb_asprintf("%s@%s", name, digest);
}

/* --- in --------------------------------------------------------------------------------------- */

/* Return: 0; MB_IMAGE_ABSENT: once more; -errno, told. */
static int try_one(struct mb_cmd_context *cx, struct mb_store *store, const char *ref,
                   const char *origin, struct mb_err *err)
{
	char id[MB_IMAGE_ID_TEXT] = "";
	MB_AUTO_FREE char *name = NULL;
	struct mb_build_claims claims = {0};
	size_t n;
	int r = mb_cmd_pull_image(
		cx,
		&(struct mb_cmd_pull_request){
			.name = ref, .beside = true, .quiet = true, .nameless = true, .ret_id = id},
		err);

	if (r != 0)
		return r > 0 ? -ENOENT : r;
	name = mb_asprintf("sha256:%s", id);
	/* Who was done with it may have removed it just now; from here on it stays. */
	r = mb_build_claim_take(store, id, &claims, err);
	if (r == 0)
		r = mb_build_exchange_take(store, name, origin, &n, err);
	if (r == 0 && n == 0)
		r = mb_fail(err, ENOENT, "there are no steps in it");
	/* The layers of its steps stay. */
	mb_build_claims_release(store, &claims);
	return r;
}

static int take_one(struct mb_cmd_context *cx, struct mb_store *store, const char *ref,
                    const char *origin, struct mb_err *err)
{
	int r = MB_IMAGE_ABSENT;

	for (int i = 0; i < MB_CMD_BUILD_CACHE_TRIES && r == MB_IMAGE_ABSENT; i++)
		r = try_one(cx, store, ref, origin, err);
	return r > 0 ? -ENOENT : r;
}

/* All for one platform: no choice among them is meant. */
static bool is_cache(const struct mb_oci_index *index)
{
	const struct mb_oci_platform *first = &index->manifests[0].platform;

	for (size_t i = 1; i < index->n_manifests; i++) {
		const struct mb_oci_platform *p = &index->manifests[i].platform;

		if (!mb_streq(p->os, first->os) ||
		    !mb_streq(p->architecture, first->architecture) ||
		    !(mb_streq(p->variant, first->variant) || (!p->variant && !first->variant)))
			return false;
	}
	return index->n_manifests > 1;
}

/* What the list at @ref is of; nothing if it is no list of a cache, or cannot be had. */
static void find_members(struct mb_cmd_context *cx, const char *ref, struct mb_strv *out)
{
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0};
	MB_AUTO_IMAGE_MANIFEST struct mb_image_manifest found = {0};
	struct mb_image_manifest_request request;
	struct mb_oci_index index = {0};

	if (open_place(cx, ref, &place, NULL) < 0)
		return;
	request = mb_cmd_manifest_request(&place, false);
	if (mb_image_manifest_ask(&place.ref, &request, &found, NULL) != MB_IMAGE_IS_LIST ||
	    mb_oci_index_load(found.text, strlen(found.text), &index, NULL) < 0)
		return;
	for (size_t i = 0; i < index.n_manifests && is_cache(&index); i++) {
		MB_AUTO_FREE char *name = name_of(&place, index.manifests[i].digest_text);

		mb_strv_add(out, name);
	}
	mb_oci_index_done(&index);
}

int mb_cmd_build_cache_pull(struct mb_cmd_context *cx, struct mb_store *store, const char *ref,
                            const char *origin, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv members = MB_STRV_INIT;
	int r = 0;

	find_members(cx, ref, &members);
	if (!members.n)
		return take_one(cx, store, ref, origin, err);
	for (size_t i = 0; i < members.n && r == 0; i++)
		r = take_one(cx, store, members.v[i], origin, err);
	return r;
}

/* --- out -------------------------------------------------------------------------------------- */

int mb_cmd_build_cache_push(struct mb_cmd_context *cx, const char *ref, const char *id,
                            struct mb_err *err)
{
	MB_AUTO_FREE char *name = NULL;
	struct mb_image_pushed pushed = {0};
	int r = mb_image_ref_canonical(ref, &name, err);

	if (r == 0)
		r = mb_cmd_build_push_one(cx, name, mb_skip_prefix(id, "sha256:"), NULL, &pushed,
		                          err);
	mb_image_pushed_done(&pushed);
	return r;
}

/* One more of @list, without a name of its own there. */
static int push_member(struct mb_store *store, const struct mb_cmd_manifest_place *place,
                       const char *id, struct mb_image_manifests *list, struct mb_err *err)
{
	const struct mb_image_manifest_request request = mb_cmd_manifest_request(place, false);
	const struct mb_image_push_request push = {.ref = &place->ref,
	                                           .id = mb_skip_prefix(id, "sha256:"),
	                                           .by_digest = true,
	                                           .settings = request.settings,
	                                           .login = request.login,
	                                           .agent = request.agent};
	MB_AUTO_IMAGE_MANIFEST struct mb_image_manifest member = {0};
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	MB_AUTO_FREE char *name = NULL;
	struct mb_image_pushed pushed = {0};
	int r = mb_image_push(store, &push, &pushed, err);

	if (r == 0) {
		name = name_of(place, pushed.digest);
		r = mb_oci_ref_parse(name, false, &ref, err);
	}
	if (r == 0)
		r = mb_image_manifest_ask(&ref, &request, &member, err);
	if (r == 0)
		mb_image_manifests_put(list, &member);
	mb_image_pushed_done(&pushed);
	return r > 0 ? -ENOENT : r;
}

static void disregard(void *arg, const char *name)
{
	(void)arg;
	(void)name;
}

int mb_cmd_build_cache_push_all(struct mb_cmd_context *cx, const char *ref,
                                const struct mb_strv *ids, struct mb_err *err)
{
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0};
	MB_AUTO_IMAGE_MANIFESTS struct mb_image_manifests list = {0};
	struct mb_image_manifest_request request;
	char digest[MB_OCI_DIGEST_TEXT];
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (ids->n == 1)
		return mb_cmd_build_cache_push(cx, ref, ids->v[0], err);
	if (r == 0)
		r = open_place(cx, ref, &place, err);
	/* The target first: whoever takes one alone takes that. */
	for (size_t i = ids->n; i-- > 0 && r == 0;)
		r = push_member(store, &place, ids->v[i], &list, err);
	if (r < 0)
		return r;
	list.name = mb_strdup(place.name);
	request = mb_cmd_manifest_request(&place, false);
	return mb_image_manifests_push(store, &list, &request, disregard, NULL, digest, err);
}
