/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "build/job.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/commit.h"
#include "image/keep.h"
#include "image/layer.h"
#include "store/store.h"
#include "json/json.h"

static const char mark[] = "mybox build ";

enum { ORIGINS_MAX = 16 };

/* --- out -------------------------------------------------------------------------------------- */

void mb_build_exchange_note(struct mb_build_state *state)
{
	struct mb_oci_image_config *config = &state->config;
	size_t layer = state->keys.n;

	/* From the last: what is below may have layers that nobody wrote of. */
	for (size_t i = config->n_history; i-- > 0 && layer > 0;) {
		if (config->history[i].empty_layer)
			continue;
		if (*state->keys.v[--layer]) {
			free(config->history[i].comment);
			config->history[i].comment =
				mb_asprintf("%s%s", mark, state->keys.v[layer]);
		}
	}
}

static void finish_times(struct mb_oci_image_config *config, int64_t newest)
{
	config->created = newest;
	for (size_t i = 0; i < config->n_history; i++)
		if (!config->history[i].created)
			config->history[i].created = newest;
}

static void find_id(const struct mb_oci_image_config *config, char ret[MB_IMAGE_ID_TEXT])
{
	MB_AUTO(mb_json_free) struct json_object *tree = mb_oci_image_config_save(config);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_json_format(tree, false, &text);
	mb_sha256_text(mb_str_text(&text), text.len, ret);
}

int mb_build_exchange_make(struct mb_store *store, const struct mb_oci_image_config *config,
                           uint64_t bytes, struct mb_build_claims *claims,
                           char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err)
{
	int r;

	find_id(config, ret_id);
	r = mb_build_claim_take(store, ret_id, claims, err);
	return r < 0 ? r : mb_image_commit_passing(store, config, bytes, ret_id, err);
}

/* Does it have a step that somebody could take? */
static bool has_steps(const struct mb_build_state *state)
{
	MB_STRV_FOREACH (key, &state->keys)
		if (*key)
			return true;
	return false;
}

static int give_stage(struct mb_build *b, size_t i, struct mb_build_result *ret, struct mb_err *err)
{
	struct mb_build_state state = {0};
	char id[MB_IMAGE_ID_TEXT];
	int r;

	if (!has_steps(&b->stages[i].state))
		return 0;
	r = mb_build_state_copy(&b->stages[i].state, &state, err);
	if (r == 0) {
		mb_build_exchange_note(&state);
		finish_times(&state.config, state.newest);
		r = mb_build_exchange_make(b->store, &state.config, state.bytes, &ret->claims, id,
		                           err);
	}
	if (r == 0)
		mb_strv_addf(&ret->cache_ids, "sha256:%s", id);
	if (r == 0 && i == b->target)
		memcpy(ret->cache_target, id, sizeof(id));
	mb_build_state_done(&state);
	return r;
}

int mb_build_exchange_give(struct mb_build *b, struct mb_build_result *ret, struct mb_err *err)
{
	enum mb_build_give give = b->request->give;
	int r = 0;

	for (size_t i = 0; i < b->n_stages && r == 0 && give != MB_BUILD_GIVE_NOTHING; i++)
		if (b->stages[i].is_made && (give == MB_BUILD_GIVE_ALL || i == b->target))
			r = give_stage(b, i, ret, err);
	return r;
}

/* --- in --------------------------------------------------------------------------------------- */

struct taking {
	struct mb_store *store;
	const struct mb_image *image;
	const struct mb_build_state *state;
	const char *origin;
	int layers_fd;
};

/* Other caches that say the same; builds that name those may be under way. */
static void join_origins(const struct mb_image_kept *before, struct mb_image_kept *kept)
{
	if (before->layers.n != kept->layers.n)
		return;
	for (size_t i = 0; i < kept->layers.n; i++)
		if (strcmp(before->layers.v[i], kept->layers.v[i]) != 0)
			return;
	if (strcmp(before->origin, kept->origin) != 0)
		mb_strv_add(&kept->also, before->origin);
	for (size_t i = 0; i < before->also.n && kept->also.n < ORIGINS_MAX; i++)
		if (strcmp(before->also.v[i], kept->origin) != 0)
			mb_strv_add(&kept->also, before->also.v[i]);
}

/* Others may say anything of a step: nothing of what was made here. */
static int keep_step(struct mb_store *store, struct mb_image_kept *kept, struct mb_err *err)
{
	MB_AUTO_IMAGE_KEPT struct mb_image_kept before = {0};
	int r = mb_image_keep_find(store, kept->key, &before, err);

	if (r < 0 || (r == 0 && !before.origin))
		return r;
	if (r == 0)
		join_origins(&before, kept);
	return mb_image_keep_set(store, kept, err);
}

static int take_step(const struct taking *t, const struct mb_oci_history *step, size_t layer,
                     struct mb_err *err)
{
	const char *diff_id = mb_skip_prefix(t->state->config.diff_ids.v[layer], "sha256:");
	int64_t now = mb_now_nsec();
	struct mb_image_kept kept = {
		.key = step->comment + strlen(mark),
		.what = step->created_by ? step->created_by : (char[]){""},
		.diff_id = (char *)(uintptr_t)diff_id,
		.origin = (char *)(uintptr_t)t->origin,
		.created = step->created > now ? now : step->created,
		.used = now,
		.bytes = mb_image_layer_size(t->layers_fd, t->image->layers.v[layer]),
	};
	int r;

	if (!diff_id)
		return 0;
	for (size_t i = 0; i <= layer; i++)
		mb_strv_add(&kept.layers, t->image->layers.v[i]);
	r = keep_step(t->store, &kept, err);
	mb_strv_done(&kept.layers);
	mb_strv_done(&kept.also);
	return r;
}

static int take_steps(const struct taking *t, size_t *ret_n, struct mb_err *err)
{
	const struct mb_oci_image_config *config = &t->state->config;
	size_t layer = t->image->layers.n;
	int r = 0;

	for (size_t i = config->n_history; i-- > 0 && layer > 0 && r == 0;) {
		const struct mb_oci_history *step = &config->history[i];

		if (step->empty_layer)
			continue;
		layer--;
		if (!step->comment || !mb_starts_with(step->comment, mark) ||
		    !mb_hex_is_valid(step->comment + strlen(mark), 64))
			continue;
		r = take_step(t, step, layer, err);
		*ret_n += r == 0;
	}
	return r;
}

int mb_build_exchange_take(struct mb_store *store, const char *id, const char *origin,
                           size_t *ret_n, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL, *again = NULL;
	MB_AUTO_CLOSE int hold = -1, lock = -1, layers = -1;
	struct mb_build_state state = {0};
	struct taking t = {.store = store, .state = &state, .origin = origin};
	int r = mb_image_hold(store, &hold, err);

	*ret_n = 0;
	/* What a step's document says now is still so when it is written. */
	if (r == 0)
		r = mb_image_keep_lock(store, &lock, err);
	if (r == 0)
		r = mb_image_find(store, id, &image, NULL, err);
	if (r == 0)
		r = mb_build_state_from_image(store, image, &state, err);
	if (r == 0)
		r = mb_store_dir(store, "layers", false, &layers, err);
	t.image = image;
	t.layers_fd = layers;
	if (r == 0)
		r = take_steps(&t, ret_n, err);
	mb_build_state_done(&state);
	/* The same, a moment later. */
	if (r < 0 && image && mb_image_find(store, id, &again, NULL, NULL) == MB_IMAGE_ABSENT)
		r = MB_IMAGE_ABSENT;
	return r;
}
