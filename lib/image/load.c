/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/str.h"
#include "image/commit.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/plan.h"
#include "image/record.h"
#include "image/refs.h"
#include "image/source.h"
#include "image/stack.h"
#include "oci/digest.h"
#include "store/store.h"

struct loading {
	struct mb_store *store;
	const struct mb_image_plan *plan;
	const struct mb_image_report *report;
	uint64_t max_layer;
	uint64_t before,
		all; /* bytes of all layers of all images: those before this one's, and all */
	size_t index, count; /* of all layers of all images: those before this one's, and all */
	bool finished[MB_IMAGE_MAX_LAYERS]; /* reported as such */
};

static size_t count_layers(const struct mb_image_plans *plans)
{
	size_t n = 0;

	for (size_t i = 0; i < plans->n; i++)
		n += plans->v[i].n_layers;
	return n;
}

static void find_source(void *arg, size_t index, struct mb_image_layer_job *job)
{
	const struct loading *l = arg;
	const struct mb_image_plan_layer *from = &l->plan->layers[index];

	job->from = from->from;
	job->from.bound.limit = l->max_layer;
	job->blob = from->blob.alg ? &from->blob : NULL;
}

/* A registry that has the very blob need not be sent another one. */
static void keep_blob(void *arg, size_t index, const struct mb_image_layer *layer)
{
	const struct loading *l = arg;
	const struct mb_image_plan_layer *from = &l->plan->layers[index];
	char nowhere[] = "", digest[MB_OCI_DIGEST_TEXT];
	const struct mb_image_layer_blob blob = {
		.digest = digest,
		.media_type = from->media_type,
		.registry = nowhere,
		.repository = nowhere,
		.size = (int64_t)from->from.size,
	};

	if (layer->cached || !from->media_type)
		return;
	mb_oci_digest_format(&from->blob, digest);
	mb_image_layer_blob_save(l->store, layer->chain, &blob);
}

static uint64_t count_bytes(const struct mb_image_plan *plan)
{
	uint64_t n = 0;

	for (size_t i = 0; i < plan->n_layers; i++)
		n += plan->layers[i].from.size;
	return n;
}

static uint64_t count_done(const struct loading *l, const struct mb_image_stack *stack)
{
	uint64_t n = l->before;

	for (size_t i = 0; i < l->plan->n_layers; i++)
		n += mb_image_stack_state(stack, i) == MB_IMAGE_LANE_DONE
		             ? l->plan->layers[i].from.size
		             : mb_image_stack_done(stack, i);
	return n;
}

static int report(void *arg, const struct mb_image_stack *stack, struct mb_err *err)
{
	struct loading *l = arg;
	uint64_t done = count_done(l, stack);

	(void)err;
	for (size_t i = 0; l->report->progress && i < l->plan->n_layers; i++) {
		enum mb_image_lane_state state = mb_image_stack_state(stack, i);
		char digits[13];
		const struct mb_image_progress progress = {
			.layer = digits,
			.index = l->index + i,
			.count = l->count,
			.done = mb_image_stack_done(stack, i),
			.total = l->plan->layers[i].from.size,
			.all_done = done,
			.all_total = l->all,
			.finished = state == MB_IMAGE_LANE_DONE,
			.cached = state == MB_IMAGE_LANE_DONE && mb_image_stack_was_there(stack, i),
		};

		if (l->finished[i] || state == MB_IMAGE_LANE_WAITS)
			continue;
		snprintf(digits, sizeof(digits), "%.12s", l->plan->image->diff_ids.v[i]);
		l->report->progress(l->report->arg, &progress);
		l->finished[i] = progress.finished;
	}
	return 0;
}

