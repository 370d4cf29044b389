/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/press.h — compression on all cores, to the same bytes on however many.
 *
 * The input is cut into blocks of the same size; workers compress them, each by itself, and what
 * comes back is written in the order of the input: with gzip a member for each block, with zstd a
 * frame.  Workers are forked by who starts the press; what feeds it is a child of his as well, and
 * the two sides share nothing but memory and a socket.
 */
#ifndef MB_IMAGE_PRESS_H
#define MB_IMAGE_PRESS_H

#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_image_press; /* opaque */

enum {
	MB_IMAGE_PRESS_GZIP_BLOCK = 512 * 1024,
	MB_IMAGE_PRESS_ZSTD_BLOCK = 2 * 1024 * 1024, /* which looks further back */
	MB_IMAGE_PRESS_MAX = 32,                     /* workers */
};

enum mb_image_press_format {
	MB_IMAGE_PRESS_NONE, /* as it is */
	MB_IMAGE_PRESS_GZIP,
	MB_IMAGE_PRESS_ZSTD,
};
struct mb_image_press_how {
	enum mb_image_press_format format;
	int level;        /* 0: the format's own; gzip 1 to 9, zstd 1 to 22 */
	size_t n_workers; /* 0: one for each core that we may use */
};
int mb_image_press_check(const struct mb_image_press_how *how, struct mb_err *err);

/* Fork the workers.  Return: 0 and *@ret, which ends with mb_image_press_free(); -errno, told. */
int mb_image_press_start(const struct mb_image_press_how *how, struct mb_image_press **ret,
                         struct mb_err *err);
/* In the process that forked: its copies of the sockets go.  Who is left alone sees that then. */
void mb_image_press_let_go(struct mb_image_press *press);
/* Ends and reaps the workers.  NULL is fine. */
void mb_image_press_free(struct mb_image_press *press);

/* The feeder's descriptors, for mb_image_confine_begin(): at most MB_IMAGE_PRESS_MAX. */
size_t mb_image_press_fds(const struct mb_image_press *press, int *fds);
/* In the feeder: where the compressed bytes go; a negative return of @write ends all. */
void mb_image_press_open(struct mb_image_press *press,
                         int (*write)(void *arg, const void *bytes, size_t n), void *arg);
/* Return of both: 0; -EPIPE, a worker is gone; what @write returned.  Nothing told. */
int mb_image_press_add(struct mb_image_press *press, const void *bytes, size_t n);
int mb_image_press_finish(struct mb_image_press *press);

#endif
