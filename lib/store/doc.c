/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/doc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crc32c.h"
#include "core/err.h"
#include "core/id.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "store/store.h"
#include "store/sweep.h"
#include "json/json.h"

/* {"schema":1,"sum":"89abcdef" and then what is summed. */
static const char sum_key[] = ",\"sum\":\"";
enum { SUM_DIGITS = 8 };

void mb_store_doc_format(const char *body, size_t len, struct mb_str *out)
{
	size_t sum_at, body_at;
	char digits[SUM_DIGITS + 1];

	mb_str_reserve(out, len + 48);
	mb_str_addf(out, "{\"schema\":%d%s", MB_STORE_SCHEMA, sum_key);
	sum_at = out->len;
	mb_str_add(out, "00000000\"");
	body_at = out->len;
	if (len > 2)
		mb_str_addc(out, ',');
	mb_str_addn(out, body + 1, len - 1);
	snprintf(digits, sizeof(digits), "%08x",
	         mb_crc32c(0, out->buf + body_at, out->len - body_at));
	memcpy(out->buf + sum_at, digits, SUM_DIGITS);
}

/* *@ret_body: where the comma stands, or the brace if there is nothing else. */
static int check_header(const char *text, size_t len, size_t *ret_body, struct mb_err *err)
{
	const char *p = mb_skip_prefix(text, "{\"schema\":"), *summed;
	uint32_t sum = 0;
	int schema = 0;

	for (; p && *p >= '0' && *p <= '9' && schema < 10000; p++)
		schema = schema * 10 + (*p - '0');
	if (schema > MB_STORE_SCHEMA)
		return mb_fail(err, EPROTONOSUPPORT,
		               "written by a newer mybox (schema %d, this one knows %d)", schema,
		               MB_STORE_SCHEMA);
	if (schema <= 0 || !(p = mb_skip_prefix(p, sum_key))) {
		mb_fail(err, EBADMSG, "corrupt at byte 0: no schema and sum");
		return MB_DOC_CORRUPT;
	}
	summed = p + SUM_DIGITS + 1;
	for (int i = 0; i < SUM_DIGITS; i++, p++) {
		const char *digit = *p ? strchr("0123456789abcdef", *p) : NULL;

		if (!digit) {
			mb_fail(err, EBADMSG, "corrupt at byte %td: the sum", p - text);
			return MB_DOC_CORRUPT;
		}
		sum = sum << 4 | (uint32_t)(digit - "0123456789abcdef");
	}
	if (summed > text + len || summed[-1] != '"' ||
	    mb_crc32c(0, summed, (size_t)(text + len - summed)) != sum) {
		mb_fail(err, EBADMSG, "corrupt: %zu bytes do not have the sum %08x", len, sum);
		return MB_DOC_CORRUPT;
	}
	*ret_body = (size_t)(summed - text);
	return 0;
}

int mb_store_doc_parse(const char *text, size_t len, struct json_object **ret, struct mb_err *err)
{
	size_t body;
	int r = check_header(text, len, &body, err);

	if (r != 0)
		return r;
	/* The sum is right, so what does not parse was written so. */
	if (mb_json_parse_object(text, len, ret, err) < 0)
		return MB_DOC_CORRUPT;
	return 0;
}

static int read_text(int dirfd, const char *name, struct mb_str *text, struct mb_err *err)
{
	int r = mb_read_small_file(dirfd, name, MB_DOC_LIMIT, text, err);

	/* A link, a directory, a pipe that somebody holds, too much: none is a document of ours. */
	return r == -ELOOP || r == -EISDIR || r == -EINVAL || r == -EAGAIN || r == -ENXIO ||
	                       r == -EFBIG
	               ? MB_DOC_CORRUPT
	               : r;
}

int mb_store_doc_read(int dirfd, const char *name, struct json_object **ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = read_text(dirfd, name, &text, err);

	if (r != 0)
		return r;
	r = mb_store_doc_parse(mb_str_text(&text), text.len, ret, err);
	if (r != 0)
		mb_wrap(err, r, "'%s'", name);
	return r;
}

