/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/flush.h — what is written must reach the disk before an image has a name: begin while
 * there is more to come, or the disk idles now and everybody waits later. */
#ifndef MB_IMAGE_FLUSH_H
#define MB_IMAGE_FLUSH_H

struct mb_err;
struct mb_image_child;

enum { MB_IMAGE_FLUSH_MSEC = 100 }; /* what is through before that is not worth a process */

/* The file system of @fd, again and again, until mb_image_child_done(). */
int mb_image_flush_start(struct mb_image_child *child, int fd, struct mb_err *err);

#endif
