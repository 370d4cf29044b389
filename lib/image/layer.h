/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/layer.h — layers in the store: ROOT/layers/CHAIN/{diff/,meta.json,COMPLETE}.
 *
 * A layer is made in ROOT/ingest and renamed when its digest is verified.  COMPLETE holds the
 * boot under which it was made: within that boot the page cache is as good as the disk.  Of
 * another boot it counts only if an image has it, as images are written down after a syncfs.
 */
#ifndef MB_IMAGE_LAYER_H
#define MB_IMAGE_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/feed.h"
#include "image/image.h"

struct mb_err;
struct mb_oci_digest;
struct mb_store;

struct mb_image_layer_job {
	struct mb_image_stretch from;
	/* Where it comes from, asked only if the layer has to be made (@ret->fd is then ours);
	 * NULL:
	 * @from says. */
	int (*open)(void *arg, struct mb_image_stretch *ret, struct mb_err *err);
	/* When it has been read: @r is how that went.  Return: @r, or why what was read is not to
	 * be relied on after all, told.  NULL: nothing is asked. */
	int (*close)(void *arg, int r, struct mb_err *err);
	void *arg; /* of both */
	/* Wait until those below are in their places, or fail, told; what is written reaches the
	 * disk then without this one's help.  NULL: they are. */
	int (*turn)(void *arg, struct mb_err *err);
	/* Is it wanted no more?  Asked a few times a second.  NULL: it is. */
	bool (*stop)(void *arg);
	void *turn_arg;            /* of both */
	const char *parent;        /* chain id of the layer below, or NULL */
	const char *const *lowers; /* chain ids below, lowest first */
	size_t n_lowers;
	const char *diff_id;              /* what must come out; NULL: whatever comes */
	const struct mb_oci_digest *blob; /* of the bytes as stored, or NULL */
	const struct mb_image_report *report;
	size_t index, count;
};
struct mb_image_layer {
	char chain[MB_IMAGE_ID_TEXT], diff_id[MB_IMAGE_ID_TEXT];
	uint64_t bytes; /* of regular files */
	bool cached;    /* it was there */
};
/* The caller holds mb_image_hold().  Who else makes the same layer is waited for. */
int mb_image_layer_ensure(struct mb_store *store, const struct mb_image_layer_job *job,
                          struct mb_image_layer *ret, struct mb_err *err);

/* A layer of a tree that nobody uses any more: no file is copied. */
struct mb_image_layer_tree {
	/* The upper directory of an overlay, on the store's file system (best in ROOT/ingest, which
	 * is swept when nobody holds mb_image_hold()), with the ids that the layer is to have. */
	int dir_fd;
	const char *name;   /* below dir_fd; it is moved, and is gone after a failure too */
	const char *parent; /* chain id of the layer below, or NULL */
};
/* The caller holds mb_image_hold() since before the tree was made. */
int mb_image_layer_adopt(struct mb_store *store, const struct mb_image_layer_tree *tree,
                         struct mb_image_layer *ret, struct mb_err *err);

/* The document of a layer. */
struct mb_image_layer_meta {
	char *chain, *diff_id;
	uint64_t bytes, files, entries;
	int64_t created;
};
void mb_image_layer_meta_done(struct mb_image_layer_meta *meta);
/* Return: 0; MB_IMAGE_ABSENT when there is no complete layer (not told); -EBADMSG, told. */
int mb_image_layer_meta_load(int layers_fd, const char *chain, struct mb_image_layer_meta *ret,
                             struct mb_err *err);
/* Bytes of its regular files; 0 when there is no such layer. */
uint64_t mb_image_layer_size(int layers_fd, const char *chain);
/* Was it made under this boot? */
bool mb_image_layer_is_of_boot(struct mb_store *store, int layers_fd, const char *chain);
/* Is it there, and can it be relied on?  Who holds mb_image_hold() may: it stays. */
bool mb_image_layer_is_there(struct mb_store *store, const char *chain);
/* The layer's blob in a registry, as it came or was sent: ROOT/layers/CHAIN/blob.json. */
struct mb_image_layer_blob {
	char *digest;     /* "sha256:..." */
	char *media_type; /* of its descriptor */
	char *registry;   /* "registry.example.com:5000"; "" an archive's */
	char *repository; /* "base/debian" */
	int64_t size;
};
void mb_image_layer_blob_done(struct mb_image_layer_blob *blob);
/* Return: 0; MB_IMAGE_ABSENT, not told. */
int mb_image_layer_blob_load(struct mb_store *store, const char *chain,
                             struct mb_image_layer_blob *ret);
/* It is a help for the next push, no more: a failure is no matter. */
void mb_image_layer_blob_save(struct mb_store *store, const char *chain,
                              const struct mb_image_layer_blob *blob);
/* Remove a layer whole: first out of the way in one rename, then the tree. */
int mb_image_layer_remove(struct mb_store *store, int layers_fd, const char *chain,
                          struct mb_err *err);

/* Directories that an archive only implies take owner and mode from the layers below
 * (@lowers, descriptors, top first).  @names: as the writer left them, @n bytes. */
void mb_image_layer_inherit(int diff_fd, const int *lowers, size_t n_lowers, const char *names,
                            size_t n);

#endif
