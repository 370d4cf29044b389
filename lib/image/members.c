/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "image/child.h"
#include "image/confine.h"
#include "image/entry.h"
#include "image/unpack.h"

enum { LIST_LIMIT = 32 << 20, READ_SIZE = 64 * 1024 };

/* One member on its way from the child: this, then the name and the target without NULs. */
struct wire {
	uint64_t offset, size;
	uint32_t name, target;
	uint8_t regular, hard, last, unused[5];
	struct mb_err err; /* of the last one, which is no member */
};

struct lister {
	pid_t parent;
	int fd;
	off_t at;
	unsigned char buffer[READ_SIZE];
};

static la_ssize_t give(struct archive *a, void *arg, const void **ret)
{
	struct lister *l = arg;
	ssize_t n;

	do
		n = pread(l->fd, l->buffer, sizeof(l->buffer), l->at);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(a, errno, "cannot read");
		return ARCHIVE_FATAL;
	}
	l->at += n;
	*ret = l->buffer;
	return n;
}

static la_int64_t skip(struct archive *a, void *arg, la_int64_t n)
{
	struct lister *l = arg;

	(void)a;
	l->at += n;
	return n;
}

static int send_member(struct archive *a, struct archive_entry *e, struct mb_str *out,
                       struct mb_err *err)
{
	const char *raw = archive_entry_pathname(e), *target = archive_entry_hardlink(e);
	struct wire wire = {.hard = target != NULL};
	struct mb_image_entry_name name;
	size_t start = out->len;
	int r;

	if (!target)
		target = archive_entry_symlink(e);
	r = mb_image_entry_clean(raw ? raw : "", &name, err);
	if (r < 0)
		return r;
	if (archive_entry_sparse_count(e) > 0)
		return mb_fail(err, EINVAL, "'%s' is sparse", name.leaf);
	wire.regular = !target && archive_entry_filetype(e) == S_IFREG;
	wire.offset = (uint64_t)archive_filter_bytes(a, 0);
	wire.size = wire.regular ? (uint64_t)archive_entry_size(e) : 0;
	if (wire.size > INT64_MAX)
		return mb_fail(err, EINVAL, "'%s' has a negative size", name.leaf);
	mb_str_addn(out, &wire, sizeof(wire));
	mb_str_addf(out, "%s%s%s", name.dir, *name.dir ? "/" : "", name.leaf);
	wire.name = (uint32_t)(out->len - start - sizeof(wire));
	if (target)
		mb_str_add(out, target);
	wire.target = (uint32_t)(out->len - start - sizeof(wire) - wire.name);
	memcpy(out->buf + start, &wire, sizeof(wire));
	return 0;
}

static int list(struct lister *l, struct mb_str *out, struct mb_err *err)
{
	struct archive *a;
	size_t n = 0;
	int r;

	setlocale(LC_CTYPE, "C");
	a = archive_read_new();
	if (!a || archive_read_support_format_tar(a) != ARCHIVE_OK)
		return mb_fail(err, ENOSYS, "the tar reader is missing in this program");
	r = archive_read_open2(a, l, NULL, give, skip, NULL);
	while (r == ARCHIVE_OK || r == ARCHIVE_WARN) {
		struct archive_entry *e;

		r = archive_read_next_header(a, &e);
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			break;
		if (++n > MB_IMAGE_MAX_MEMBERS || out->len > LIST_LIMIT)
			return mb_fail(err, E2BIG, "the archive has too many members");
		if (send_member(a, e, out, err) < 0)
			return -EINVAL;
	}
	if (r != ARCHIVE_EOF)
		return mb_fail(err, EBADMSG, "not a tar archive: %s",
		               archive_error_string(a) ? archive_error_string(a) : "broken");
	archive_read_free(a);
	return 0;
}

static void run_lister(void *arg, int report_fd)
{
	struct lister *l = arg;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct wire last = {.last = 1};
	int keep[] = {l->fd, report_fd};

	if (mb_image_confine_begin(l->parent, keep, MB_N(keep), &last.err) == 0 &&
	    mb_image_confine_reader(&last.err) == 0)
		list(l, &out, &last.err);
	if (last.err.code)
		mb_str_reset(&out);
	mb_str_addn(&out, &last, sizeof(last));
	_exit(mb_write_full(report_fd, out.buf, out.len) < 0);
}

static int take_member(struct mb_image_members *ret, const struct wire *wire, const char *text)
{
	struct mb_image_member *m = &ret->v[ret->n++];

	*m = (struct mb_image_member){
		.name = mb_strndup(text, wire->name),
		.target = wire->target ? mb_strndup(text + wire->name, wire->target) : NULL,
		.hard = wire->hard,
		.regular = wire->regular,
		.offset = wire->offset,
		.size = wire->size,
	};
	return 0;
}

/* The child saw hostile bytes: what it says is checked like any other input. */
static int take_list(const struct mb_str *text, struct mb_image_members *ret, struct mb_err *err)
{
	size_t at = 0, cap = 0;

	while (text->len - at >= sizeof(struct wire)) {
		struct wire wire;

		memcpy(&wire, text->buf + at, sizeof(wire));
		at += sizeof(wire);
		if (wire.last) {
			wire.err.msg[sizeof(wire.err.msg) - 1] = '\0';
			if (!wire.err.code)
				return 0;
			*(err ? err : &(struct mb_err){0}) = wire.err;
			return -EBADMSG;
		}
		if (wire.name > text->len - at || wire.target > text->len - at - wire.name)
			break;
		if (ret->n == cap) {
			cap = cap ? 2 * cap : 64;
			ret->v = mb_realloc(ret->v, cap * sizeof(*ret->v));
		}
		take_member(ret, &wire, text->buf + at);
		at += (size_t)wire.name + wire.target;
	}
	return mb_fail(err, EPIPE, "the listing process ended without a result");
}

int mb_image_members_load(int fd, struct mb_image_members *ret, struct mb_err *err)
{
	MB_AUTO_FREE struct lister *l = mb_calloc(1, sizeof(*l));
	MB_AUTO_IMAGE_CHILD struct mb_image_child child = {0};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_image_members members = {0};
	int r;

	l->parent = getpid();
	l->fd = fd;
	r = mb_image_child_start(&child, run_lister, l, err);
	if (r == 0)
		r = mb_read_fd(child.report_fd, 2 * LIST_LIMIT, &text, err);
	if (r == 0)
		r = take_list(&text, &members, err);
	if (r < 0) {
		mb_image_members_done(&members);
		return r;
	}
	*ret = members;
	return 0;
}

void mb_image_members_done(struct mb_image_members *members)
{
	for (size_t i = 0; i < members->n; i++) {
		free(members->v[i].name);
		free(members->v[i].target);
	}
	free(members->v);
	*members = (struct mb_image_members){0};
}
