/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/unpack.h — hostile bytes handled in children: layers, spooling, listing. */
#ifndef MB_IMAGE_UNPACK_H
#define MB_IMAGE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/feed.h"

struct mb_err;
struct mb_str;

/* Told of the bytes taken from the source, a few times a second. */
struct mb_image_watch {
	void (*tick)(void *arg, uint64_t done);
	void *arg;
	bool (*stop)(void *arg); /* asked then too: is it wanted no more?  NULL: it is */
	bool flushed; /* somebody else sees to it that what is written reaches the disk */
};

struct mb_image_unpacked {
	char stored[MB_SHA256_TEXT], plain[MB_SHA256_TEXT];
	uint64_t n_stored, n_plain;
	uint64_t entries, files, bytes;
	bool compressed;
};

struct mb_image_unpack_to {
	int root_fd;     /* a directory */
	int names_fd;    /* as mb_image_write() */
	int skeleton_fd; /* as mb_image_feed() */
	bool bottom;     /* nothing lies below it */
	bool plain;      /* no layer: names like ".wh.x" are names */
};
/* Unpack the tar in @from: one child reads and hashes, another writes.  Return: 0 or -errno,
 * told; the tree is then worthless, and @ret alone as it was, but for .entries, what was unpacked
 * before reading failed. */
int mb_image_unpack(const struct mb_image_stretch *from, const struct mb_image_unpack_to *to,
                    const struct mb_image_watch *watch, struct mb_image_unpacked *ret,
                    struct mb_err *err);

/* Decompress all of @from into the file @to_fd. */
int mb_image_spool(const struct mb_image_stretch *from, int to_fd,
                   const struct mb_image_watch *watch, struct mb_image_unpacked *ret,
                   struct mb_err *err);

/* What an uncompressed tar in a file contains and where. */
enum { MB_IMAGE_MAX_MEMBERS = 64 * 1024 };
struct mb_image_member {
	char *name;   /* cleaned, without slashes in front */
	char *target; /* of a link: as it stands; or NULL */
	bool hard;    /* the link is a hard one */
	bool regular;
	uint64_t offset, size;
};
struct mb_image_members {
	struct mb_image_member *v; /* in the archive's order */
	size_t n;
};
int mb_image_members_load(int fd, struct mb_image_members *ret, struct mb_err *err);
void mb_image_members_done(struct mb_image_members *members);

#endif
