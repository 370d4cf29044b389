/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/gunzip.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/own.h"

enum { HEADER = 10 /* RFC 1952 */, HUGE_PAGE = 2 << 20 };

static bool is_member(const unsigned char *b, size_t n)
{
	return n >= HEADER && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8 && (b[3] & 0xe0) == 0;
}

/* Until @room bytes of the buffer are full, or the stream at its end. */
static int fill(struct mb_image_gunzip *g, size_t room)
{
	memmove(g->in, g->in + g->at, g->n - g->at);
	g->n -= g->at;
	g->at = 0;
	while (!g->ended && g->n < room) {
		ssize_t n = g->read(g->arg, g->in + g->n, room - g->n);

		if (n < 0)
			return (int)n;
		g->ended = n == 0;
		g->n += (size_t)n;
		g->came += (uint64_t)n;
	}
	return 0;
}

/* --- all that is left, as one member ---------------------------------------------------------- */

/* What it says at its end that it unpacks to. */
static size_t told_size(const struct mb_image_gunzip *g)
{
	const unsigned char *b = g->in + g->n - 4;

	return b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 | (size_t)b[3] << 24;
}

static void take_memory(const struct mb_image_gunzip *g)
{
	char byte;

	while (g->memory && read(g->memory[0], &byte, 1) < 0 && errno == EINTR)
		;
}

static void give_memory_back(const struct mb_image_gunzip *g)
{
	while (g->memory && write(g->memory[1], ".", 1) < 0 && errno == EINTR)
		;
}

static int inflate_whole(struct mb_image_gunzip *g, struct libdeflate_decompressor *d, size_t size)
{
	size_t room = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE, used;
	MB_AUTO_FREE unsigned char *out = aligned_alloc(HUGE_PAGE, room);

	if (!out)
		return MB_IMAGE_GUNZIP_REST;
	/* A fault for each small page costs as much as half of what is gained. */
	madvise(out, room, MADV_HUGEPAGE);
	if (libdeflate_gzip_decompress_ex(d, g->in, g->n, out, size, &used, NULL) !=
	    LIBDEFLATE_SUCCESS)
		return MB_IMAGE_GUNZIP_REST;
	g->at = used;
	return g->write(g->arg, out, size);
}

static int take_whole(struct mb_image_gunzip *g, struct libdeflate_decompressor *d)
{
	uint64_t whole = g->size < g->came ? UINT64_MAX : g->size - g->came + g->n;
	size_t size;
	int r;

	if (whole > MB_IMAGE_GUNZIP_WHOLE)
		return MB_IMAGE_GUNZIP_REST;
	/* One more, so that the end is seen. */
	g->in = mb_realloc(g->in, (size_t)whole + 1);
	r = fill(g, (size_t)whole + 1);
	if (r < 0)
		return r;
	size = g->n > HEADER ? told_size(g) : 0;
	if (!size || size > MB_IMAGE_GUNZIP_MOST)
		return MB_IMAGE_GUNZIP_REST;
	take_memory(g);
	r = inflate_whole(g, d, size);
	give_memory_back(g);
	return r;
}

/* --- member by member ------------------------------------------------------------------------- */

static bool is_filled(const struct mb_image_gunzip *g)
{
	return g->at == 0 && (g->ended || g->n >= MB_IMAGE_GUNZIP_IN);
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

static int run(struct mb_image_gunzip *g, struct libdeflate_decompressor *d)
{
	MB_AUTO_FREE unsigned char *out = NULL;

	for (;;) {
		int r;

		out = out ? out : mb_malloc(MB_IMAGE_GUNZIP_OUT);
		r = decompress(g, d, out);

		if (r < 0)
			return r;
		if (!is_filled(g)) {
			r = fill(g, MB_IMAGE_GUNZIP_IN);
		} else if (is_member(g->in, g->n)) {
			free(mb_take_ptr(&out));
			r = take_whole(g, d);
		} else {
			return 0;
		}
		if (r != 0)
			return r;
	}
}

int mb_image_gunzip(struct mb_image_gunzip *g)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	int r = -ENOMEM;

	g->in = mb_malloc(MB_IMAGE_GUNZIP_IN);
	g->at = g->n = 0;
	g->came = 0;
	g->ended = false;
	if (d)
		r = run(g, d);
	libdeflate_free_decompressor(d);
	return r;
}

void mb_image_gunzip_done(struct mb_image_gunzip *g)
{
	free(g->in);
	g->in = NULL;
}
