/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/write.h — the writing half: a tar stream from a ring becomes a tree. */
#ifndef MB_IMAGE_WRITE_H
#define MB_IMAGE_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct mb_image_ring;

enum { MB_IMAGE_MAX_ENTRIES = 16 << 20, MB_IMAGE_MAX_XATTRS = 256 };

struct mb_image_written {
	struct mb_err err;
	uint64_t entries, files, bytes; /* bytes: of regular files, as their sizes say */
};

struct mb_image_write_to {
	int root_fd;
	int names_fd; /* or -1: gets the names of directories that are only implied, each with a NUL
	               */
	bool bottom;  /* nothing lies below it */
	bool plain;   /* no layer: names like ".wh.x" are names */
};
/* Unpack all of @ring.  Fills @ret; a failure is in @ret->err.  Runs in a confined child. */
void mb_image_write(struct mb_image_ring *ring, const struct mb_image_write_to *to,
                    struct mb_image_written *ret);

#endif
