/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/keep.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "image/image.h"
#include "image/layer.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "json/json.h"

static const struct mb_json_field kept_table[] = {
	MB_JSON_STR("key", struct mb_image_kept, key, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("what", struct mb_image_kept, what),
	MB_JSON_STR("diff_id", struct mb_image_kept, diff_id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STRV("layers", struct mb_image_kept, layers, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("origin", struct mb_image_kept, origin),
	MB_JSON_STRV("also", struct mb_image_kept, also),
	MB_JSON_I64("created", struct mb_image_kept, created),
	MB_JSON_I64("used", struct mb_image_kept, used),
	MB_JSON_U64("bytes", struct mb_image_kept, bytes),
	MB_JSON_END,
};

void mb_image_kept_done(struct mb_image_kept *kept)
{
	mb_json_done(kept_table, kept);
}

/* Return: 0; MB_IMAGE_ABSENT: there is none, or none that makes sense; -errno, told. */
static int load(int dir, const char *key, struct mb_image_kept *ret, struct mb_err *err)
{
	struct mb_image_kept kept = {0};
	struct mb_err why = MB_ERR_INIT;
	int r;

	if (!mb_hex_is_valid(key, 64))
		return MB_IMAGE_ABSENT;
	r = mb_store_doc_load(dir, key, kept_table, &kept, &why);
	if (r == -ENOENT || r == MB_DOC_CORRUPT || r == -EBADMSG || r == -EPROTONOSUPPORT)
		return MB_IMAGE_ABSENT;
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	r = mb_streq(kept.key, key) && mb_hex_is_valid(kept.diff_id, 64) && kept.layers.n
	            ? 0
	            : MB_IMAGE_ABSENT;
	MB_STRV_FOREACH (chain, &kept.layers)
		if (!mb_hex_is_valid(chain, 64))
			r = MB_IMAGE_ABSENT;
	if (r == 0)
		*ret = kept;
	else
		mb_image_kept_done(&kept);
	return r;
}

int mb_image_keep_find(struct mb_store *store, const char *key, struct mb_image_kept *ret,
                       struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	struct mb_image_kept kept = {0};
	int r = mb_store_dir(store, "steps", false, &dir, err);

	if (r == 0)
		r = load(dir, key, &kept, err);
	if (r != 0)
		return r;
	MB_STRV_FOREACH (chain, &kept.layers)
		if (r == 0 && !mb_image_layer_is_there(store, chain))
			r = MB_IMAGE_ABSENT;
	if (r == 0)
		*ret = kept;
	else
		mb_image_kept_done(&kept);
	return r;
}

int mb_image_keep_lock(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	return mb_store_lock(store, MB_RANK_LEAF, "steps", true, true, ret_fd, err);
}

int mb_image_keep_set(struct mb_store *store, const struct mb_image_kept *kept, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_store_dir(store, "steps", false, &dir, err);

	return r < 0 ? r : mb_store_doc_save(dir, kept->key, kept_table, kept, MB_DOC_REPLACE, err);
}

int mb_image_keep_remove(struct mb_store *store, const char *key, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_store_dir(store, "steps", false, &dir, err);

	if (r == 0 && unlinkat(dir, key, 0) < 0 && errno != ENOENT)
		r = mb_fail_sys(err, errno, "cannot remove the build step '%.12s'", key);
	return r;
}

static int by_key(const void *a, const void *b)
{
	const struct mb_image_kept *left = a, *right = b;

	return strcmp(left->key, right->key);
}

int mb_image_keeps_load(struct mb_store *store, struct mb_image_keeps *ret, struct mb_err *err)
{
	struct mb_image_keeps keeps = {0};
	MB_AUTO_CLOSE int dir = -1;
	struct dirent *entry;
	DIR *stream;
	int r = mb_store_dir(store, "steps", false, &dir, err);

	if (r < 0)
		return r;
	stream = mb_dir_open(dir, ".");
	if (!stream)
		return mb_fail_sys(err, errno, "cannot read 'steps'");
	while (r >= 0 && (entry = readdir(stream))) {
		struct mb_image_kept kept = {0};

		if (entry->d_name[0] == '.')
			continue;
		r = load(dir, entry->d_name, &kept, err);
		if (r > 0)
			unlinkat(dir, entry->d_name, 0);
		if (r != 0)
			continue;
		keeps.v = mb_realloc(keeps.v, (keeps.n + 1) * sizeof(*keeps.v));
		keeps.v[keeps.n++] = kept;
	}
	closedir(stream);
	if (r < 0) {
		mb_image_keeps_done(&keeps);
		return r;
	}
	if (keeps.n)
		qsort(keeps.v, keeps.n, sizeof(*keeps.v), by_key);
	*ret = keeps;
	return 0;
}

void mb_image_keeps_done(struct mb_image_keeps *keeps)
{
	for (size_t i = 0; i < keeps->n; i++)
		mb_image_kept_done(&keeps->v[i]);
	free(keeps->v);
	*keeps = (struct mb_image_keeps){0};
}
