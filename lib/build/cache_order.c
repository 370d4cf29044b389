/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In which order what builds have kept goes, when only some of it is to. */
#include <stdlib.h>
#include <string.h>

#include "build/cache.h"
#include "core/own.h"

/* A layer, and when a step that has it was used. */
struct use {
	const char *layer;
	int64_t used;
};

static int by_layer(const void *a, const void *b)
{
	const struct use *left = a, *right = b;
	int order = strcmp(left->layer, right->layer);

	return order ? order : (left->used < right->used) - (left->used > right->used);
}

static int find_layer(const void *layer, const void *use)
{
	return strcmp(layer, ((const struct use *)use)->layer);
}

static int oldest_first(const void *a, const void *b)
{
	const struct mb_build_cache_row *left = a, *right = b;

	if (left->needed != right->needed)
		return left->needed < right->needed ? -1 : 1;
	if (left->layers.n != right->layers.n)
		return left->layers.n > right->layers.n ? -1 : 1;
	return strcmp(left->id, right->id);
}

void mb_build_cache_sort(struct mb_build_cache *cache)
{
	struct use *uses;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < cache->n; i++)
		n += cache->v[i].layers.n;
	uses = mb_calloc(n + 1, sizeof(*uses));
	for (size_t i = 0; i < cache->n; i++)
		MB_STRV_FOREACH (layer, &cache->v[i].layers)
			uses[at++] = (struct use){layer, cache->v[i].used};
	qsort(uses, n, sizeof(*uses), by_layer);
	for (size_t i = 0; i < cache->n; i++) {
		struct mb_build_cache_row *row = &cache->v[i];
		const struct use *use = NULL;

		if (row->layers.n)
			use = bsearch(row->layers.v[row->layers.n - 1], uses, n, sizeof(*uses),
			              find_layer);
		while (use && use > uses && strcmp(use[-1].layer, use->layer) == 0)
			use--;
		row->needed = use ? use->used : row->used;
	}
	free(uses);
	if (cache->n)
		qsort(cache->v, cache->n, sizeof(*cache->v), oldest_first);
}
