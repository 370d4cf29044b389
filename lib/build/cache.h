/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/cache.h — what builds have kept: layers of steps, directories of RUN
 * --mount=type=cache, and what only makes the next build quicker. */
#ifndef MB_BUILD_CACHE_H
#define MB_BUILD_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strv.h"

struct mb_err;
struct mb_store;

enum mb_build_cache_kind {
	MB_BUILD_CACHE_STEP,
	/* Directories below ROOT/caches. */
	MB_BUILD_CACHE_MOUNT,    /* of --mount=type=cache */
	MB_BUILD_CACHE_DOWNLOAD, /* a file of ADD (download.h) */
	MB_BUILD_CACHE_RECORD,   /* of a context's files (stats.h) */
	MB_BUILD_CACHE_N_,
};
struct mb_build_cache_row {
	enum mb_build_cache_kind kind;
	char *id;       /* 64 hex digits */
	char *what;     /* the instruction, or what a directory is */
	bool is_in_use; /* an image has the layer: without the step it takes no less room */
	uint64_t bytes;
	int64_t created, used; /* nsec since 1970; used to the hour */
	struct mb_strv layers; /* chain ids of a step, lowest first; its own is the last */
	int64_t needed;        /* mb_build_cache_sort(): when something on its layer was used */
};
struct mb_build_cache {
	struct mb_build_cache_row *v; /* by id, layers first */
	size_t n;
};
int mb_build_cache_load(struct mb_store *store, struct mb_build_cache *ret, struct mb_err *err);
/* What was needed longest ago first; of a step and what stands on it, the latter. */
void mb_build_cache_sort(struct mb_build_cache *cache);
void mb_build_cache_done(struct mb_build_cache *cache);
/* The directory of @kind that is kept for @text, made with @make.  Return: 0;
 * -errno, not told: -ENOENT without @make when there is none. */
int mb_build_cache_open(struct mb_store *store, enum mb_build_cache_kind kind, const char *text,
                        bool make, int *ret_fd);
/* The directory was of use: not all too exactly. */
void mb_build_cache_touch(int dir_fd);
/* Forget a step, or remove a directory that no build has open.  Layers that nobody has any more go
 * with mb_image_collect().  Return: 0; 1: a build has it open; -errno, told. */
int mb_build_cache_remove(struct mb_store *store, const struct mb_build_cache_row *row,
                          struct mb_err *err);

#endif
