/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Caches for registries: an image, or a list of those of all stages. */
#include <errno.h>
#include <stdlib.h>

#include "cmd/build_cache.h"
#include "cmd/build_output.h"
#include "cmd/context.h"
#include "cmd/manifest.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "image/refs.h"

int mb_cmd_build_cache_push(struct mb_cmd_context *cx, const char *ref, const char *id,
                            struct mb_err *err)
{
	MB_AUTO_FREE char *name = NULL;
	struct mb_image_pushed pushed = {0};
	int r = mb_image_ref_canonical(ref, &name, err);

	if (r == 0)
		r = mb_cmd_build_push_one(cx, name, id, NULL, &pushed, err);
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
		name = mb_cmd_build_cache_name(place, pushed.digest);
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
		return mb_cmd_build_cache_push(cx, ref, mb_skip_prefix(ids->v[0], "sha256:"), err);
	if (ids->n > MB_CMD_BUILD_CACHE_STAGES)
		return mb_fail(err, E2BIG, "a cache in a registry has %d stages at most",
		               MB_CMD_BUILD_CACHE_STAGES);
	if (r == 0)
		r = mb_cmd_build_cache_open(cx, ref, &place, err);
	/* The target first: whoever takes one alone takes that. */
	for (size_t i = ids->n; i-- > 0 && r == 0;)
		r = push_member(store, &place, ids->v[i], &list, err);
	if (r < 0)
		return r;
	list.name = mb_strdup(place.name);
	mb_kv_set(&list.annotations, MB_CMD_BUILD_CACHE_MARK, "steps");
	request = mb_cmd_manifest_request(&place, false);
	return mb_image_manifests_push(store, &list, &request, disregard, NULL, digest, err);
}
