/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/feed.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/own.h"
#include "image/gunzip.h"
#include "image/ring.h"
#include "image/skeleton.h"

struct feed {
	const struct mb_image_stretch *from;
	struct mb_image_ring *ring;
	struct mb_image_fed *ret;
	struct mb_sha256 stored, plain;
	struct mb_image_skeleton *skeleton; /* or NULL */
	unsigned char head[8];              /* the first bytes, read to know the compression */
	size_t n_head, head_used;
	unsigned char *buffer; /* compressed input */
	struct mb_image_gunzip gunzip;
	unsigned char *slot; /* being filled */
	size_t slot_len;
	int failure; /* negative errno of a read */
	bool ended;  /* a growing file has come to its end */
};

/* Until there may be more in a file that grows.  Return: whether there may. */
static bool await_more(struct feed *f)
{
	char news[64];
	ssize_t n;

	if (!f->from->grows || f->ended)
		return false;
	do
		n = read(f->from->more_fd, news, sizeof(news));
	while (n < 0 && errno == EINTR);
	/* What came before the end counts: look once more. */
	f->ended = n <= 0 || memchr(news, MB_IMAGE_STRETCH_END, (size_t)n);
	return true;
}

/* Up to @n stored bytes, 0 at the end of the stretch. */
static ssize_t read_raw(struct feed *f, void *to, size_t n)
{
	uint64_t done = f->ret->n_stored, left = f->from->size - done;
	ssize_t got;

	if (n > left)
		n = (size_t)left;
	if (n == 0)
		return 0;
	do {
		if (f->from->seekable)
			got = pread(f->from->fd, to, n, (off_t)(f->from->offset + done));
		else
			got = read(f->from->fd, to, n);
	} while ((got < 0 && errno == EINTR) || (got == 0 && await_more(f)));
	if (got < 0)
		return f->failure = -errno;
	f->ret->n_stored += (uint64_t)got;
	return got;
}

static ssize_t read_stored(struct feed *f, void *to, size_t n)
{
	size_t from_head = f->n_head - f->head_used;

	if (from_head) {
		n = n < from_head ? n : from_head;
		memcpy(to, f->head + f->head_used, n);
		f->head_used += n;
		return (ssize_t)n;
	}
	return read_raw(f, to, n);
}

static int read_head(struct feed *f)
{
	while (f->n_head < sizeof(f->head)) {
		ssize_t n = read_raw(f, f->head + f->n_head, sizeof(f->head) - f->n_head);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		f->n_head += (size_t)n;
	}
	return 0;
}

static bool is_compressed(const unsigned char *b, size_t n)
{
	static const struct {
		unsigned char n, bytes[6];
	} magics[] = {
		{3, {0x1f, 0x8b, 8}},
		{4, {0x28, 0xb5, 0x2f, 0xfd}},
		{6, {0xfd, '7', 'z', 'X', 'Z', 0}},
		{3, {'B', 'Z', 'h'}},
	};

	for (size_t i = 0; i < MB_N(magics); i++)
		if (n >= magics[i].n && memcmp(b, magics[i].bytes, magics[i].n) == 0)
			return true;
	/* A zstd stream may begin with a skippable frame. */
	return n >= 4 && (b[0] & 0xf0) == 0x50 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18;
}

/* Hand a filled slot on. */
static int push(struct feed *f, const unsigned char *slot, size_t len)
{
	int r;

	mb_sha256_add(&f->plain, slot, len);
	if (f->skeleton)
		mb_image_skeleton_add(f->skeleton, slot, len);
	f->ret->n_plain += len;
	*f->ring->progress = f->ret->n_stored;
	r = mb_image_bound_check(&f->from->bound, f->ret->compressed, f->ret->n_stored,
	                         f->ret->n_plain, &f->ret->err);
	return r < 0 ? r : mb_image_ring_push(f->ring, len);
}

static int feed_plain(struct feed *f)
{
	for (;;) {
		unsigned char *slot;
		size_t len = 0;
		int r = mb_image_ring_slot(f->ring, &slot);

		while (r == 0 && len < MB_IMAGE_RING_SLOT) {
			ssize_t n = read_stored(f, slot + len, MB_IMAGE_RING_SLOT - len);

			if (n < 0)
				return (int)n;
			if (n == 0)
				break;
			len += (size_t)n;
		}
		if (r == 0 && len)
			r = push(f, slot, len);
		if (r < 0 || len < MB_IMAGE_RING_SLOT)
			return r;
	}
}

static ssize_t read_hashed(void *arg, void *to, size_t n)
{
	struct feed *f = arg;
	ssize_t got = read_stored(f, to, n);

	if (got > 0)
		mb_sha256_add(&f->stored, to, (size_t)got);
	return got;
}

/* What the other decompressor left comes first. */
static la_ssize_t give_stored(struct archive *a, void *arg, const void **ret)
{
	struct feed *f = arg;
	struct mb_image_gunzip *g = &f->gunzip;
	ssize_t n;

	if (g->in && g->at < g->n) {
		*ret = g->in + g->at;
		n = (ssize_t)(g->n - g->at);
		g->at = g->n;
		return n;
	}
	n = read_hashed(f, f->buffer, MB_IMAGE_RING_SLOT);
	if (n < 0) {
		archive_set_error(a, -f->failure, "cannot read");
		return ARCHIVE_FATAL;
	}
	*ret = f->buffer;
	return n;
}