int mb_store_doc_load(int dirfd, const char *name, const struct mb_json_field *table, void *out,
                      struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	size_t body = 0;
	int r = read_text(dirfd, name, &text, err);

	if (r != 0)
		return r;
	r = check_header(mb_str_text(&text), text.len, &body, err);
	/* No table has a row for the header, and of names without one a tree is made. */
	if (r == 0 && body < text.len && text.buf[body] == ',')
		text.buf[body] = '{';
	else
		body = 0;
	if (r == 0 && mb_json_fill(text.buf + body, text.len - body, table, out, err) < 0) {
		mb_json_done(table, out);
		r = MB_DOC_CORRUPT;
	}
	if (r != 0)
		mb_wrap(err, r, "'%s'", name);
	return r;
}

static int write_and_sync(int fd, const void *bytes, size_t n, unsigned flags, const char *name,
                          struct mb_err *err)
{
	int r = mb_write_full(fd, bytes, n);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot write '%s'", name);
	if ((flags & MB_DOC_DURABLE) && fdatasync(fd) < 0)
		return mb_fail_sys(err, errno, "cannot sync '%s'", name);
	return 0;
}

static int create_new(int dirfd, const char *name, int *ret_fd, struct mb_err *err)
{
	const int how = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, name, how, 0600);

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot create '%s'", name);
	*ret_fd = fd;
	return 0;
}

/* A name of its own, locked until it has its final one: what is not locked, nobody works on. */
static int create_temporary(int dirfd, char name[MB_STORE_TEMPORARY_SIZE], int *ret_fd,
                            struct mb_err *err)
{
	unsigned char random[8];

	for (;;) {
		MB_AUTO_CLOSE int fd = -1;
		struct stat st;
		int r;

		memcpy(name, ".tmp-", 6);
		mb_random(random, sizeof(random));
		mb_hex_format(random, sizeof(random), name + 5);
		r = create_new(dirfd, name, &fd, err);
		if (r < 0)
			return r;
		if (flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0) {
			r = mb_fail_sys(err, errno, "cannot lock '%s'", name);
			unlinkat(dirfd, name, 0);
			return r;
		}
		if (st.st_nlink == 0)
			continue; /* swept away before it was locked */
		*ret_fd = mb_take_fd(&fd);
		return 0;
	}
}

static int create_whole(int dirfd, const char *name, const void *bytes, size_t n, unsigned flags,
                        struct mb_err *err)
{
	int fd, r = create_new(dirfd, name, &fd, err);

	if (r < 0)
		return r;
	r = write_and_sync(fd, bytes, n, flags, name, err);
	if (close(fd) < 0 && r == 0)
		r = mb_fail_sys(err, errno, "cannot close '%s'", name);
	if (r < 0)
		unlinkat(dirfd, name, 0);
	return r;
}

int mb_store_file_write(int dirfd, const char *name, const void *bytes, size_t n, unsigned flags,
                        struct mb_err *err)
{
	char temporary[MB_STORE_TEMPORARY_SIZE];
	unsigned how = flags & MB_DOC_REPLACE ? 0 : RENAME_NOREPLACE;
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (flags & MB_DOC_DIRECT)
		return create_whole(dirfd, name, bytes, n, flags, err);
	r = create_temporary(dirfd, temporary, &fd, err);
	if (r < 0)
		return mb_wrap(err, r, "'%s'", name);
	r = write_and_sync(fd, bytes, n, flags, name, err);
	if (r == 0 && renameat2(dirfd, temporary, dirfd, name, how) < 0)
		r = mb_fail_sys(err, errno, "cannot write '%s'", name);
	if (r < 0) {
		unlinkat(dirfd, temporary, 0);
		return r;
	}
	if ((flags & MB_DOC_DURABLE) && fsync(dirfd) < 0)
		return mb_fail_sys(err, errno, "cannot sync the directory of '%s'", name);
	return 0;
}

int mb_store_doc_write(int dirfd, const char *name, struct json_object *body, unsigned flags,
                       struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT, doc = MB_STR_INIT;

	mb_json_format(body, false, &text);
	mb_store_doc_format(text.buf, text.len, &doc);
	return mb_store_file_write(dirfd, name, doc.buf, doc.len, flags, err);
}

int mb_store_doc_save(int dirfd, const char *name, const struct mb_json_field *table,
                      const void *in, unsigned flags, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT, doc = MB_STR_INIT;

	mb_json_save(table, in, &text);
	mb_store_doc_format(text.buf, text.len, &doc);
	return mb_store_file_write(dirfd, name, doc.buf, doc.len, flags, err);
}
