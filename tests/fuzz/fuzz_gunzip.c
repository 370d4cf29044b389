/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libdeflate.h>

#include "fuzz.h"
#include "image/gunzip.h"

struct stream {
	const uint8_t *data;
	size_t size, at, given;
};

/* Few at a time, so that members are cut everywhere. */
static ssize_t give(void *arg, void *to, size_t n)
{
	struct stream *s = arg;
	size_t left = s->size - s->at;

	n = n < left ? n : left;
	n = n < 7 ? n : 7;
	memcpy(to, s->data + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

static int take(void *arg, const void *bytes, size_t n)
{
	struct stream *s = arg;

	(void)bytes;
	s->given += n;
	return 0;
}

/* All at once: where the members end, and what they hold. */
static size_t members(const uint8_t *data, size_t size, size_t *ret_given)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	unsigned char *out = malloc(MB_IMAGE_GUNZIP_OUT);
	size_t at = 0, used, got;

	*ret_given = 0;
	while (size - at >= 10 && data[at] == 0x1f && data[at + 1] == 0x8b &&
	       libdeflate_gzip_decompress_ex(d, data + at, size - at, out, MB_IMAGE_GUNZIP_OUT,
	                                     &used, &got) == LIBDEFLATE_SUCCESS) {
		at += used;
		*ret_given += got;
	}
	free(out);
	libdeflate_free_decompressor(d);
	return at;
}

/* What is not unpacked is left as it was, to its last byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream s = {.data = data, .size = size};
	struct mb_image_gunzip g = {.read = give, .write = take, .arg = &s};
	int r = mb_image_gunzip(&g);
	size_t rest = g.n - g.at, given;

	FUZZ_CHECK(r == 0 || r == MB_IMAGE_GUNZIP_REST);
	FUZZ_CHECK(s.at == size && rest <= size);
	FUZZ_CHECK(rest == 0 || memcmp(g.in + g.at, data + size - rest, rest) == 0);
	FUZZ_CHECK(members(data, size, &given) == size - rest && given == s.given);
	mb_image_gunzip_done(&g);
	return 0;
}
