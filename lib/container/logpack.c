/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/logpack.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "monitor/logset.h"

enum { CHUNK = 1 << 20, LEVEL = 6, HEAD = 10, TAIL = 8, COMMENT = 24, HAS_COMMENT = 0x10 };

struct packing {
	struct libdeflate_compressor *compressor;
	size_t bound;
	unsigned char *in, *out;
};

static void packing_done(struct packing *p)
{
	libdeflate_free_compressor(p->compressor);
	free(p->in);
	free(p->out);
}

static void put_u32(unsigned char *p, uint32_t value)
{
	for (int i = 0; i < 4; i++, value >>= 8)
		p[i] = (unsigned char)value;
}

/* RFC 1952.  @id: 0: no comment.  Return: bytes. */
static size_t put_head(unsigned char *p, uint64_t id)
{
	static const unsigned char plain[HEAD] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

	memcpy(p, plain, HEAD);
	if (!id)
		return HEAD;
	p[3] = HAS_COMMENT;
	return HEAD + 1 +
	       (size_t)snprintf((char *)p + HEAD, COMMENT, "%llu", (unsigned long long)id);
}

static int pack_chunk(struct packing *p, size_t n, uint64_t id, int to_fd)
{
	size_t head = put_head(p->out, id);
	size_t body = libdeflate_deflate_compress(p->compressor, p->in, n, p->out + head, p->bound);

	if (!body)
		return -EIO;
	put_u32(p->out + head + body, libdeflate_crc32(0, p->in, n));
	put_u32(p->out + head + body + 4, (uint32_t)n);
	return mb_write_full(to_fd, p->out, head + body + TAIL);
}

int mb_container_logpack(int from_fd, int to_fd, struct mb_err *err)
{
	__attribute__((cleanup(packing_done))) struct packing p = {
		.compressor = libdeflate_alloc_compressor(LEVEL)};
	uint64_t id = mb_logset_identity(from_fd);
	size_t n;
	int r = 0;

	if (!p.compressor || !id)
		return mb_fail(err, ENOMEM, "cannot pack a log");
	p.bound = libdeflate_deflate_compress_bound(p.compressor, CHUNK);
	p.in = mb_malloc(CHUNK);
	p.out = mb_malloc(HEAD + COMMENT + p.bound + TAIL);
	do {
		r = mb_read_full(from_fd, p.in, CHUNK, &n);
		if (r == 0 && (n || id))
			r = pack_chunk(&p, n, id, to_fd);
		id = 0;
	} while (r == 0 && n == CHUNK);
	/* The plain file goes next, and after a power cut one of the two has to be whole. */
	if (r == 0 && fsync(to_fd) < 0)
		r = -errno;
	return r < 0 ? mb_fail_sys(err, -r, "cannot pack a log") : 0;
}

static int unpack(const unsigned char *in, size_t n, struct libdeflate_decompressor *d, int to_fd)
{
	MB_AUTO_FREE unsigned char *out = mb_malloc(CHUNK);
	int r = 0;

	while (r == 0 && n) {
		size_t used, got;

		if (libdeflate_gzip_decompress_ex(d, in, n, out, CHUNK, &used, &got) !=
		    LIBDEFLATE_SUCCESS)
			return -EBADMSG;
		in += used;
		n -= used;
		r = mb_write_full(to_fd, out, got);
	}
	return r;
}

int mb_container_logunpack(int packed_fd, int to_fd)
{
	struct libdeflate_decompressor *d;
	struct stat st;
	void *in;
	int r;

	if (fstat(packed_fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return -EBADMSG;
	in = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, packed_fd, 0);
	if (in == MAP_FAILED)
		return -errno;
	d = libdeflate_alloc_decompressor();
	r = d ? unpack(in, (size_t)st.st_size, d, to_fd) : -ENOMEM;
	libdeflate_free_decompressor(d);
	munmap(in, (size_t)st.st_size);
	return r;
}
