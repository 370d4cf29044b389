/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/source.h — what a load reads from: an archive or a directory, by member names. */
#ifndef MB_IMAGE_SOURCE_H
#define MB_IMAGE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "image/feed.h"
#include "image/unpack.h"

struct mb_err;
struct mb_store;
struct mb_str;

struct mb_image_source {
	int fd; /* the archive, uncompressed and seekable; or the directory */
	bool is_directory;
	const char *pick; /* the image that is wanted, by tag or digest; or NULL: all.  Borrowed */
	struct mb_image_members members;
};

/* Open what @fd is.  A pipe or a compressed archive is written to a nameless file in ROOT/ingest
 * first, if it is no bomb (image/bound.h) or @trusted.  @fd is borrowed and must stay open. */
int mb_image_source_open(struct mb_store *store, int fd, bool trusted, struct mb_image_source *ret,
                         struct mb_err *err);
void mb_image_source_done(struct mb_image_source *source);
#define MB_AUTO_IMAGE_SOURCE __attribute__((cleanup(mb_image_source_done)))

enum { MB_IMAGE_SOURCE_ABSENT = 1 };
/* Where the member @name lies.  Links inside of an archive are followed by name; in a directory
 * nothing is followed.  @ret->fd is a new descriptor, the caller's.
 * Return: 0; MB_IMAGE_SOURCE_ABSENT; -EINVAL when the name is there twice; -errno. */
int mb_image_source_find(const struct mb_image_source *source, const char *name,
                         struct mb_image_stretch *ret, struct mb_err *err);
/* Append the whole member to @out.  -EFBIG over @limit.  Return: as above. */
int mb_image_source_read(const struct mb_image_source *source, const char *name, size_t limit,
                         struct mb_str *out, struct mb_err *err);

#endif
