/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/job.h"
#include "build/work.h"
#include "core/clock.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/keep.h"
#include "image/layer.h"
#include "image/rebuild.h"
#include "store/store.h"
#include "sys/tree.h"

enum { HOUR_SECONDS = 3600, NAME_SIZE = 96 };

void mb_build_cache_done(struct mb_build_cache *cache)
{
	for (size_t i = 0; i < cache->n; i++) {
		free(cache->v[i].id);
		free(cache->v[i].what);
		mb_strv_done(&cache->v[i].layers);
	}
	free(cache->v);
	*cache = (struct mb_build_cache){0};
}

static struct mb_build_cache_row *add(struct mb_build_cache *cache)
{
	cache->v = mb_realloc(cache->v, (cache->n + 1) * sizeof(*cache->v));
	cache->v[cache->n] = (struct mb_build_cache_row){0};
	return &cache->v[cache->n++];
}

/* The layers of all images. */
static int layers_of_images(struct mb_store *store, struct mb_strv *out, struct mb_err *err)
{
	struct mb_image_list list = {0};
	int r = mb_image_list_load(store, &list, err);

	for (size_t i = 0; i < list.n; i++) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;

		if (mb_image_open(store, list.v[i].id, &image, NULL) == 0)
			mb_strv_add_all(out, &image->layers);
	}
	mb_image_list_done(&list);
	return r;
}

static int add_steps(struct mb_store *store, struct mb_build_cache *cache, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv used = MB_STRV_INIT;
	struct mb_image_keeps keeps = {0};
	int r = layers_of_images(store, &used, err);

	if (r == 0)
		r = mb_image_keeps_load(store, &keeps, err);
	for (size_t i = 0; i < keeps.n && r == 0; i++) {
		struct mb_image_kept *kept = &keeps.v[i];
		struct mb_build_cache_row *row = add(cache);

		row->id = mb_strdup(kept->key);
		row->what = mb_strdup_or_null(kept->what);
		row->is_in_use = mb_strv_has(&used, kept->layers.v[kept->layers.n - 1]);
		row->bytes = kept->bytes;
		row->created = kept->created;
		row->used = kept->used;
		mb_strv_add_all(&row->layers, &kept->layers);
	}
	mb_image_keeps_done(&keeps);
	return r;
}

static int by_id(const void *a, const void *b)
{
	const struct mb_build_cache_row *left = a, *right = b;

	return strcmp(left->id, right->id);
}

/* --- directories ------------------------------------------------------------------------------ */

static const struct {
	const char *prefix, *what;
} kinds[MB_BUILD_CACHE_N_] = {
	[MB_BUILD_CACHE_MOUNT] = {"", "mount=type=cache"},
	[MB_BUILD_CACHE_DOWNLOAD] = {"web-", "a file of ADD"},
	[MB_BUILD_CACHE_RECORD] = {"stat-", "what is known of a context's files"},
};

static void name_directory(enum mb_build_cache_kind kind, const char *text, char ret[NAME_SIZE])
{
	char sum[MB_SHA256_TEXT];

	mb_sha256_text(text, strlen(text), sum);
	snprintf(ret, NAME_SIZE, "%s%s", kinds[kind].prefix, sum);
}

