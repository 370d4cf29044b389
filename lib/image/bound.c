/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/bound.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "core/err.h"

enum { RESERVE_PART = 20 };
static const uint64_t RESERVE_MOST = (uint64_t)1 << 30;

uint64_t mb_image_bound_room(int fd)
{
	struct statvfs fs;
	uint64_t left, reserve;

	/* Some file systems have no number of blocks. */
	if (fd < 0 || fstatvfs(fd, &fs) < 0 || !fs.f_blocks)
		return 0;
	left = (uint64_t)fs.f_bfree * fs.f_frsize;
	reserve = (uint64_t)fs.f_blocks * fs.f_frsize / RESERVE_PART;
	if (reserve > RESERVE_MOST)
		reserve = RESERVE_MOST;
	/* Nothing is not unknown. */
	return left > reserve ? left - reserve : 1;
}

int mb_image_bound_check(const struct mb_image_bound *bound, bool compressed, uint64_t stored,
                         uint64_t plain, struct mb_err *err)
{
	if (bound->limit && plain > bound->limit)
		return mb_fail(err, EFBIG, "it unpacks to more than --max-layer-size, %llu bytes",
		               (unsigned long long)bound->limit);
	/* What is stored plainly is no more than what came. */
	if (!compressed)
		return 0;
	if (bound->most && plain > bound->most)
		return mb_fail(err, EFBIG, "it is longer than %llu bytes when unpacked",
		               (unsigned long long)bound->most);
	if (plain <= MB_IMAGE_BOUND_FREE)
		return 0;
	if (!bound->limit && !bound->trusted &&
	    (plain - MB_IMAGE_BOUND_FREE) / MB_IMAGE_BOUND_RATIO > stored)
		return mb_fail(err, EFBIG,
		               "it unpacks to more than 1 GiB and %d times its size, which "
		               "load, pull and import take with --max-layer-size",
		               MB_IMAGE_BOUND_RATIO);
	if (bound->room && plain > bound->room)
		return mb_fail(err, ENOSPC, "it unpacks to more than the file system can take");
	return 0;
}
