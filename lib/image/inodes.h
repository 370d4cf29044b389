/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/inodes.h — files with several names, and the first name of each that was met. */
#ifndef MB_IMAGE_INODES_H
#define MB_IMAGE_INODES_H

#include <stddef.h>
#include <sys/types.h>

/* Zeroed is valid and empty. */
struct mb_image_inodes {
	struct mb_image_inode {
		dev_t dev;
		ino_t ino;
		char *name; /* NULL: a free slot */
	} * slots;
	size_t n, room; /* room is a power of two */
};
/* The name by which the inode was met before, borrowed; or NULL, and @name is its first. */
const char *mb_image_inodes_first(struct mb_image_inodes *inodes, dev_t dev, ino_t ino,
                                  const char *name);
void mb_image_inodes_done(struct mb_image_inodes *inodes);

#endif
