/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/mount.h — RUN --mount: what it asks for, and what is given to the container. */
#ifndef MB_BUILD_MOUNT_H
#define MB_BUILD_MOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/sha256.h"
#include "core/strv.h"

struct mb_build;
struct mb_build_key;
struct mb_build_stage;
struct mb_build_state;
struct mb_build_work;
struct mb_dockerfile_instruction;
struct mb_err;

/* The stage or image that a mount reads ("from="), or NULL.  Caller frees. */
char *mb_build_mount_source(const char *spec);

struct mb_build_tree {
	int fd; /* a detached mount */
	char *target;
	bool writable;
};
/* A cache, open and locked. */
struct mb_build_cache_lock {
	int fd;
	char name[MB_SHA256_TEXT];
};
/* The mounts of one RUN. */
struct mb_build_mounts {
	struct mb_build_tree *trees;
	size_t n_trees;
	struct mb_strv env;         /* secrets as variables: "NAME=value" */
	struct mb_build_work *work; /* what they stand on, removed when it has run */
	size_t n_work;
	struct mb_build_cache_lock *caches; /* that are ours until it has run */
	size_t n_caches;
	int *agents; /* pidfds of processes that lead to ssh agents */
	size_t n_agents;
};
#define MB_BUILD_MOUNTS_INIT ((struct mb_build_mounts){0})
#define MB_AUTO_BUILD_MOUNTS __attribute__((cleanup(mb_build_mounts_done)))

/* Check every --mount of @in and add what the step depends on to @key: no secret and no cache. */
int mb_build_mounts_key(struct mb_build *b, struct mb_build_stage *stage,
                        const struct mb_dockerfile_instruction *in, struct mb_build_key *key,
                        struct mb_err *err);
/* Make them ready. */
int mb_build_mounts_open(struct mb_build *b, struct mb_build_stage *stage,
                         const struct mb_dockerfile_instruction *in, struct mb_build_mounts *ret,
                         struct mb_err *err);
/* A file of ours, for root and as @mode says, that nobody can write. */
int mb_build_mounts_add_file(struct mb_build_mounts *mounts, const char *target, const void *bytes,
                             size_t n, unsigned mode, struct mb_err *err);
/* Take what was made as mount points out of the writable layer @upper_fd on @state. */
int mb_build_mounts_tidy(struct mb_build *b, const struct mb_build_state *state,
                         const struct mb_build_mounts *mounts, int upper_fd, struct mb_err *err);
void mb_build_mounts_done(struct mb_build_mounts *mounts);

#endif
