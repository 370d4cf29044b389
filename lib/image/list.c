/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "image/image.h"
#include "image/record.h"
#include "image/refs.h"
#include "store/store.h"

static void row_done(struct mb_image_row *row)
{
	free(row->id);
	mb_strv_done(&row->names);
	mb_strv_done(&row->digests);
	mb_kv_done(&row->labels);
	free(row->architecture);
	free(row->os);
}

void mb_image_list_done(struct mb_image_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		row_done(&list->v[i]);
	free(list->v);
	*list = (struct mb_image_list){0};
}

static void take_row(struct mb_image *image, struct mb_image_row *row)
{
	*row = (struct mb_image_row){
		.id = mb_take_ptr(&image->id),
		.created = image->created,
		.size = image->size,
		.n_layers = image->layers.n,
		.labels = image->config.labels,
		.architecture = mb_take_ptr(&image->architecture),
		.os = mb_take_ptr(&image->os),
	};
	image->config.labels = MB_KV_INIT;
}

static int add_records(DIR *dir, struct mb_image_list *list)
{
	struct dirent *entry;
	size_t cap = 0;

	while ((entry = readdir(dir))) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;
		char id[MB_IMAGE_ID_TEXT];
		int r;

		if (!mb_image_record_name_parse(entry->d_name, id))
			continue;
		r = mb_image_record_load(dirfd(dir), id, &image, NULL);
		if (r != 0) {
			list->n_corrupt += r < 0;
			continue;
		}
		if (list->n == cap) {
			cap = cap ? 2 * cap : 32;
			list->v = mb_realloc(list->v, cap * sizeof(*list->v));
		}
		take_row(image, &list->v[list->n++]);
	}
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct mb_image_row *x = a, *y = b;

	if (x->created != y->created)
		return x->created > y->created ? -1 : 1;
	return strcmp(x->id, y->id);
}

static int by_id(const void *a, const void *b)
{
	const struct mb_image_row *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

static void add_names(struct mb_image_list *list, const struct mb_image_refs *refs)
{
	MB_AUTO_FREE struct mb_image_row **rows =
		mb_calloc(list->n + 1, sizeof(struct mb_image_row *));

	for (size_t i = 0; i < list->n; i++)
		rows[i] = &list->v[i];
	qsort(rows, list->n, sizeof(struct mb_image_row *), by_id);
	/* refs are sorted by name, so each row's names come out sorted. */
	for (size_t i = 0; i < refs->n; i++) {
		const struct mb_image_ref *ref = &refs->v[i];
		struct mb_image_row key = {.id = ref->id}, *wanted = &key, **row;

		row = bsearch(&wanted, rows, list->n, sizeof(struct mb_image_row *), by_id);
		if (!row)
			continue;
		mb_strv_take(&(*row)->names, mb_image_ref_familiar(ref->name));
		mb_strv_add(&(*row)->digests, ref->digest ? ref->digest : "");
	}
}

int mb_image_list_load(struct mb_store *store, struct mb_image_list *ret, struct mb_err *err)
{
	MB_AUTO_IMAGE_REFS struct mb_image_refs refs = {0};
	struct mb_image_list list = {0};
	MB_AUTO_CLOSE int fd = -1;
	DIR *dir;
	int r = mb_store_dir(store, "images", false, &fd, err);

	if (r == 0)
		r = mb_image_refs_load(store, &refs, err);
	dir = r == 0 ? mb_dir_take(mb_take_fd(&fd)) : NULL;
	if (!dir)
		return r < 0 ? r : mb_fail_sys(err, errno, "cannot read 'images'");
	add_records(dir, &list);
	closedir(dir);
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), newest_first);
	add_names(&list, &refs);
	*ret = list;
	return 0;
}