static int unpack_all(struct mb_store *store, struct mb_image_plans *plans,
                      const struct mb_image_load_request *request, struct mb_err *err)
{
	size_t index = 0, count = count_layers(plans);
	uint64_t before = 0, all = 0;
	int r = 0;

	for (size_t i = 0; i < plans->n; i++)
		all += count_bytes(&plans->v[i]);
	for (size_t i = 0; r == 0 && i < plans->n; i++) {
		struct loading loading = {.store = store,
		                          .plan = &plans->v[i],
		                          .report = &request->report,
		                          .max_layer = request->max_layer,
		                          .before = before,
		                          .all = all,
		                          .index = index,
		                          .count = count};
		const struct mb_image_stack_job job = {
			.image = plans->v[i].image,
			.source = find_source,
			.made = keep_blob,
			.tick = report,
			.arg = &loading,
		};

		r = mb_image_stack_make(store, &job, err);
		index += plans->v[i].n_layers;
		before += count_bytes(&plans->v[i]);
	}
	return r;
}

static struct mb_image_loaded_row *append(struct mb_image_loaded *loaded, const char *id)
{
	if ((loaded->n & (loaded->n - 1)) == 0)
		loaded->v =
			mb_realloc(loaded->v, (loaded->n ? 2 * loaded->n : 1) * sizeof(*loaded->v));
	loaded->v[loaded->n] = (struct mb_image_loaded_row){.id = mb_strdup(id)};
	return &loaded->v[loaded->n++];
}

static int name_images(struct mb_store *store, struct mb_image_plans *plans,
                       struct mb_image_loaded *loaded, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_image_refs_lock(store, &lock, err);

	for (size_t i = 0; r == 0 && i < plans->n; i++)
		r = mb_image_commit(store, plans->v[i].image, &plans->v[i].config, err);
	for (size_t i = 0; r == 0 && i < plans->n; i++) {
		const struct mb_image_plan *plan = &plans->v[i];

		if (!plan->names.n)
			append(loaded, plan->image->id);
		MB_STRV_FOREACH (name, &plan->names) {
			struct mb_image_loaded_row *row = append(loaded, plan->image->id);
			char old[MB_IMAGE_ID_TEXT];

			row->name = mb_image_ref_familiar(name);
			if (mb_image_ref_find(store, name, old, NULL) == 0 &&
			    strcmp(old, plan->image->id) != 0)
				row->replaced = mb_strdup(old);
			r = mb_image_ref_set(store, name, plan->image->id, NULL, err);
			if (r < 0)
				break;
		}
	}
	return r;
}

static int load_plans(struct mb_store *store, struct mb_image_plans *plans,
                      const struct mb_image_load_request *request, struct mb_image_loaded *loaded,
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int hold = -1;
	int r;

	mb_image_commit_clean(store);
	r = mb_image_hold(store, &hold, err);
	if (r == 0)
		r = unpack_all(store, plans, request, err);
	if (r == 0)
		r = mb_image_commit_sync(store, err);
	if (r == 0)
		r = name_images(store, plans, loaded, err);
	return r;
}

int mb_image_load(struct mb_store *store, const struct mb_image_load_request *request,
                  struct mb_image_loaded *ret, struct mb_err *err)
{
	MB_AUTO_IMAGE_SOURCE struct mb_image_source source = {.fd = -1};
	struct mb_image_loaded loaded = {0};
	struct mb_image_plans plans = {0};
	int r = mb_image_source_open(store, request->fd, request->max_layer > 0, &source, err);

	source.pick = request->pick;
	if (r == 0)
		r = mb_image_plans_load(&source, &plans, err);
	for (size_t i = 0; r == 0 && request->nameless && i < plans.n; i++) {
		mb_strv_done(&plans.v[i].names);
		plans.v[i].image->passes = true;
	}
	if (r == 0)
		r = load_plans(store, &plans, request, &loaded, err);
	mb_image_plans_done(&plans);
	if (r < 0) {
		mb_image_loaded_done(&loaded);
		return mb_wrap(err, r, "cannot load '%s'", request->source);
	}
	*ret = loaded;
	return 0;
}

void mb_image_loaded_done(struct mb_image_loaded *loaded)
{
	for (size_t i = 0; i < loaded->n; i++) {
		free(loaded->v[i].id);
		free(loaded->v[i].name);
		free(loaded->v[i].replaced);
	}
	free(loaded->v);
	*loaded = (struct mb_image_loaded){0};
}
