/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/gunzip.h — gzip by members: libdeflate is twice as fast as zlib, and wants each whole.
 *
 * What mybox pushes has members of 512 KiB, seekable layers (eStargz) some of 4 MiB; a small layer
 * is one.  What docker and skopeo push is one member each: if all that is left is no more than
 * MB_IMAGE_GUNZIP_WHOLE, and says that it unpacks to no more than MB_IMAGE_GUNZIP_MOST, it is
 * taken whole.  The first that is larger ends it, and somebody else takes over there.
 */
#ifndef MB_IMAGE_GUNZIP_H
#define MB_IMAGE_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	MB_IMAGE_GUNZIP_IN = 2 << 20,
	MB_IMAGE_GUNZIP_OUT = 4 << 20,
	MB_IMAGE_GUNZIP_WHOLE = 12 << 20,
	MB_IMAGE_GUNZIP_MOST = 28 << 20,
};

struct mb_image_gunzip {
	/* Up to @n bytes of the stream; 0 at its end; -errno. */
	ssize_t (*read)(void *arg, void *to, size_t n);
	int (*write)(void *arg, const void *bytes, size_t n);
	void *arg;
	uint64_t size; /* of the stream; 0: unknown */
	/* The ends of a pipe with a byte in it, for all who inflate at once: who has taken it has
	 * the memory for something large.  NULL: nobody else does. */
	const int *memory;
	/* What was read and not used: in[at] to in[n]. */
	unsigned char *in;
	size_t at, n;
	uint64_t came; /* in all */
	bool ended;    /* there is no more to read */
};
enum { MB_IMAGE_GUNZIP_REST = 1 };
/* Return: 0, the members have come to their end, and what is left is none of them;
 * MB_IMAGE_GUNZIP_REST, what is left begins with a member that is too large, or broken; or what
 * read() or write() said. */
int mb_image_gunzip(struct mb_image_gunzip *g);
/* Free the buffer.  NULL there is fine. */
void mb_image_gunzip_done(struct mb_image_gunzip *g);

#endif
