/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/job.h"
#include "build/walk.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/keep.h"
#include "image/layer.h"
#include "store/store.h"
#include "sys/mount.h"
#include "sys/tree.h"

/* Builders whose images have no time call it 1970 or 1980. */
enum { FIRST_DATE = 10 * 365 + 9 };

/* The commit of a context changes with whatever anybody writes into it; a layer that saw nothing of
 * it is as old as the image below, so that the next commit has the same one. */
int64_t mb_build_work_epoch(const struct mb_build *b, const struct mb_build_state *state)
{
	const struct mb_build_request *q = b->request;
	const int64_t day = (int64_t)24 * 3600 * 1000000000;

	return !q->epoch_is_commit || state->is_dated || state->base_time < FIRST_DATE * day
	               ? q->epoch
	               : state->base_time;
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mb_close(&fds[i]);
}

static int open_layers(struct mb_build *b, const struct mb_build_state *state, int *fds,
                       size_t *ret_n, struct mb_err *err)
{
	const struct mb_image image = {.id = (char[]){"<build>"}, .layers = state->layers};

	if (state->layers.n >= MB_IMAGE_MAX_LAYERS)
		return mb_fail(err, E2BIG, "max depth exceeded: more than %d layers",
		               MB_IMAGE_MAX_LAYERS - 1);
	return mb_image_layers_open(b->store, &image, fds, ret_n, err);
}

static int make_dirs(struct mb_build *b, struct mb_build_work *work, struct mb_err *err)
{
	char id[MB_ID_TEXT];
	int r = mb_store_dir(b->store, "ingest", false, &work->ingest_fd, err);

	if (r < 0)
		return r;
	mb_id_make(id);
	snprintf(work->name, sizeof(work->name), "build-%s", id);
	if (mkdirat(work->ingest_fd, work->name, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot create '%s'", work->name);
	work->dir_fd = openat(work->ingest_fd, work->name,
	                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (work->dir_fd < 0 || mkdirat(work->dir_fd, "upper", 0755) < 0 ||
	    mkdirat(work->dir_fd, "work", 0700) < 0 || fchmodat(work->dir_fd, "upper", 0755, 0) < 0)
		return mb_fail_sys(err, errno, "cannot create a writable layer");
	return 0;
}

int mb_build_work_open(struct mb_build *b, const struct mb_build_state *state,
                       struct mb_build_work *ret, struct mb_err *err)
{
	int layers[MB_IMAGE_MAX_LAYERS];
	MB_AUTO_CLOSE int upper = -1, work = -1;
	struct mb_sys_overlay overlay = {.lowers = layers};
	int r = make_dirs(b, ret, err);

	if (r == 0)
		r = open_layers(b, state, layers, &overlay.n_lowers, err);
	if (r < 0)
		return r;
	upper = openat(ret->dir_fd, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
	work = openat(ret->dir_fd, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
	overlay.upper_fd = upper;
	overlay.work_fd = work;
	r = upper < 0 || work < 0 ? mb_fail_sys(err, errno, "cannot open a writable layer")
	                          : mb_sys_mount_overlay(&overlay, &ret->root_fd, err);
	close_all(layers, overlay.n_lowers);
	return r;
}

int mb_build_work_plain(struct mb_build *b, struct mb_build_work *ret, int *ret_fd,
                        struct mb_err *err)
{
	int r = make_dirs(b, ret, err);

	if (r < 0)
		return r;
	*ret_fd = openat(ret->dir_fd, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot open a directory of our own") : 0;
}

void mb_build_work_done(struct mb_build_work *work)
{
	mb_close(&work->root_fd);
	mb_close(&work->dir_fd);
	if (work->ingest_fd >= 0 && *work->name)
		mb_sys_tree_remove(work->ingest_fd, work->name, NULL);
	mb_close(&work->ingest_fd);
	work->name[0] = '\0';
}

/* What was made here goes before what a cache says of it. */
static int keep(struct mb_build *b, const struct mb_image_kept *kept, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_image_keep_lock(b->store, &lock, err);

	return r < 0 ? r : mb_image_keep_set(b->store, kept, err);
}

static int remember(struct mb_build *b, struct mb_build_state *state,
                    const struct mb_image_layer *layer, const char *key, const char *what,
                    struct mb_err *err)
{
	int64_t now = mb_now_nsec();
	struct mb_image_kept kept = {
		.key = (char *)(uintptr_t)key,
		.what = (char *)(uintptr_t)what,
		.diff_id = (char *)(uintptr_t)layer->diff_id,
		.created = now,
		.used = now,
		.bytes = layer->bytes,
	};

	mb_build_state_push(state, &(struct mb_build_top){layer->chain, layer->diff_id, key,
	                                                  layer->bytes, now});
	if (!*key)
		return 0;
	kept.layers = state->layers;
	return keep(b, &kept, err);
}

int mb_build_work_remember(struct mb_build *b, const struct mb_build_state *state, const char *key,
                           const char *what, struct mb_err *err)
{
	const char *diff_id = state->config.diff_ids.v[state->config.diff_ids.n - 1];
	struct mb_image_kept kept = {
		.key = (char *)(uintptr_t)key,
		.what = (char *)(uintptr_t)what,
		.diff_id = (char *)(uintptr_t)mb_skip_prefix(diff_id, "sha256:"),
		.layers = state->layers,
		.created = state->newest,
		.used = mb_now_nsec(),
		.bytes = state->top_bytes,
	};

	return keep(b, &kept, err);
}

int mb_build_work_adopt(struct mb_build *b, int dir_fd, const char *name,
                        struct mb_build_state *state, const char *key, const char *what,
                        struct mb_err *err)
{
	const struct mb_image_layer_tree tree = {
		.dir_fd = dir_fd, .name = name, .parent = mb_build_state_top(state)};
	struct mb_image_layer layer = {.bytes = 0};
	int64_t epoch = mb_build_work_epoch(b, state);
	int r = 0;

	if (epoch >= 0)
		r = mb_build_walk_clamp(dir_fd, name, epoch, err);
	if (r == 0)
		r = mb_image_layer_adopt(b->store, &tree, &layer, err);
	return r < 0 ? r : remember(b, state, &layer, key, what, err);
}

int mb_build_work_commit(struct mb_build *b, struct mb_build_work *work,
                         struct mb_build_state *state, const char *key, const char *what,
                         struct mb_err *err)
{
	/* Nobody may write below a mount that is there. */
	mb_close(&work->root_fd);
	return mb_build_work_adopt(b, work->dir_fd, "upper", state, key, what, err);
}

int mb_build_tree_open(struct mb_build *b, const struct mb_build_state *state, int *ret_fd,
                       struct mb_err *err)
{
	int layers[MB_IMAGE_MAX_LAYERS];
	struct mb_sys_overlay overlay = {.lowers = layers, .upper_fd = -1, .work_fd = -1};
	int r = open_layers(b, state, layers, &overlay.n_lowers, err);

	if (r < 0)
		return r;
	if (overlay.n_lowers == 1)
		*ret_fd = mb_take_fd(&layers[0]); /* an overlay wants two */
	else
		r = mb_sys_mount_overlay(&overlay, ret_fd, err);
	close_all(layers, overlay.n_lowers);
	return r;
}
