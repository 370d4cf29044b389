/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/refs.h — names of images: one document ROOT/refs/NAME each, name and id inside. */
#ifndef MB_IMAGE_REFS_H
#define MB_IMAGE_REFS_H

#include <stddef.h>

#include "image/image.h"

struct mb_err;
struct mb_store;

/* A name in canonical form ("docker.io/library/deb:latest", or "docker.io/library/deb@sha256:..."
 * for one that was pulled so), the image's id, and the digest of the manifest by which a registry
 * gave it ("sha256:...", or NULL). */
struct mb_image_ref {
	char *name, *id, *digest;
};
struct mb_image_refs {
	struct mb_image_ref *v; /* by name */
	size_t n;
	struct mb_strv corrupt; /* file names */
};
int mb_image_refs_load(struct mb_store *store, struct mb_image_refs *ret, struct mb_err *err);
void mb_image_refs_done(struct mb_image_refs *refs);
#define MB_AUTO_IMAGE_REFS __attribute__((cleanup(mb_image_refs_done)))

/* Return: 0; MB_IMAGE_ABSENT, not told; -errno. */
int mb_image_ref_find(struct mb_store *store, const char *name, char ret_id[MB_IMAGE_ID_TEXT],
                      struct mb_err *err);
/* The name, or one of the same repository, of the manifest @digest ("sha256:...") in @repository
 * ("docker.io/library/deb").  @ret_name, the caller's to free, is that name.
 * Return: 0; MB_IMAGE_ABSENT, not told; -errno. */
int mb_image_ref_find_digest(struct mb_store *store, const char *repository, const char *digest,
                             char ret_id[MB_IMAGE_ID_TEXT], char **ret_name, struct mb_err *err);
/* "docker.io/library/deb" of any canonical name.  Caller frees. */
char *mb_image_ref_repository(const char *name);
/* Set or move a name; durable.  @digest may be NULL.  The caller holds the lock of names. */
int mb_image_ref_set(struct mb_store *store, const char *name, const char *id, const char *digest,
                     struct mb_err *err);
/* Take a name away; absent is success. */
int mb_image_ref_remove(struct mb_store *store, const char *name, struct mb_err *err);
/* The lock under which names are changed and records removed. */
int mb_image_refs_lock(struct mb_store *store, int *ret_fd, struct mb_err *err);

/* The familiar form of a canonical name, or the name itself.  Caller frees. */
char *mb_image_ref_familiar(const char *name);
/* What the user wrote to canonical form with a tag.  -EINVAL told; names with a digest are
 * refused. */
int mb_image_ref_canonical(const char *text, char **ret, struct mb_err *err);
/* Pure: the file's name for a reference.  Slashes become "+", which no name has; names too long
 * for a file are named by their sha256. */
void mb_image_ref_escape(const char *name, char ret[256]);

#endif
