/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/skeleton.h — what a layer's tar has besides the content of its files.
 *
 * A layer must leave as the very bytes it came in, or its digest is another.  The tree has the
 * content of files; headers, padding and order are kept here, as a list of stretches: bytes as
 * they are, or "the content of this file".  The list is compressed with gzip (layers/CHAIN/tar).
 */
#ifndef MB_IMAGE_SKELETON_H
#define MB_IMAGE_SKELETON_H

#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_image_ring;
struct mb_image_skeleton; /* opaque: one that is being taken */

/* Take one of a stream, to the file @fd.  Runs in a confined child: only write(2) is needed. */
struct mb_image_skeleton *mb_image_skeleton_new(int fd);
void mb_image_skeleton_add(struct mb_image_skeleton *s, const unsigned char *bytes, size_t n);
/* Write the rest and free it.  Return: 0 or -errno of a write. */
int mb_image_skeleton_finish(struct mb_image_skeleton *s);

/* Put the tar together again, into @ring: the skeleton @fd, and the tree @root_fd, in which the
 * names are looked up.  Return: 0 or -errno, told. */
int mb_image_skeleton_fill(int fd, int root_fd, struct mb_image_ring *ring, struct mb_err *err);

#endif
