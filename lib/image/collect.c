/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/collect.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "image/image.h"
#include "image/keep.h"
#include "image/layer.h"
#include "image/record.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/tree.h"

/* Names in a directory of ROOT, those with a dot in front left out. */
static int read_names(struct mb_store *store, const char *dir_name, struct mb_strv *out,
                      struct mb_err *err)
{
	struct dirent *entry;
	DIR *dir;
	int fd = -1, r = mb_store_dir(store, dir_name, false, &fd, err);

	if (r < 0)
		return r;
	dir = mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, errno, "cannot read '%s'", dir_name);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			mb_strv_add(out, entry->d_name);
	closedir(dir);
	mb_strv_sort(out);
	return 0;
}

/* What builds made stays for the next one. */
static int add_kept(struct mb_store *store, struct mb_strv *out, struct mb_err *err)
{
	struct mb_image_keeps keeps = {0};
	int r = mb_image_keeps_load(store, &keeps, err);

	for (size_t i = 0; i < keeps.n; i++)
		mb_strv_add_all(out, &keeps.v[i].layers);
	mb_image_keeps_done(&keeps);
	return r;
}

static int collect_imaged(struct mb_store *store, struct mb_strv *out, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = -1;
	int r = read_names(store, "images", &names, err);

	if (r == 0)
		r = mb_store_dir(store, "images", false, &fd, err);
	if (r < 0)
		return r;
	MB_STRV_FOREACH (name, &names) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;
		char id[MB_IMAGE_ID_TEXT];

		if (!mb_image_record_name_parse(name, id))
			continue;
		r = mb_image_record_load(fd, id, &image, err);
		if (r < 0)
			return r;
		if (r == 0)
			mb_strv_add_all(out, &image->layers);
	}
	return 0;
}

int mb_image_collect_used(struct mb_store *store, struct mb_strv *out, struct mb_err *err)
{
	int r = collect_imaged(store, out, err);

	if (r == 0)
		r = add_kept(store, out, err);
	mb_strv_sort(out);
	return r;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool mb_image_collect_has(const struct mb_strv *sv, const char *s)
{
	return sv->n && bsearch(&s, sv->v, sv->n, sizeof(*sv->v), by_text);
}

int mb_image_collect_layers(struct mb_store *store, const struct mb_strv *layers,
                            struct mb_strv *deleted, uint64_t *bytes, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv used = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_image_collect_used(store, &used, err);

	if (r == 0)
		r = mb_store_dir(store, "layers", false, &fd, err);
	for (size_t i = layers->n; r == 0 && i-- > 0;) {
		uint64_t size;

		if (mb_image_collect_has(&used, layers->v[i]))
			break; /* whoever has this one has all below */
		size = mb_image_layer_size(fd, layers->v[i]);
		r = mb_image_layer_remove(store, fd, layers->v[i], err);
		if (r == 0)
			*bytes += size;
		if (r == 0)
			mb_strv_addf(deleted, "sha256:%s", layers->v[i]);
	}
	return r;
}

static int collect_ingest(struct mb_store *store, struct mb_image_collected *ret,
                          struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = -1;
	int r = read_names(store, "ingest", &names, err);

	if (r == 0)
		r = mb_store_dir(store, "ingest", false, &fd, err);
	if (r == 0)
		r = mb_sys_tree_empty(fd, err);
	if (r == 0)
		ret->ingests = names.n;
	return r;
}

/* Configurations whose record never came. */
static int collect_configs(struct mb_store *store, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = -1;
	int r = read_names(store, "images", &names, err);

	if (r == 0)
		r = mb_store_dir(store, "images", false, &fd, err);
	if (r < 0)
		return r;
	MB_STRV_FOREACH (name, &names) {
		MB_AUTO_FREE char *record = NULL;

		if (!mb_ends_with(name, ".json"))
			continue;
		record = mb_asprintf("%.*s.record", (int)(strlen(name) - 5), name);
		if (!mb_strv_has(&names, record))
			unlinkat(fd, name, 0);
	}
	return 0;
}

int mb_image_collect(struct mb_store *store, struct mb_image_collected *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv used = MB_STRV_INIT, names = MB_STRV_INIT;
	MB_AUTO_CLOSE int lock = -1, fd = -1;
	struct mb_image_collected done = {0};
	int r = mb_store_lock(store, MB_RANK_IMAGE, "images", true, false, &lock, err);

	*ret = done;
	if (r == MB_STORE_BUSY)
		return 0;
	if (r == 0)
		r = mb_image_collect_used(store, &used, err);
	if (r == 0)
		r = read_names(store, "layers", &names, err);
	if (r == 0)
		r = mb_store_dir(store, "layers", false, &fd, err);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		uint64_t size;

		if (!mb_hex_is_valid(names.v[i], 64) || mb_image_collect_has(&used, names.v[i]))
			continue;
		size = mb_image_layer_size(fd, names.v[i]);
		r = mb_image_layer_remove(store, fd, names.v[i], err);
		done.layers += r == 0;
		done.bytes += r == 0 ? size : 0;
	}
	if (r == 0)
		r = collect_ingest(store, &done, err);
	if (r == 0)
		r = collect_configs(store, err);
	*ret = done;
	return r;
}
