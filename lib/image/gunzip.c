/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/gunzip.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "core/own.h"

enum { HEADER = 10 }; /* RFC 1952 */

static bool is_member(const unsigned char *b, size_t n)
{
	return n >= HEADER && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8 && (b[3] & 0xe0) == 0;
}

/* Until the buffer is full, or the stream at its end. */
static int fill(struct mb_image_gunzip *g)
{
	memmove(g->in, g->in + g->at, g->n - g->at);
	g->n -= g->at;
	g->at = 0;
	while (!g->ended && g->n < MB_IMAGE_GUNZIP_IN) {
		ssize_t n = g->read(g->arg, g->in + g->n, MB_IMAGE_GUNZIP_IN - g->n);

		if (n < 0)
			return (int)n;
		g->ended = n == 0;
		g->n += (size_t)n;
	}
	return 0;
}

static bool is_filled(const struct mb_image_gunzip *g)
{
	return g->at == 0 && (g->ended || g->n == MB_IMAGE_GUNZIP_IN);
}

/* One that was cut off may only lack what is still to be read. */
static int decompress(struct mb_image_gunzip *g, struct libdeflate_decompressor *d,
                      unsigned char *out)
{
	size_t used = 0, got = 0;
	int r = 0;

	while (r == 0 && is_member(g->in + g->at, g->n - g->at) &&
	       libdeflate_gzip_decompress_ex(d, g->in + g->at, g->n - g->at, out,
	                                     MB_IMAGE_GUNZIP_OUT, &used,
	                                     &got) == LIBDEFLATE_SUCCESS) {
		g->at += used;
		r = g->write(g->arg, out, got);
	}
	return r;
}

static int run(struct mb_image_gunzip *g, struct libdeflate_decompressor *d, unsigned char *out)
{
	for (;;) {
		int r = decompress(g, d, out);

		if (r < 0)
			return r;
		if (is_filled(g))
			return is_member(g->in, g->n) ? MB_IMAGE_GUNZIP_REST : 0;
		r = fill(g);
		if (r < 0)
			return r;
	}
}

int mb_image_gunzip(struct mb_image_gunzip *g)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	MB_AUTO_FREE unsigned char *out = mb_malloc(MB_IMAGE_GUNZIP_OUT);
	int r = -ENOMEM;

	g->in = mb_malloc(MB_IMAGE_GUNZIP_IN);
	g->at = g->n = 0;
	g->ended = false;
	if (d)
		r = run(g, d, out);
	libdeflate_free_decompressor(d);
	return r;
}

void mb_image_gunzip_done(struct mb_image_gunzip *g)
{
	free(g->in);
	g->in = NULL;
}
