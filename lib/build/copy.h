/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/copy.h — one COPY or ADD under way. */
#ifndef MB_BUILD_COPY_H
#define MB_BUILD_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/content.h"
#include "core/sha256.h"
#include "dockerfile/ignore.h"

struct mb_build;
struct mb_build_context;
struct mb_build_stage;
struct mb_dockerfile_instruction;
struct mb_err;

struct mb_build_copying {
	struct mb_build_root root;
	struct mb_dockerfile_ignore exclude;
	struct mb_build_items items;
	char *destination; /* absolute, clean */
	bool is_directory; /* it is meant to be one */
	bool is_link;      /* the layer knows nothing of what is below */
	char *expanded_owner, *expanded_mode;
	char *said;
	char stamp[MB_SHA256_TEXT]; /* of the context when it was hashed */
	int root_fd;                /* what root reads, if it is ours to close */
	struct mb_build_stage *stage;
	struct mb_build_context *fetched; /* where addresses were brought */
	size_t n_fetched;
};

/* copy_place.c: who "user[:group]" is in @root_fd; a number without a group is both. */
int mb_build_owner_resolve(int root_fd, const char *owner, uint32_t *ret_uid, uint32_t *ret_gid,
                           struct mb_err *err);
/* "uid:gid" of --chown, as @root_fd has the names.  Caller frees. */
int mb_build_copy_owner(int root_fd, const char *owner, char **ret, struct mb_err *err);
/* The layer, kept, unless the context has changed since it was hashed, under @key, and, if it is a
 * link, under @link_key too. */
int mb_build_copy_make(struct mb_build *b, const struct mb_dockerfile_instruction *in,
                       const struct mb_build_copying *c, const char *key, const char *link_key,
                       struct mb_err *err);

#endif