static int fail_archive(struct feed *f, struct archive *a)
{
	const char *why = archive_error_string(a);

	if (f->failure)
		return f->failure;
	return mb_fail(&f->ret->err, EBADMSG, "cannot decompress: %s", why ? why : "broken data");
}

/* Every one of these must be linked in: the library would start a program otherwise. */
static int allow_filters(struct archive *a)
{
	return archive_read_support_filter_gzip(a) == ARCHIVE_OK &&
	                       archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
	                       archive_read_support_filter_xz(a) == ARCHIVE_OK &&
	                       archive_read_support_filter_bzip2(a) == ARCHIVE_OK &&
	                       archive_read_support_format_raw(a) == ARCHIVE_OK &&
	                       archive_read_support_format_empty(a) == ARCHIVE_OK
	               ? 0
	               : -ENOSYS;
}

static int push_slot(struct feed *f)
{
	int r = f->slot_len ? push(f, f->slot, f->slot_len) : 0;

	f->slot_len = 0;
	return r;
}

/* Into slots, each filled to the brim. */
static int put_plain(void *arg, const void *bytes, size_t n)
{
	const unsigned char *from = bytes;
	struct feed *f = arg;

	while (n) {
		size_t room = MB_IMAGE_RING_SLOT - f->slot_len, part = n < room ? n : room;

		if (mb_image_ring_slot(f->ring, &f->slot) < 0)
			return -EPIPE;
		memcpy(f->slot + f->slot_len, from, part);
		from += part;
		n -= part;
		f->slot_len += part;
		if (f->slot_len == MB_IMAGE_RING_SLOT && push_slot(f) < 0)
			return -EPIPE;
	}
	return 0;
}

static int copy_blocks(struct feed *f, struct archive *a)
{
	const void *block;
	la_int64_t offset;
	size_t n;
	int r;

	for (;;) {
		r = archive_read_data_block(a, &block, &n, &offset);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return fail_archive(f, a);
		r = put_plain(f, block, n);
		if (r < 0)
			return r;
	}
}

static int feed_archive(struct feed *f)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	int r;

	if (!a || allow_filters(a) < 0)
		return mb_fail(&f->ret->err, ENOSYS, "a decompressor is missing in this program");
	r = archive_read_open(a, f, NULL, give_stored, NULL);
	if (r == ARCHIVE_OK)
		r = archive_read_next_header(a, &entry);
	if (r == ARCHIVE_EOF)
		r = 0;
	else if (r != ARCHIVE_OK)
		r = fail_archive(f, a);
	else
		r = copy_blocks(f, a);
	archive_read_free(a);
	return r;
}

static int feed_compressed(struct feed *f)
{
	int r = MB_IMAGE_GUNZIP_REST;

	f->buffer = mb_malloc(MB_IMAGE_RING_SLOT);
	f->gunzip =
		(struct mb_image_gunzip){.read = read_hashed,
	                                 .write = put_plain,
	                                 .arg = f,
	                                 .size = f->from->size == UINT64_MAX ? 0 : f->from->size,
	                                 .memory = f->from->memory};
	if (f->head[0] == 0x1f)
		r = mb_image_gunzip(&f->gunzip);
	if (r == MB_IMAGE_GUNZIP_REST)
		r = feed_archive(f);
	if (r == 0)
		r = push_slot(f);
	/* What follows the compressed data belongs to the digest of the blob. */
	while (r == 0) {
		ssize_t n = read_hashed(f, f->buffer, MB_IMAGE_RING_SLOT);

		r = n > 0 ? 0 : n < 0 ? (int)n : 1;
	}
	mb_image_gunzip_done(&f->gunzip);
	free(f->buffer);
	return r < 0 ? r : 0;
}

void mb_image_feed(const struct mb_image_stretch *from, struct mb_image_ring *ring, int skeleton_fd,
                   struct mb_image_fed *ret)
{
	struct feed f = {.from = from, .ring = ring, .ret = ret};
	int r, kept = 0;

	if (skeleton_fd >= 0)
		f.skeleton = mb_image_skeleton_new(skeleton_fd);

	mb_sha256_init(&f.stored);
	mb_sha256_init(&f.plain);
	r = read_head(&f);
	if (r == 0) {
		ret->compressed = is_compressed(f.head, f.n_head);
		r = ret->compressed ? feed_compressed(&f) : feed_plain(&f);
	}
	if (r == 0 && from->size != UINT64_MAX && ret->n_stored != from->size)
		r = mb_fail(&ret->err, EBADMSG, "the file ends early");
	if (f.skeleton)
		kept = mb_image_skeleton_finish(f.skeleton);
	if (r == 0 && kept < 0)
		r = mb_fail_sys(&ret->err, -kept, "cannot keep the record of the archive");
	mb_sha256_finish_text(&f.plain, ret->plain);
	if (ret->compressed)
		mb_sha256_finish_text(&f.stored, ret->stored);
	else
		memcpy(ret->stored, ret->plain, sizeof(ret->stored));
	if (r == 0)
		r = mb_image_ring_push(ring, 0);
	if (r < 0 && !ret->err.code)
		mb_fail_sys(&ret->err, -r, "cannot read the archive");
}
