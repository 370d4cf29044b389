/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/confine.h — children that touch hostile bytes: what they can still do.
 *
 * A reader (decompress, hash, list an archive) has memory and the descriptors it was given, no
 * names at all.  A writer has, besides, one directory tree as its whole file system.  Neither has
 * a network, other processes, or a way to execute anything.
 */
#ifndef MB_IMAGE_CONFINE_H
#define MB_IMAGE_CONFINE_H

#include <stddef.h>

struct mb_err;

/* The first thing in the child: die with @parent, close everything but @keep (any order, -1 is
 * skipped) and standard error. */
int mb_image_confine_begin(int parent, const int *keep, size_t n, struct mb_err *err);
int mb_image_confine_reader(struct mb_err *err);
/* "/" becomes the directory *@root_fd, which is closed and replaced by a descriptor of the new
 * root: the old one would lead out by "..". */
int mb_image_confine_writer(int *root_fd, struct mb_err *err);

#endif
