/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/logtail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/own.h"
#include "monitor/logfile.h"
#include "monitor/logrecord.h"
#include "monitor/logset.h"

/* More than any record, and than most. */
enum { BLOCK = 128 << 10, PROBE = 4 << 10 };

/* Walking from the newest record to older ones. */
struct walk {
	uint64_t lines; /* still wanted */
	unsigned streams;
	bool is_full;  /* all wanted lines have been met */
	bool met[2];   /* any record of the stream */
	bool open[2];  /* within a wanted line of it, whose beginning is not met yet */
	uint64_t past; /* bytes walked since is_full */
	struct mb_logtail *to;
	struct mb_logrecord_clock clock;
	char block[BLOCK];
};

/* Return: whether to walk on, with the record counted in; else it is left out. */
static bool take(struct walk *w, const struct mb_logrecord *r, size_t size)
{
	unsigned s = r->stream == MB_MONITOR_STDERR;
	bool ends_line = !r->is_piece || !w->met[s];

	if (!(w->streams & r->stream))
		return true;
	w->met[s] = true;
	if (ends_line)
		w->open[s] = false;
	if (!w->is_full && ends_line) {
		if (w->lines == 0)
			w->is_full = true;
		else
			w->lines--;
		w->open[s] = !w->is_full;
	}
	if (!w->is_full)
		return true;
	w->past += size;
	if ((!w->open[0] && !w->open[1]) || w->past > MB_LOGFILE_JOIN_MAX)
		return false;
	if (!w->open[s])
		w->to->skip[s]++;
	return true;
}

/* Walk the records of w->block[0..n), the last of which ends there.
 * Return: false when the beginning was found, *@ret_at bytes into the block; true with the bytes
 * of a record that begins before the block. */
static bool walk_block(struct walk *w, size_t n, bool is_first, size_t *ret_at)
{
	size_t end = n;

	while (end > 0) {
		const char *feed = memrchr(w->block, '\n', end - 1);
		size_t from = feed ? (size_t)(feed + 1 - w->block) : 0;
		struct mb_logrecord record;

		if (!feed && !is_first)
			break;
		mb_logrecord_parse(w->block + from, end - 1 - from, &w->clock, &record);
		if (!take(w, &record, end - from)) {
			*ret_at = end;
			return false;
		}
		end = from;
	}
	*ret_at = end;
	return true;
}

/* Return: 0 when the beginning lies in the first @limit bytes of @fd, *@ret_offset;
 * MB_LOGSET_NONE when it does not. */
static int walk_file(struct walk *w, int fd, uint64_t limit, uint64_t *ret_offset)
{
	struct stat st;
	uint64_t end;
	bool at_end = true;

	if (fstat(fd, &st) < 0)
		return -errno;
	end = (uint64_t)st.st_size;
	if (end > limit)
		end = limit;
	while (end > 0) {
		uint64_t from = end > BLOCK ? end - BLOCK : 0;
		ssize_t n = pread(fd, w->block, (size_t)(end - from), (off_t)from);
		size_t at, whole;

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		whole = (size_t)n;
		/* The writer may be in the middle of the last record. */
		while (at_end && whole > 0 && w->block[whole - 1] != '\n')
			whole--;
		at_end = false;
		if (!walk_block(w, whole, from == 0, &at)) {
			*ret_offset = from + at;
			return 0;
		}
		/* No line feed in a whole block: no log of ours; pass over it. */
		end = at == whole && from > 0 ? from : from + at;
	}
	return MB_LOGSET_NONE;
}

