/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "image/layer.h"
#include "oci/image_spec.h"
#include "store/store.h"

static struct mb_image_step *add(struct mb_image_history *history)
{
	struct mb_image_step *step = &history->v[history->n++];

	*step = (struct mb_image_step){.created_by = mb_strdup(""), .comment = mb_strdup("")};
	return step;
}

static void reverse(struct mb_image_history *history)
{
	for (size_t i = 0; i < history->n / 2; i++) {
		struct mb_image_step other = history->v[i];

		history->v[i] = history->v[history->n - 1 - i];
		history->v[history->n - 1 - i] = other;
	}
}

/* Oldest first, as it is written down. */
static void fill(struct mb_image_history *history, const struct mb_image *image,
                 const struct mb_oci_image_config *config, int layers_fd)
{
	size_t layer = 0;

	history->v = mb_calloc(config->n_history + image->layers.n + 1, sizeof(*history->v));
	for (size_t i = 0; i < config->n_history; i++) {
		const struct mb_oci_history *from = &config->history[i];
		struct mb_image_step *step = add(history);

		mb_strset(&step->created_by, from->created_by ? from->created_by : "");
		mb_strset(&step->comment, from->comment ? from->comment : "");
		step->created = from->created;
		if (!from->empty_layer && layer < image->layers.n)
			step->size = mb_image_layer_size(layers_fd, image->layers.v[layer++]);
	}
	while (layer < image->layers.n)
		add(history)->size = mb_image_layer_size(layers_fd, image->layers.v[layer++]);
}

static int load_config(struct mb_store *store, const struct mb_image *image,
                       struct mb_oci_image_config *ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_image_config_read(store, image->id, &text, err);

	return r < 0 ? r : mb_oci_image_config_load(mb_str_text(&text), text.len, ret, err);
}

int mb_image_history_load(struct mb_store *store, const struct mb_image *image,
                          struct mb_image_history *ret, struct mb_err *err)
{
	struct mb_oci_image_config config = {0};
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_store_dir(store, "layers", false, &fd, err);

	*ret = (struct mb_image_history){0};
	if (r == 0)
		r = load_config(store, image, &config, err);
	if (r < 0)
		return r;
	fill(ret, image, &config, fd);
	mb_oci_image_config_done(&config);
	reverse(ret);
	if (ret->n)
		ret->v[0].id = mb_strdup(image->id);
	return 0;
}

void mb_image_history_done(struct mb_image_history *history)
{
	for (size_t i = 0; i < history->n; i++) {
		free(history->v[i].id);
		free(history->v[i].created_by);
		free(history->v[i].comment);
	}
	free(history->v);
	*history = (struct mb_image_history){0};
}

/* A step for each layer, and those without one. */
static bool is_told(const struct mb_oci_image_config *config, const struct mb_image *image)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_history; i++)
		n += !config->history[i].empty_layer;
	return n == image->layers.n;
}

static bool is_same_step(const struct mb_oci_history *a, const struct mb_oci_history *b)
{
	return a->empty_layer == b->empty_layer && a->created == b->created &&
	       mb_streq(a->created_by, b->created_by) && mb_streq(a->comment, b->comment);
}

/* Siblings on one base may have all of its layers, and begin with its steps alone. */
static bool goes_on(const struct mb_oci_image_config *config,
                    const struct mb_oci_image_config *base)
{
	if (base->n_history >= config->n_history)
		return false;
	for (size_t i = 0; i < base->n_history; i++)
		if (!is_same_step(&config->history[i], &base->history[i]))
			return false;
	return true;
}

bool mb_image_is_built_on(struct mb_store *store, const struct mb_image *image,
                          const struct mb_image *base)
{
	struct mb_oci_image_config config = {0}, below = {0};
	const size_t n = base->layers.n;
	bool yes = n && n <= image->layers.n &&
	           mb_streq(base->layers.v[n - 1], image->layers.v[n - 1]) &&
	           load_config(store, image, &config, NULL) == 0 &&
	           load_config(store, base, &below, NULL) == 0;

	if (yes)
		yes = is_told(&config, image) && is_told(&below, base) ? goes_on(&config, &below)
		                                                       : n < image->layers.n;
	mb_oci_image_config_done(&config);
	mb_oci_image_config_done(&below);
	return yes;
}
