/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/write.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/own.h"
#include "core/str.h"
#include "image/entry.h"
#include "image/place.h"
#include "image/ring.h"

enum { MAX_MAJOR = 0xfff, MAX_MINOR = 0xfffff, MAX_XATTR_BYTES = 1 << 20, HOLE = 64 * 1024 };

struct writer {
	struct mb_image_ring *ring;
	struct mb_image_place place;
	struct mb_image_written *ret;
	bool plain;
	bool at_end; /* the ring has given everything */
};

static la_ssize_t give(struct archive *a, void *arg, const void **ret)
{
	struct writer *w = arg;
	const unsigned char *bytes = NULL;
	size_t n = 0;

	if (w->at_end)
		return 0;
	if (mb_image_ring_pull(w->ring, &bytes, &n) < 0) {
		archive_set_error(a, EPIPE, "the archive could not be read to its end");
		return ARCHIVE_FATAL;
	}
	if (n == 0)
		w->at_end = true;
	*ret = bytes;
	return (la_ssize_t)n;
}

/* --- the entry's data as place.h wants it ---------------------------------------------------- */

static int take_xattrs(struct archive_entry *e, struct mb_image_xattr *xattrs, size_t *ret_n,
                       struct mb_err *err)
{
	const char *name;
	const void *value;
	size_t size, n = 0, total = 0;

	archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		if (!name || !mb_image_entry_xattr_is_kept(name))
			continue;
		if (n == MB_IMAGE_MAX_XATTRS || size > MAX_XATTR_BYTES - total)
			return mb_fail(err, E2BIG, "too many extended attributes");
		total += size;
		xattrs[n++] = (struct mb_image_xattr){name, value, size};
	}
	*ret_n = n;
	return 0;
}

static int take_meta(struct archive_entry *e, struct mb_image_meta *meta,
                     struct mb_image_xattr *xattrs, struct mb_err *err)
{
	int64_t uid = archive_entry_uid(e), gid = archive_entry_gid(e);

	if (!mb_image_entry_owner_is_valid(uid) || !mb_image_entry_owner_is_valid(gid))
		return mb_fail(err, EINVAL, "owner %lld:%lld is out of range", (long long)uid,
		               (long long)gid);
	*meta = (struct mb_image_meta){
		.uid = (uid_t)uid,
		.gid = (gid_t)gid,
		.mode = archive_entry_mode(e) & 07777,
		.xattrs = xattrs,
	};
	meta->times[1].tv_sec = archive_entry_mtime(e);
	meta->times[1].tv_nsec = archive_entry_mtime_nsec(e);
	if (meta->times[1].tv_nsec < 0 || meta->times[1].tv_nsec > 999999999)
		meta->times[1].tv_nsec = 0;
	meta->times[0] = meta->times[1];
	return take_xattrs(e, xattrs, &meta->n_xattrs, err);
}

static int write_at(int fd, const char *bytes, size_t n, off_t offset)
{
	while (n) {
		ssize_t done = pwrite(fd, bytes, n, offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		offset += done;
		n -= (size_t)done;
	}
	return 0;
}

static int fail_archive(struct archive *a, struct mb_err *err)
{
	const char *why = archive_error_string(a);

	return mb_fail(err, archive_errno(a) == EPIPE ? EPIPE : EBADMSG, "%s",
	               why ? why : "broken tar");
}

static bool is_zero(const char *bytes, size_t n)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

/* Nothing is written where zeros are: a file is new, and a hole of it takes no room.
 * @ret_end: where the last byte that was written lies. */
static int write_block(int fd, const char *bytes, size_t n, int64_t offset, int64_t *ret_end)
{
	size_t from = 0, at = 0;
	int r = 0;

	while (r == 0 && at < n) {
		size_t part = n - at < HOLE ? n - at : HOLE;
		bool zero = is_zero(bytes + at, part);

		if (zero && at > from)
			r = write_at(fd, bytes + from, at - from, offset + (int64_t)from);
		at += part;
		if (zero)
			from = at;
		else
			*ret_end = offset + (int64_t)at;
	}
	return r == 0 && at > from ? write_at(fd, bytes + from, at - from, offset + (int64_t)from)
	                           : r;
}

/* Holes stay holes, and long zeros become some. */
static int write_content(struct archive *a, int fd, int64_t size, struct mb_err *err)
{
	int64_t end = 0, written = 0;

	for (;;) {
		const void *bytes;
		size_t n;
		la_int64_t offset;
		int r = archive_read_data_block(a, &bytes, &n, &offset);

		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK)
			return fail_archive(a, err);
		if (offset < end || offset > size || (int64_t)n > size - offset)
			return mb_fail(err, EBADMSG, "data outside of the file's size");
		r = write_block(fd, bytes, n, offset, &written);
		if (r < 0)
			return mb_fail_sys(err, -r, "cannot write");
		end = offset + (int64_t)n;
	}
	if (written < size && ftruncate(fd, size) < 0)
		return mb_fail_sys(err, errno, "cannot set the size");
	return 0;
}

static int write_file(struct writer *w, struct archive *a, struct archive_entry *e,
                      const struct mb_image_entry_name *name, const struct mb_image_meta *meta,
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int64_t size = archive_entry_size(e);
	int r;

	if (size < 0)
		return mb_fail(err, EINVAL, "the size is negative");
	r = mb_image_place_file(&w->place, name, meta, &fd, err);
	if (r == 0 && size)
		r = write_content(a, fd, size, err);
	if (r == 0)
		r = mb_image_place_settle(fd, meta, err);
	if (r < 0)
		return r;
	/* Some file systems tell of a full disk only here. */
	if (close(mb_take_fd(&fd)) < 0)
		return mb_fail_sys(err, errno, "cannot write");
	w->ret->files++;
	w->ret->bytes += (uint64_t)size;
	return 0;
}

