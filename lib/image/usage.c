/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "image/layer.h"
#include "store/store.h"

/* The sizes of the sorted @layers, one that is there several times once. */
static uint64_t add_up(int layers_fd, const struct mb_strv *layers)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < layers->n; i++)
		if (i == 0 || !mb_streq(layers->v[i], layers->v[i - 1]))
			bytes += mb_image_layer_size(layers_fd, layers->v[i]);
	return bytes;
}

static int add_layers(struct mb_store *store, const char *id, struct mb_strv *out,
                      struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	int r = mb_image_open(store, id, &image, err);

	if (r == 0)
		mb_strv_add_all(out, &image->layers);
	return r < 0 ? r : 0; /* or it went meanwhile */
}

static bool is_listed(const struct mb_image_list *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (mb_streq(list->v[i].id, id))
			return true;
	return false;
}

int mb_image_usage(struct mb_store *store, const struct mb_strv *ids, struct mb_image_usage *ret,
                   struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT, kept = MB_STRV_INIT;
	struct mb_image_list images = {0};
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_store_dir(store, "layers", false, &fd, err);

	*ret = (struct mb_image_usage){0};
	if (r == 0)
		r = mb_image_list_load(store, &images, err);
	ret->images = images.n;
	ret->corrupt = images.n_corrupt;
	for (size_t i = 0; r == 0 && i < images.n; i++)
		r = add_layers(store, images.v[i].id, &all, err);
	for (size_t i = 0; r == 0 && i < ids->n; i++) {
		const char *hex = mb_skip_prefix(ids->v[i], "sha256:");

		hex = hex ? hex : ids->v[i];
		if (!is_listed(&images, hex))
			continue;
		ret->used++;
		r = add_layers(store, hex, &kept, err);
	}
	mb_image_list_done(&images);
	if (r < 0)
		return r;
	mb_strv_sort(&all);
	mb_strv_sort(&kept);
	ret->bytes = add_up(fd, &all);
	ret->kept = add_up(fd, &kept);
	return 0;
}

int mb_image_layer_sizes(struct mb_store *store, const struct mb_image *image, uint64_t *ret,
                         struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_store_dir(store, "layers", false, &fd, err);

	for (size_t i = 0; r == 0 && i < image->layers.n; i++)
		ret[i] = mb_image_layer_size(fd, image->layers.v[i]);
	return r;
}

/* Is it in the sorted @all more than once? */
static bool is_shared(const struct mb_strv *all, const char *chain)
{
	size_t from = 0, to = all->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (strcmp(all->v[middle], chain) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from + 1 < all->n && mb_streq(all->v[from + 1], chain);
}

int mb_image_shares(struct mb_store *store, const struct mb_image_list *list,
                    struct mb_image_share **ret, struct mb_err *err)
{
	MB_AUTO_FREE struct mb_image_share *shares = mb_calloc(list->n + 1, sizeof(*shares));
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_store_dir(store, "layers", false, &fd, err);

	/* What builds keep is no image's. */
	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = add_layers(store, list->v[i].id, &all, err);
	mb_strv_sort(&all);
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		MB_AUTO_STRV struct mb_strv layers = MB_STRV_INIT;

		r = add_layers(store, list->v[i].id, &layers, err);
		MB_STRV_FOREACH (chain, &layers)
			*(is_shared(&all, chain) ? &shares[i].shared : &shares[i].unique) +=
				mb_image_layer_size(fd, chain);
	}
	if (r == 0)
		*ret = mb_take_ptr(&shares);
	return r;
}
