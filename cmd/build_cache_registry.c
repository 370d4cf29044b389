/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Caches from registries: an image, or a list of those of all stages, which has one name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build/claim.h"
#include "build/exchange.h"
#include "cmd/build_cache.h"
#include "cmd/context.h"
#include "cmd/manifest.h"
#include "cmd/pull.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "image/refs.h"
#include "oci/image_spec.h"

struct taking {
	struct mb_cmd_context *cx;
	struct mb_store *store;
	const char *origin;
};

int mb_cmd_build_cache_open(struct mb_cmd_context *cx, const char *ref,
                            struct mb_cmd_manifest_place *ret, struct mb_err *err)
{
	int r = mb_cmd_manifest_place_open(cx, ref, ret, err);

	return r < 0 ? r : mb_cmd_registry_find_login(&ret->reg, ret->ref.domain, err);
}

char *mb_cmd_build_cache_name(const struct mb_cmd_manifest_place *place, const char *digest)
{
	MB_AUTO_FREE char *name = mb_oci_ref_format_name(&place->ref, MB_OCI_REF_CANONICAL);

	return mb_asprintf("%s@%s", name, digest);
}

/* Return: 0; MB_IMAGE_ABSENT: once more; -errno, told. */
static int try_one(const struct taking *t, const char *ref, size_t *ret_n, struct mb_err *err)
{
	char id[MB_IMAGE_ID_TEXT] = "";
	MB_AUTO_FREE char *name = NULL;
	struct mb_build_claims claims = {0};
	int r = mb_cmd_pull_image(
		t->cx,
		&(struct mb_cmd_pull_request){
			.name = ref, .beside = true, .quiet = true, .nameless = true, .ret_id = id},
		err);

	if (r != 0)
		return r > 0 ? -ENOENT : r;
	name = mb_asprintf("sha256:%s", id);
	/* Who was done with it may have removed it just now; from here on it stays. */
	r = mb_build_claim_take(t->store, id, &claims, err);
	if (r == 0)
		r = mb_build_exchange_take(t->store, name, t->origin, ret_n, err);
	/* The layers of its steps stay. */
	mb_build_claims_release(t->store, &claims);
	return r;
}

static int take_one(const struct taking *t, const char *ref, size_t *ret_n, struct mb_err *err)
{
	int r = MB_IMAGE_ABSENT;

	for (int i = 0; i < MB_CMD_BUILD_CACHE_TRIES && r == MB_IMAGE_ABSENT; i++)
		r = try_one(t, ref, ret_n, err);
	return r > 0 ? -ENOENT : r;
}

/* What the list at @ref is of; nothing if it is no list of a cache, or cannot be had.  Return: 0;
 * -E2BIG, told. */
static int find_members(struct mb_cmd_context *cx, const char *ref, struct mb_strv *out,
                        struct mb_err *err)
{
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0};
	MB_AUTO_IMAGE_MANIFEST struct mb_image_manifest found = {0};
	struct mb_image_manifest_request request;
	struct mb_oci_index index = {0};
	int r = 0;

	if (mb_cmd_build_cache_open(cx, ref, &place, NULL) < 0)
		return 0;
	request = mb_cmd_manifest_request(&place, false);
	if (mb_image_manifest_ask(&place.ref, &request, &found, NULL) != MB_IMAGE_IS_LIST ||
	    mb_oci_index_load(found.text, strlen(found.text), &index, NULL) < 0)
		return 0;
	if (mb_kv_find(&index.annotations, MB_CMD_BUILD_CACHE_MARK)) {
		if (index.n_manifests > MB_CMD_BUILD_CACHE_STAGES)
			r = mb_fail(err, E2BIG, "it has more than %d stages",
			            MB_CMD_BUILD_CACHE_STAGES);
		for (size_t i = 0; i < index.n_manifests && r == 0; i++)
			mb_strv_take(out, mb_cmd_build_cache_name(&place,
			                                          index.manifests[i].digest_text));
	}
	mb_oci_index_done(&index);
	return r;
}

int mb_cmd_build_cache_pull(struct mb_cmd_context *cx, struct mb_store *store, const char *ref,
                            const char *origin, struct mb_err *err)
{
	const struct taking t = {cx, store, origin};
	MB_AUTO_STRV struct mb_strv members = MB_STRV_INIT;
	int failed = 0, r = find_members(cx, ref, &members, err);
	size_t sum = 0;

	if (r < 0)
		return r;
	if (!members.n)
		mb_strv_add(&members, ref);
	/* One that cannot be had takes nothing from the others. */
	MB_STRV_FOREACH (member, &members) {
		size_t n = 0;

		r = take_one(&t, member, &n, failed ? NULL : err);
		if (r == -EINTR)
			return r;
		failed = failed ? failed : r;
		sum += n;
	}
	if (sum)
		return 0;
	return failed ? failed : mb_fail(err, ENOENT, "there are no steps in it");
}
