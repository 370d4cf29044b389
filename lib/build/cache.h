/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/cache.h — what builds have kept: layers of steps, and directories of RUN
 * --mount=type=cache. */
#ifndef MB_BUILD_CACHE_H
#define MB_BUILD_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_store;

struct mb_build_cache_row {
	char *id;       /* 64 hex digits */
	char *what;     /* the instruction, or where a directory was mounted */
	bool is_mount;  /* a directory of --mount=type=cache */
	bool is_in_use; /* an image has the layer: without the step it takes no less room */
	uint64_t bytes;
	int64_t created, used; /* nsec since 1970; used to the hour */
};
struct mb_build_cache {
	struct mb_build_cache_row *v; /* by id, layers first */
	size_t n;
};
int mb_build_cache_load(struct mb_store *store, struct mb_build_cache *ret, struct mb_err *err);
void mb_build_cache_done(struct mb_build_cache *cache);
/* Forget a step, or remove a directory that no build has open.  Layers that nobody has any more go
 * with mb_image_collect().  Return: 0; 1: a build has it open; -errno, told. */
int mb_build_cache_remove(struct mb_store *store, const struct mb_build_cache_row *row,
                          struct mb_err *err);

#endif
