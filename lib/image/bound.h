/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/bound.h — how much may come out of an archive: bombs end here. */
#ifndef MB_IMAGE_BOUND_H
#define MB_IMAGE_BOUND_H

#include <stdbool.h>
#include <stdint.h>

struct mb_err;

struct mb_image_bound {
	uint64_t limit; /* bytes, unpacked, that its owner allows; 0: none were named */
	uint64_t most;  /* that what is compressed may become where it is read; 0: any number */
	uint64_t room;  /* what the file system can take besides its reserve; 0: unknown */
	bool trusted;   /* its owner allows any ratio */
};

/* What is small may be made of anything; beyond, so much for each byte that came, and never more
 * than there is room for.  Layers of zeros alone are 1000:1 with gzip; what is larger than this
 * and consists of little else has to be allowed by its owner. */
#define MB_IMAGE_BOUND_FREE ((uint64_t)1 << 30)
enum { MB_IMAGE_BOUND_RATIO = 200 };

/* The room on the file system of @fd less a reserve: a twentieth of it, at most 1 GiB. */
uint64_t mb_image_bound_room(int fd);
/* @plain bytes came out of @stored ones.  Return: 0; -EFBIG or -ENOSPC, told. */
int mb_image_bound_check(const struct mb_image_bound *bound, bool compressed, uint64_t stored,
                         uint64_t plain, struct mb_err *err);

#endif