int mb_build_cache_open(struct mb_store *store, enum mb_build_cache_kind kind, const char *text,
                        bool make, int *ret_fd)
{
	MB_AUTO_CLOSE int caches = -1;
	char name[NAME_SIZE];
	int r = mb_store_dir(store, "caches", false, &caches, NULL);

	if (r < 0)
		return r;
	name_directory(kind, text, name);
	if (make && mkdirat(caches, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	*ret_fd = openat(caches, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

static bool is_recent(int64_t used)
{
	return mb_now_nsec() - used < (int64_t)HOUR_SECONDS * 1000000000;
}

void mb_build_cache_touch(int dir_fd)
{
	struct stat st;

	if (fstat(dir_fd, &st) == 0 && !is_recent((int64_t)st.st_mtim.tv_sec * 1000000000))
		(void)futimens(dir_fd, NULL);
}

/* Which kind has directories of that name?  MB_BUILD_CACHE_STEP: none. */
static enum mb_build_cache_kind kind_of(const char *name)
{
	for (int i = MB_BUILD_CACHE_MOUNT; i < MB_BUILD_CACHE_N_; i++) {
		const char *id = mb_skip_prefix(name, kinds[i].prefix);

		if (id && mb_hex_is_valid(id, 64))
			return (enum mb_build_cache_kind)i;
	}
	return MB_BUILD_CACHE_STEP;
}

static int add_directories(struct mb_store *store, struct mb_build_cache *cache, struct mb_err *err)
{
	size_t first = cache->n;
	MB_AUTO_CLOSE int fd = -1;
	struct dirent *entry;
	DIR *dir;
	int r = mb_store_dir(store, "caches", false, &fd, err);

	if (r < 0)
		return r;
	dir = mb_dir_open(fd, ".");
	if (!dir)
		return mb_fail_sys(err, errno, "cannot read 'caches'");
	while ((entry = readdir(dir))) {
		enum mb_build_cache_kind kind = kind_of(entry->d_name);
		struct mb_build_cache_row *row;
		struct stat st;

		if (kind == MB_BUILD_CACHE_STEP ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		row = add(cache);
		row->kind = kind;
		row->id = mb_strdup(entry->d_name + strlen(kinds[kind].prefix));
		row->what = mb_strdup(kinds[kind].what);
		row->created = row->used = (int64_t)st.st_mtim.tv_sec * 1000000000;
		mb_sys_tree_measure(fd, entry->d_name, &row->bytes);
	}
	closedir(dir);
	if (cache->n > first)
		qsort(cache->v + first, cache->n - first, sizeof(*cache->v), by_id);
	return 0;
}

int mb_build_cache_load(struct mb_store *store, struct mb_build_cache *ret, struct mb_err *err)
{
	struct mb_build_cache cache = {0};
	int r = add_steps(store, &cache, err);

	if (r == 0)
		r = add_directories(store, &cache, err);
	if (r < 0)
		mb_build_cache_done(&cache);
	else
		*ret = cache;
	return r;
}

int mb_build_cache_remove(struct mb_store *store, const struct mb_build_cache_row *row,
                          struct mb_err *err)
{
	MB_AUTO_CLOSE int caches = -1, dir = -1;
	MB_AUTO_FREE char *name = NULL;
	int r;

	if (row->kind == MB_BUILD_CACHE_STEP)
		return mb_image_keep_remove(store, row->id, err);
	r = mb_store_dir(store, "caches", false, &caches, err);
	if (r < 0)
		return r;
	name = mb_asprintf("%s%s", kinds[row->kind].prefix, row->id);
	dir = openat(caches, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? 0 : mb_fail_sys(err, errno, "cannot open a cache");
	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return 1;
	return mb_sys_tree_remove(caches, name, err);
}

/* --- within a build --------------------------------------------------------------------------- */

static bool may_use(const struct mb_build *b, const struct mb_build_stage *stage)
{
	return !b->request->no_cache &&
	       !mb_strv_has(&b->request->no_cache_for, stage->text->name ? stage->text->name : "");
}

/* It was of use: not all too exactly, so that not every build writes. */
static int touch(struct mb_build *b, const char *key, int64_t used, struct mb_err *err)
{
	MB_AUTO_IMAGE_KEPT struct mb_image_kept now = {0};
	MB_AUTO_CLOSE int lock = -1;
	int r;

	if (is_recent(used))
		return 0;
	r = mb_image_keep_lock(b->store, &lock, err);
	if (r == 0)
		r = mb_image_keep_find(b->store, key, &now, err);
	/* Somebody removed it: it is not to come again. */
	if (r != 0)
		return r < 0 ? r : 0;
	now.used = mb_now_nsec();
	return mb_image_keep_set(b->store, &now, err);
}

/* Steps of a cache are for the builds that name it. */
static bool may_trust(const struct mb_build *b, const struct mb_image_kept *kept)
{
	if (!kept->origin || mb_strv_has(&b->request->origins, kept->origin))
		return true;
	for (size_t i = 0; i < kept->also.n; i++)
		if (mb_strv_has(&b->request->origins, kept->also.v[i]))
			return true;
	return false;
}

static bool stands_on(const struct mb_image_kept *kept, const struct mb_strv *below)
{
	if (kept->layers.n != below->n + 1)
		return false;
	for (size_t i = 0; i < below->n; i++)
		if (strcmp(kept->layers.v[i], below->v[i]) != 0)
			return false;
	return true;
}

int mb_build_cache_use(struct mb_build *b, struct mb_build_stage *stage, const char *key,
                       struct mb_err *err)
{
	MB_AUTO_IMAGE_KEPT struct mb_image_kept kept = {0};
	struct mb_build_state *state = &stage->state;
	int r;

	if (!may_use(b, stage))
		return 1;
	r = mb_image_keep_find(b->store, key, &kept, err);
	if (r != 0)
		return r;
	if (!may_trust(b, &kept) || !stands_on(&kept, &state->layers))
		return 1;
	mb_build_state_push(state,
	                    &(struct mb_build_top){kept.layers.v[kept.layers.n - 1], kept.diff_id,
	                                           key, kept.bytes, kept.created});
	return touch(b, key, kept.used, err);
}

/* The same archive on other layers. */
static int move_layer(struct mb_build *b, const struct mb_build_state *state,
                      const struct mb_image_kept *kept, struct mb_image_layer *ret,
                      struct mb_err *err)
{
	const struct mb_image_report report = {0};
	struct mb_image_layer_job job = {
		.parent = mb_build_state_top(state),
		.lowers = (const char *const *)state->layers.v,
		.n_lowers = state->layers.n,
		.diff_id = kept->diff_id,
		.report = &report,
		.count = 1,
	};
	MB_AUTO_CLOSE int fd = -1;
	struct mb_image_rebuilt built;
	int r = mb_image_rebuild_file(b->store, &fd, err);

	if (r == 0)
		r = mb_image_rebuild(b->store, kept->layers.v[kept->layers.n - 1], kept->diff_id,
		                     NULL, fd, &built, err);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return mb_fail_sys(err, errno, "cannot read a layer");
	job.from = (struct mb_image_stretch){.fd = fd, .size = built.size};
	return mb_image_layer_ensure(b->store, &job, ret, err);
}

int mb_build_cache_move(struct mb_build *b, struct mb_build_stage *stage, const char *link_key,
                        const char *key, struct mb_err *err)
{
	MB_AUTO_IMAGE_KEPT struct mb_image_kept kept = {0};
	struct mb_build_state *state = &stage->state;
	struct mb_image_layer layer;
	struct mb_err why = MB_ERR_INIT;
	int r;

	if (!may_use(b, stage))
		return 1;
	r = mb_image_keep_find(b->store, link_key, &kept, err);
	if (r != 0)
		return r;
	/* Nobody gives such a step away. */
	if (kept.origin)
		return 1;
	r = move_layer(b, state, &kept, &layer, &why);
	if (r == -ENOENT || r == -EBADMSG)
		return 1; /* nobody knows its archive any more, or it is damaged */
	if (r < 0) {
		*err = why;
		return r;
	}
	mb_build_state_push(state, &(struct mb_build_top){layer.chain, layer.diff_id, key,
	                                                  layer.bytes, kept.created});
	return mb_build_work_remember(b, state, key, kept.what, err);
}
