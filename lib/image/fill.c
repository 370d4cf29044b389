/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A skeleton and a tree become a tar again. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "image/entry.h"
#include "image/ring.h"
#include "image/skeleton.h"
#include "image/skeleton_priv.h"
#include "sys/path.h"

enum { MAX_NAME = 8192, READ_SIZE = 64 * 1024 };

struct filling {
	struct archive *in;
	int root_fd;
	struct mb_image_ring *ring;
	unsigned char *slot;
	size_t len;
};

/* Room in the slot at hand. */
static int make_room(struct filling *f, size_t *ret)
{
	if (f->len == MB_IMAGE_RING_SLOT) {
		if (mb_image_ring_push(f->ring, f->len) < 0)
			return -EPIPE;
		f->len = 0;
	}
	if (f->len == 0 && mb_image_ring_slot(f->ring, &f->slot) < 0)
		return -EPIPE;
	*ret = MB_IMAGE_RING_SLOT - f->len;
	return 0;
}

/* Exactly @n bytes of the skeleton; *@ret_end when it ends before the first. */
static int read_skeleton(struct filling *f, void *to, size_t n, bool *ret_end, struct mb_err *err)
{
	la_ssize_t got = archive_read_data(f->in, to, n);

	if (got == 0 && ret_end) {
		*ret_end = true;
		return 0;
	}
	if (got < 0 || (size_t)got != n)
		return mb_fail(err, EBADMSG, "the record of the layer's archive is damaged");
	return 0;
}

static int copy_bytes(struct filling *f, uint64_t size, struct mb_err *err)
{
	while (size) {
		size_t room = 0;
		int r = make_room(f, &room);

		if (r < 0)
			return r;
		room = room < size ? room : (size_t)size;
		r = read_skeleton(f, f->slot + f->len, room, NULL, err);
		if (r < 0)
			return r;
		f->len += room;
		size -= room;
	}
	return 0;
}

static int open_file(const struct filling *f, const char *name, uint64_t size, int *ret_fd,
                     struct mb_err *err)
{
	struct mb_image_entry_name clean;
	MB_AUTO_FREE char *path = NULL;
	struct stat st;
	int r = mb_image_entry_clean(name, &clean, err);

	if (r < 0)
		return r;
	path = mb_asprintf("%s%s%s", clean.dir, *clean.dir ? "/" : "", clean.leaf);
	r = mb_sys_path_open(f->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, ret_fd, err);
	if (r < 0)
		return r;
	/* What came later under the same name has taken its place. */
	if (fstat(*ret_fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return mb_fail(err, EBADMSG, "'%.200s' is no longer what the archive had", name);
	return 0;
}

static int copy_file(struct filling *f, uint32_t path, uint64_t size, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	char name[MAX_NAME + 1];
	int r;

	if (path > MAX_NAME)
		return mb_fail(err, EBADMSG, "the record of the layer's archive is damaged");
	r = read_skeleton(f, name, path, NULL, err);
	name[path] = '\0';
	if (r == 0)
		r = open_file(f, name, size, &fd, err);
	while (r == 0 && size) {
		size_t room = 0;
		ssize_t n;

		r = make_room(f, &room);
		if (r < 0)
			break;
		n = read(fd, f->slot + f->len, room < size ? room : (size_t)size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return mb_fail(err, EIO, "cannot read '%.200s'", name);
		f->len += (size_t)n;
		size -= (size_t)n;
	}
	return r;
}

static int fill(struct filling *f, struct mb_err *err)
{
	for (;;) {
		struct mb_image_skeleton_record record;
		bool end = false;
		int r = read_skeleton(f, &record, sizeof(record), &end, err);

		if (r < 0 || end)
			return r;
		if (record.kind == MB_IMAGE_SKELETON_BYTES)
			r = copy_bytes(f, record.size, err);
		else if (record.kind == MB_IMAGE_SKELETON_FILE)
			r = copy_file(f, record.path, record.size, err);
		else
			r = mb_fail(err, EBADMSG, "the record of the layer's archive is damaged");
		if (r < 0)
			return r;
	}
}

int mb_image_skeleton_fill(int fd, int root_fd, struct mb_image_ring *ring, struct mb_err *err)
{
	struct filling f = {.in = archive_read_new(), .root_fd = root_fd, .ring = ring};
	struct archive_entry *entry;
	int r = 0;

	if (!f.in || archive_read_support_filter_gzip(f.in) != ARCHIVE_OK ||
	    archive_read_support_format_raw(f.in) != ARCHIVE_OK ||
	    archive_read_open_fd(f.in, fd, READ_SIZE) != ARCHIVE_OK ||
	    archive_read_next_header(f.in, &entry) != ARCHIVE_OK)
		r = mb_fail(err, EBADMSG, "the record of the layer's archive is damaged");
	if (r == 0)
		r = fill(&f, err);
	if (r == 0 && f.len)
		r = mb_image_ring_push(ring, f.len);
	if (r == 0)
		r = mb_image_ring_push(ring, 0);
	archive_read_free(f.in);
	return r;
}