static int write_node(struct writer *w, struct archive_entry *e, mode_t type,
                      const struct mb_image_entry_name *name, const struct mb_image_meta *meta,
                      struct mb_err *err)
{
	int64_t major = 0, minor = 0;

	if (type == S_IFCHR || type == S_IFBLK) {
		major = (int64_t)archive_entry_rdevmajor(e);
		minor = (int64_t)archive_entry_rdevminor(e);
		if (major < 0 || major > MAX_MAJOR || minor < 0 || minor > MAX_MINOR)
			return mb_fail(err, EINVAL, "device number %lld:%lld is out of range",
			               (long long)major, (long long)minor);
		/* To overlayfs that is a whiteout, which only .wh. entries may ask for. */
		if (type == S_IFCHR && major == 0 && minor == 0)
			return mb_fail(err, EINVAL, "device number 0:0");
	}
	return mb_image_place_node(&w->place, name, type,
	                           makedev((unsigned int)major, (unsigned int)minor), meta, err);
}

static int write_plain(struct writer *w, struct archive *a, struct archive_entry *e,
                       const struct mb_image_entry_name *name, struct mb_err *err)
{
	struct mb_image_xattr xattrs[MB_IMAGE_MAX_XATTRS];
	struct mb_image_meta meta;
	const char *target = archive_entry_hardlink(e);
	mode_t type = archive_entry_filetype(e);
	int r;

	if (target)
		return mb_image_place_hardlink(&w->place, name, target, err);
	r = take_meta(e, &meta, xattrs, err);
	if (r < 0)
		return r;
	switch (type) {
	case S_IFREG:
		return write_file(w, a, e, name, &meta, err);
	case S_IFDIR:
		return mb_image_place_dir(&w->place, name, &meta, err);
	case S_IFLNK:
		target = archive_entry_symlink(e);
		if (!target || !*target)
			return mb_fail(err, EINVAL, "a symbolic link to nothing");
		/* A link's words are its size, as they are where files are measured on disk. */
		w->ret->bytes += strlen(target);
		return mb_image_place_symlink(&w->place, name, target, &meta, err);
	case S_IFIFO:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFSOCK:
		return write_node(w, e, type, name, &meta, err);
	default:
		return mb_fail(err, EINVAL, "an entry of unknown type");
	}
}

static int write_entry(struct writer *w, struct archive *a, struct archive_entry *e,
                       struct mb_err *err)
{
	const char *raw = archive_entry_pathname(e);
	struct mb_image_entry_name name;
	int r;

	if (!raw || !*raw)
		return mb_fail(err, EINVAL, "an entry without a name");
	r = w->plain ? mb_image_entry_clean(raw, &name, err)
	             : mb_image_entry_parse(raw, &name, err);
	if (r == 0 && name.kind == MB_IMAGE_ENTRY_PLAIN)
		r = write_plain(w, a, e, &name, err);
	else if (r == 0 && name.kind == MB_IMAGE_ENTRY_WHITEOUT)
		r = mb_image_place_whiteout(&w->place, &name, err);
	else if (r == 0 && name.kind == MB_IMAGE_ENTRY_OPAQUE)
		r = mb_image_place_opaque(&w->place, &name, err);
	if (r < 0) {
		MB_AUTO_FREE char *shown = mb_printable(raw);

		return mb_wrap(err, r, "entry '%.300s'", shown);
	}
	return 0;
}

static int write_entries(struct writer *w, struct archive *a, struct mb_err *err)
{
	for (;;) {
		struct archive_entry *e;
		int r = archive_read_next_header(a, &e);

		if (r == ARCHIVE_EOF)
			return 0;
		/* In the C locale a name that is not ASCII draws a warning and comes as it is. */
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return fail_archive(a, err);
		if (++w->ret->entries > MB_IMAGE_MAX_ENTRIES)
			return mb_fail(err, E2BIG, "more than %d entries", MB_IMAGE_MAX_ENTRIES);
		r = write_entry(w, a, e, err);
		if (r < 0)
			return r;
	}
}

/* What follows the end mark still counts for the digest; the producer waits for its slots. */
static int drain(struct writer *w, struct mb_err *err)
{
	const unsigned char *bytes;
	size_t n = 1;

	while (!w->at_end && n)
		if (mb_image_ring_pull(w->ring, &bytes, &n) < 0)
			return mb_fail(err, EPIPE, "the archive could not be read to its end");
	return 0;
}

void mb_image_write(struct mb_image_ring *ring, const struct mb_image_write_to *to,
                    struct mb_image_written *ret)
{
	struct writer w = {.ring = ring, .ret = ret, .plain = to->plain};
	struct archive *a;
	int r;

	setlocale(LC_CTYPE, "C"); /* names are bytes */
	a = archive_read_new();
	mb_image_place_init(&w.place, to->root_fd, to->bottom, to->names_fd);
	if (!a || archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_support_format_empty(a) != ARCHIVE_OK) {
		mb_fail(&ret->err, ENOSYS, "the tar reader is missing in this program");
		return;
	}
	r = archive_read_open(a, &w, NULL, give, NULL);
	if (r != ARCHIVE_OK)
		r = fail_archive(a, &ret->err);
	else
		r = write_entries(&w, a, &ret->err);
	if (r == 0)
		r = mb_image_place_finish(&w.place, &ret->err);
	if (r == 0)
		r = drain(&w, &ret->err);
	mb_image_place_done(&w.place);
	archive_read_free(a);
}
