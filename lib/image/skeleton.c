/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking a skeleton: just enough of tar (POSIX.1-2017, pax; GNU's long names and sparse files) to
 * know where the content of files lies.  What is not understood is kept as it is, whole: that
 * costs room, and no more. */
#include "image/skeleton.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "image/skeleton_priv.h"

enum { BLOCK = 512, GATHER = 64 * 1024, MAX_PAX = 1 << 20, MAX_PATH = 8192 };

/* Parts of a header: POSIX.1-2017, pax, "ustar Interchange Format". */
enum {
	NAME = 0,
	SIZE = 124,
	SUM = 148,
	TYPE = 156,
	MAGIC = 257,
	PREFIX = 345,
	GNU_MORE = 482,
	GNU_EXTENSION_MORE = 504
};

enum state {
	IN_HEADER,
	IN_EXTENSION, /* of an old GNU sparse file: further headers */
	IN_BYTES,     /* kept as they are */
	IN_TEXT,      /* the same, and they say something of the next header */
	IN_FILE,      /* the content of a file that the tree has */
	IN_ALL,       /* whatever follows is kept */
};

struct mb_image_skeleton {
	int fd, failure;
	struct archive *gzip;
	struct mb_str bytes; /* kept and not yet written */
	enum state state;
	unsigned char block[BLOCK];
	size_t n_block;
	uint64_t left, padding; /* of the data at hand */
	struct mb_str text;     /* of pax, or a long name */
	unsigned char text_type;
	/* of the next header, from before it */
	char *path;
	bool has_size, is_sparse;
	uint64_t size;
};

static la_ssize_t give(struct archive *a, void *arg, const void *bytes, size_t n)
{
	struct mb_image_skeleton *s = arg;
	int r = mb_write_full(s->fd, bytes, n);

	(void)a;
	if (r < 0 && !s->failure)
		s->failure = r;
	return r < 0 ? -1 : (la_ssize_t)n;
}

struct mb_image_skeleton *mb_image_skeleton_new(int fd)
{
	struct mb_image_skeleton *s = mb_calloc(1, sizeof(*s));
	struct archive_entry *entry = archive_entry_new();

	s->fd = fd;
	s->gzip = archive_write_new();
	if (!s->gzip || !entry || archive_write_add_filter_gzip(s->gzip) != ARCHIVE_OK ||
	    archive_write_set_format_raw(s->gzip) != ARCHIVE_OK ||
	    archive_write_set_options(s->gzip, "compression-level=1,!timestamp") != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(s->gzip, 1) != ARCHIVE_OK ||
	    archive_write_open(s->gzip, s, NULL, give, NULL) != ARCHIVE_OK) {
		s->failure = -ENOSYS;
	} else {
		archive_entry_set_filetype(entry, AE_IFREG);
		if (archive_write_header(s->gzip, entry) != ARCHIVE_OK)
			s->failure = -ENOSYS;
	}
	archive_entry_free(entry);
	return s;
}

static void put(struct mb_image_skeleton *s, const void *bytes, size_t n)
{
	if (!s->failure && archive_write_data(s->gzip, bytes, n) != (la_ssize_t)n && !s->failure)
		s->failure = -EIO;
}

static void put_bytes(struct mb_image_skeleton *s)
{
	const struct mb_image_skeleton_record record = {MB_IMAGE_SKELETON_BYTES, 0, s->bytes.len};

	if (!s->bytes.len)
		return;
	put(s, &record, sizeof(record));
	put(s, s->bytes.buf, s->bytes.len);
	mb_str_reset(&s->bytes);
}

static void keep(struct mb_image_skeleton *s, const unsigned char *bytes, size_t n)
{
	mb_str_addn(&s->bytes, bytes, n);
	if (s->bytes.len >= GATHER)
		put_bytes(s);
}

static void put_file(struct mb_image_skeleton *s, const char *path, uint64_t size)
{
	const struct mb_image_skeleton_record record = {MB_IMAGE_SKELETON_FILE,
	                                                (uint32_t)strlen(path), size};

	put_bytes(s);
	put(s, &record, sizeof(record));
	put(s, path, strlen(path));
}

/* --- headers ---------------------------------------------------------------------------------- */

/* Octal, or base 256 with the highest bit set. */
static bool parse_number(const unsigned char *p, size_t n, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	if (p[0] & 0x80) {
		if (p[0] != 0x80)
			return false;
		for (i = 1; i < n; i++) {
			if (value >> 55)
				return false;
			value = value << 8 | p[i];
		}
		*ret = value;
		return true;
	}
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(p[i] - '0');
	*ret = value;
	return i == n || p[i] == ' ' || p[i] == '\0';
}

static bool sum_is_right(const unsigned char *block)
{
	uint64_t told, sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= SUM && i < SUM + 8 ? ' ' : block[i];
	return parse_number(block + SUM, 8, &told) && told == sum;
}

static char *header_path(const unsigned char *block)
{
	const char *name = (const char *)block + NAME, *prefix = (const char *)block + PREFIX;

	if (memcmp(block + MAGIC, "ustar\0", 6) == 0 && *prefix)
		return mb_asprintf("%.155s/%.100s", prefix, name);
	return mb_asprintf("%.100s", name);
}

static void forget(struct mb_image_skeleton *s)
{
	free(s->path);
	s->path = NULL;
	s->has_size = s->is_sparse = false;
}

static void begin_data(struct mb_image_skeleton *s, enum state state, uint64_t size)
{
	s->left = size;
	s->padding = (BLOCK - size % BLOCK) % BLOCK;
	s->state = size ? state : IN_HEADER;
}

/* "length key=value\n": what it says of the next member. */
static void read_pax(struct mb_image_skeleton *s)
{
	const char *p = mb_str_text(&s->text), *end = p + s->text.len;

	while (p < end) {
		size_t n = strtoul(p, NULL, 10);
		const char *key = memchr(p, ' ', (size_t)(end - p)), *value;

		if (!key || n > (size_t)(end - p) || n < (size_t)(key - p) + 3)
			break;
		value = memchr(key, '=', (size_t)(p + n - key));
		if (!value)
			break;
		key++;
		value++;
		{
			size_t len = (size_t)(p + n - 1 - value);
			MB_AUTO_FREE char *text = mb_strndup(value, len);

			if (mb_starts_with(key, "path="))
				mb_strset(&s->path, text);
			else if (mb_starts_with(key, "size="))
				s->has_size = mb_parse_u64(text, &s->size) == 0;
			else if (mb_starts_with(key, "GNU.sparse."))
				s->is_sparse = true;
		}
		p += n;
	}
}

static void end_data(struct mb_image_skeleton *s)
{
	if (s->state == IN_TEXT && s->text_type == 'x')
		read_pax(s);
	else if (s->state == IN_TEXT)
		mb_strset(&s->path, mb_str_text(&s->text));
	if (s->state == IN_TEXT)
		mb_str_reset(&s->text);
	s->state = IN_HEADER;
}

static bool is_regular(unsigned char type)
{
	return type == '0' || type == '\0' || type == '7';
}

static void read_regular(struct mb_image_skeleton *s, uint64_t size)
{
	MB_AUTO_FREE char *path = s->path ? mb_take_ptr(&s->path) : header_path(s->block);
	size_t len = strlen(path);

	if (s->is_sparse || len == 0 || len > MAX_PATH || path[len - 1] == '/') {
		begin_data(s, IN_BYTES, size);
		return;
	}
	if (size)
		put_file(s, path, size);
	begin_data(s, IN_FILE, size);
}

static void read_header(struct mb_image_skeleton *s)
{
	static const unsigned char zeros[BLOCK];
	unsigned char type = s->block[TYPE];
	uint64_t size;

	keep(s, s->block, BLOCK);
	if (memcmp(s->block, zeros, BLOCK) == 0)
		return;
	if (!sum_is_right(s->block) || !parse_number(s->block + SIZE, 12, &size)) {
		s->state = IN_ALL;
		return;
	}
	if (s->has_size && type != 'x' && type != 'L' && type != 'K')
		size = s->size;
	if (is_regular(type)) {
		read_regular(s, size);
		forget(s);
	} else if ((type == 'x' || type == 'L') && size <= MAX_PAX) {
		s->text_type = type;
		begin_data(s, IN_TEXT, size);
	} else if (type == 'g' || type == 'K') {
		begin_data(s, IN_BYTES, size);
	} else if (type == 'S') {
		forget(s);
		begin_data(s, IN_BYTES, size);
		if (s->block[GNU_MORE])
			s->state = IN_EXTENSION;
	} else if (type >= '1' && type <= '6' && size == 0) {
		forget(s);
	} else {
		s->state = IN_ALL;
	}
}

static void read_block(struct mb_image_skeleton *s)
{
	if (s->state == IN_HEADER) {
		read_header(s);
		return;
	}
	keep(s, s->block, BLOCK);
	if (!s->block[GNU_EXTENSION_MORE])
		begin_data(s, IN_BYTES, s->left);
}

/* --- the stream ------------------------------------------------------------------------------- */

static size_t add_block(struct mb_image_skeleton *s, const unsigned char *bytes, size_t n)
{
	size_t part = BLOCK - s->n_block < n ? BLOCK - s->n_block : n;

	memcpy(s->block + s->n_block, bytes, part);
	s->n_block += part;
	if (s->n_block == BLOCK) {
		s->n_block = 0;
		read_block(s);
	}
	return part;
}

static size_t add_data(struct mb_image_skeleton *s, const unsigned char *bytes, size_t n)
{
	size_t part;

	if (s->left) {
		part = s->left < n ? (size_t)s->left : n;
		s->left -= part;
		if (s->state != IN_FILE)
			keep(s, bytes, part);
		if (s->state == IN_TEXT)
			mb_str_addn(&s->text, bytes, part);
	} else {
		part = s->padding < n ? (size_t)s->padding : n;
		s->padding -= part;
		keep(s, bytes, part);
	}
	if (!s->left && !s->padding)
		end_data(s);
	return part;
}

void mb_image_skeleton_add(struct mb_image_skeleton *s, const unsigned char *bytes, size_t n)
{
	while (n) {
		size_t part = n;

		if (s->state == IN_ALL)
			keep(s, bytes, n);
		else if (s->state == IN_HEADER || s->state == IN_EXTENSION)
			part = add_block(s, bytes, n);
		else
			part = add_data(s, bytes, n);
		bytes += part;
		n -= part;
	}
}

int mb_image_skeleton_finish(struct mb_image_skeleton *s)
{
	int r;

	keep(s, s->block, s->n_block);
	put_bytes(s);
	if (s->gzip && archive_write_close(s->gzip) != ARCHIVE_OK && !s->failure)
		s->failure = -EIO;
	archive_write_free(s->gzip);
	r = s->failure;
	forget(s);
	mb_str_done(&s->bytes);
	mb_str_done(&s->text);
	free(s);
	return r;
}