/* The file of @stop, or else the newest.  Return: as mb_logset_newest(). */
static int open_last(const struct mb_logset *set, struct mb_logtail_stop stop, int *ret_fd)
{
	if (stop.fd < 0)
		return mb_logset_newest(set, ret_fd);
	*ret_fd = fcntl(stop.fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? -errno : 0;
}

int mb_logtail_find(const struct mb_logset *set, unsigned streams, uint64_t lines,
                    struct mb_logtail_stop stop, struct mb_logtail *ret)
{
	MB_AUTO_FREE struct walk *w = mb_calloc(1, sizeof(*w));
	MB_AUTO_CLOSE int fd = -1;
	uint64_t limit = stop.fd < 0 ? UINT64_MAX : stop.offset;
	int r;

	w->lines = lines;
	w->streams = streams;
	w->to = ret;
	*ret = (struct mb_logtail){.fd = -1};
	r = open_last(set, stop, &fd);
	if (r != 0)
		return r == MB_LOGSET_NONE ? 0 : r;
	for (;;) {
		int older = -1;

		r = walk_file(w, fd, limit, &ret->offset);
		if (r <= 0)
			break;
		ret->offset = 0;
		limit = UINT64_MAX;
		r = mb_logset_older(set, fd, &older);
		if (r != 0)
			break;
		mb_close(&fd);
		fd = older;
	}
	if (r < 0)
		return r;
	ret->fd = mb_take_fd(&fd);
	return 0;
}

static int64_t first_time(int fd)
{
	MB_AUTO_FREE char *line = mb_malloc(BLOCK);
	struct mb_logrecord_clock clock = {0};
	struct mb_logrecord record;
	ssize_t n = pread(fd, line, 64, 0);
	const char *feed;

	/* There the time comes last. */
	if (n > 0 && line[0] == '{')
		n = pread(fd, line, BLOCK, 0);
	if (n <= 0)
		return INT64_MAX;
	feed = memchr(line, '\n', (size_t)n);
	mb_logrecord_parse(line, feed ? (size_t)(feed - line) : (size_t)n, &clock, &record);
	return record.nsec ? record.nsec : INT64_MAX;
}

/* The time of the first record that begins after @at bytes and has one; INT64_MAX: there is none
 * in a block.  @room: bytes to look at first; @block: BLOCK bytes. */
static int64_t time_after(int fd, uint64_t at, uint64_t end, size_t room, char *block,
                          uint64_t *ret_begin)
{
	struct mb_logrecord_clock clock = {0};
	struct mb_logrecord record;
	ssize_t n = pread(fd, block, end - at < room ? (size_t)(end - at) : room, (off_t)at);
	char *feed = n > 0 ? memchr(block, '\n', (size_t)n) : NULL;

	while (feed) {
		char *line = feed + 1;

		feed = memchr(line, '\n', (size_t)(block + n - line));
		if (!feed)
			break;
		mb_logrecord_parse(line, (size_t)(feed - line), &clock, &record);
		*ret_begin = at + (uint64_t)(line - block);
		if (record.nsec)
			return record.nsec;
	}
	return room < end - at && room < BLOCK ? time_after(fd, at, end, BLOCK, block, ret_begin)
	                                       : INT64_MAX;
}

/* @fd is ordered, and its first record is before @since.  Return: the beginning of a record that
 * is before @since as well, and not far from the first that is not. */
static uint64_t bisect(int fd, uint64_t end, int64_t since)
{
	MB_AUTO_FREE char *block = mb_malloc(BLOCK);
	uint64_t from = 0;

	while (end - from > BLOCK) {
		uint64_t middle = from + (end - from) / 2, begin = 0;

		if (time_after(fd, middle, end, PROBE, block, &begin) < since)
			from = begin;
		else
			end = middle;
	}
	return from;
}

int mb_logtail_find_since(const struct mb_logset *set, int64_t since, struct mb_logtail_stop stop,
                          struct mb_logtail *ret)
{
	MB_AUTO_CLOSE int fd = -1;
	uint64_t limit = stop.fd < 0 ? UINT64_MAX : stop.offset;
	int r = open_last(set, stop, &fd);

	*ret = (struct mb_logtail){.fd = -1};
	while (r == 0) {
		int older = -1;
		struct stat st;

		if (fstat(fd, &st) < 0)
			return -errno;
		if (mb_logset_is_ordered(fd) && first_time(fd) < since) {
			if ((uint64_t)st.st_size < limit)
				limit = (uint64_t)st.st_size;
			ret->offset = bisect(fd, limit, since);
			break;
		}
		limit = UINT64_MAX;
		r = mb_logset_older(set, fd, &older);
		if (r == 0) {
			mb_close(&fd);
			fd = older;
		}
	}
	if (r < 0)
		return r;
	ret->fd = mb_take_fd(&fd);
	return 0;
}
