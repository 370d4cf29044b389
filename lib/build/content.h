/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/content.h — what COPY, ADD and bind mounts read: found in its root, and hashed.
 *
 * Roots are descriptors; a path is resolved in its root, so that neither a link nor ".." leads out
 * of a context or a stage.
 */
#ifndef MB_BUILD_CONTENT_H
#define MB_BUILD_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct mb_build_key;
struct mb_build_stats;
struct mb_dockerfile_ignore;
struct mb_err;

struct mb_build_root {
	int fd;
	const struct mb_dockerfile_ignore *ignore;  /* .dockerignore of a context, or NULL */
	const struct mb_dockerfile_ignore *exclude; /* of --exclude, relative to the source */
	bool is_owned_by_root;      /* whoever owns it here: of a context nobody is to know */
	bool passes;                /* no other build meets it */
	bool is_dated;              /* as of a mb_build_state: a context, or a stage that saw it */
	struct mb_build_key *stamp; /* gets what changes with whatever is hashed; or NULL */
	struct mb_build_stats *stats; /* files that need not be read again, or NULL */
};

/* One source. */
struct mb_build_item {
	int fd; /* O_PATH; -1: the bytes are here */
	struct stat st;
	char *path; /* in its root, clean: "a/b", "" for the root itself */
	char *real; /* the same when links led elsewhere, for .dockerignore; or NULL */
	char *name; /* what it is called where it goes */
	char *kept; /* of --parents: its path below the destination; or NULL */
	char *bytes;
	size_t n;
	bool is_fetched; /* of an address: not of the root, whose rules say nothing of it */
};
struct mb_build_items {
	struct mb_build_item *v;
	size_t n;
};
void mb_build_items_done(struct mb_build_items *items);
#define MB_AUTO_BUILD_ITEMS __attribute__((cleanup(mb_build_items_done)))

/* "a/../b/" as "b", by text alone.  Caller frees. */
char *mb_build_path_clean(const char *path);
/* Add what @pattern means in @root: a path, or every one that matches.
 * Return: 0; -ENOENT, told: nothing is there, or .dockerignore leaves it out; -errno. */
int mb_build_content_find(const struct mb_build_root *root, const char *pattern,
                          struct mb_build_items *items, struct mb_err *err);
/* The same for --parents: "**" are any directories, and what stands behind "/./", or all of the
 * path, is kept. */
int mb_build_content_find_parents(const struct mb_build_root *root, const char *pattern,
                                  struct mb_build_items *items, struct mb_err *err);
/* Bytes of our own. */
void mb_build_content_add_bytes(struct mb_build_items *items, const char *name, const char *bytes,
                                size_t n, unsigned mode);
/* Is @path, below the item, left out?  @is_whole: with everything below it. */
bool mb_build_content_skips(const struct mb_build_root *root, const struct mb_build_item *item,
                            const char *path, bool is_directory, bool *ret_is_whole);
/* What is at an address: takes @fd. */
void mb_build_content_add_fetched(struct mb_build_items *items, const char *name, int fd,
                                  const struct stat *st);
/* Hash the item: names, kinds, modes, owners and content; no times.  @key NULL: for root->stamp
 * alone, which no content is read for. */
int mb_build_content_hash(const struct mb_build_root *root, const struct mb_build_item *item,
                          struct mb_build_key *key, struct mb_err *err);

#endif
