/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/skeleton_priv.h — the records of a skeleton, in the byte order of the machine. */
#ifndef MB_IMAGE_SKELETON_PRIV_H
#define MB_IMAGE_SKELETON_PRIV_H

#include <stdint.h>

enum mb_image_skeleton_kind {
	MB_IMAGE_SKELETON_BYTES = 1, /* @size bytes follow */
	MB_IMAGE_SKELETON_FILE,      /* @path bytes of a name follow; the file has @size bytes */
};
struct mb_image_skeleton_record {
	uint32_t kind, path;
	uint64_t size;
};

#endif
