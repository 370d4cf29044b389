/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/feed.h — the reading half: a stretch of a file, decompressed and hashed, to a ring. */
#ifndef MB_IMAGE_FEED_H
#define MB_IMAGE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/sha256.h"
#include "image/bound.h"

struct mb_image_ring;

/* Where bytes come from.  @size UINT64_MAX: to the end of file. */
struct mb_image_stretch {
	int fd;
	bool seekable; /* read at @offset with pread(2); otherwise from where the fd stands */
	uint64_t offset, size;
	/* A file that another still writes: @more_fd has a byte whenever there is more, and
	 * MB_IMAGE_STRETCH_END, or its end, when no more will come. */
	bool grows;
	int more_fd;
	const int *memory;           /* as in struct mb_image_gunzip */
	struct mb_image_bound bound; /* room: whoever writes it fills it in */
};
enum { MB_IMAGE_STRETCH_MORE = '.', MB_IMAGE_STRETCH_END = 'E' };

struct mb_image_fed {
	struct mb_err err;
	char stored[MB_SHA256_TEXT]; /* sha256 of the bytes as they are stored */
	char plain[MB_SHA256_TEXT];  /* sha256 of the decompressed bytes */
	uint64_t n_stored, n_plain;
	bool compressed;
};

/* Read all of @from into @ring: plain, gzip, zstd, xz or bzip2, by its first bytes.  The skeleton
 * of the tar in it goes to @skeleton_fd, unless that is -1.  Fills @ret; a failure is in @ret->err.
 * Runs in a confined child; needs no names, only read(2) and write(2). */
void mb_image_feed(const struct mb_image_stretch *from, struct mb_image_ring *ring, int skeleton_fd,
                   struct mb_image_fed *ret);

#endif
