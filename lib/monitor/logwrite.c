/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/logwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"

static char line_feed[] = "\n";

static void file_name(char buf[16], unsigned i)
{
	if (i)
		snprintf(buf, 16, "log.%u", i);
	else
		memcpy(buf, "log", 4);
}

/* Cut what follows the last line feed: a record is shorter than the piece that is looked at. */
static void mend(struct mb_logwrite *w)
{
	char end[MB_LOGWRITE_PIECE + 2 * MB_LOGWRITE_PREFIX];
	uint64_t from = w->size > sizeof(end) ? w->size - sizeof(end) : 0;
	ssize_t n = pread(w->fd, end, sizeof(end), (off_t)from);
	const char *last;

	if (n <= 0 || end[n - 1] == '\n')
		return;
	last = memrchr(end, '\n', (size_t)n);
	if (!last && from)
		return;
	from += last ? (uint64_t)(last + 1 - end) : 0;
	if (ftruncate(w->fd, (off_t)from) == 0)
		w->size = from;
}

static void open_file(struct mb_logwrite *w)
{
	const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	struct stat st;

	w->fd = openat(w->dir_fd, "log", flags, 0600);
	if (w->fd < 0)
		return;
	if (fstat(w->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		mb_close(&w->fd);
		return;
	}
	w->size = (uint64_t)st.st_size;
	w->inode = st.st_ino;
}

void mb_logwrite_open(struct mb_logwrite *w, int dir_fd, unsigned files, uint64_t max)
{
	w->dir_fd = dir_fd;
	w->files = files ? files : 3;
	w->max = max ? max : 10 << 20;
	w->second = -1;
	open_file(w);
	if (w->fd >= 0)
		mend(w);
}

void mb_logwrite_close(struct mb_logwrite *w)
{
	mb_close(&w->fd);
}

/* Oldest first, so that a reader which walks from old to new meets no file twice. */
static void rotate(struct mb_logwrite *w)
{
	char from[16], to[16];

	if (w->files < 2)
		unlinkat(w->dir_fd, "log", 0);
	for (unsigned i = w->files - 1; i > 0; i--) {
		file_name(from, i - 1);
		file_name(to, i);
		renameat(w->dir_fd, from, w->dir_fd, to);
	}
	mb_close(&w->fd);
	open_file(w);
}

/* How many of the first @written bytes of the batch are whole records.  A record is the only
 * thing here that ends with a line feed. */
static size_t whole_records(const struct mb_logwrite *w, size_t written, size_t *ret_text)
{
	size_t sum = 0, whole = 0, text = 0, whole_text = 0;

	for (size_t i = 0; i < w->n_iov && sum + w->iov[i].iov_len <= written; i++) {
		const char *base = w->iov[i].iov_base;
		size_t n = w->iov[i].iov_len;

		sum += n;
		if (base != w->full && base != w->part && base != line_feed)
			text += n;
		if (base[n - 1] == '\n') {
			whole = sum;
			whole_text = text;
		}
	}
	*ret_text = whole_text;
	return whole;
}

static void flush(struct mb_logwrite *w)
{
	size_t kept = 0, text = 0;
	ssize_t r = -1;

	if (!w->n_iov)
		return;
	if (w->fd < 0)
		open_file(w);
	if (w->fd >= 0)
		do
			r = writev(w->fd, w->iov, (int)w->n_iov);
		while (r < 0 && errno == EINTR);
	if (r == (ssize_t)w->n_bytes) {
		w->size += w->n_bytes;
	} else {
		if (r > 0) {
			kept = whole_records(w, (size_t)r, &text);
			/* Half a record that cannot be taken back is ended, to lose one only. */
			if (ftruncate(w->fd, (off_t)(w->size + kept)) < 0)
				kept = (size_t)r;
		}
		w->size += kept;
		w->dropped += w->n_text - text;
	}
	w->n_iov = w->n_bytes = w->n_text = 0;
}

static void put_time(struct mb_logwrite *w, const char *stream, int64_t nsec)
{
	int64_t second = nsec / MB_NSEC_PER_SEC;
	uint32_t rest = (uint32_t)(nsec % MB_NSEC_PER_SEC);
	char *p = w->full;

	if (second != w->second) {
		char text[MB_TIME_TEXT];

		mb_time_format(nsec ? nsec : 1, text);
		memcpy(w->stamp, text, 20);
		w->second = second;
	}
	memcpy(p, w->stamp, 20);
	for (int i = 28; i >= 20; i--, rest /= 10)
		p[i] = (char)('0' + rest % 10);
	memcpy(p + 29, "Z ", 2);
	memcpy(p + 31, stream, 6);
	memcpy(p + 37, " F ", 3);
	w->n_prefix = 40;
	memcpy(w->part, w->full, 40);
	w->part[38] = 'P';
}

static inline void add(struct mb_logwrite *w, char *bytes, size_t n)
{
	w->iov[w->n_iov].iov_base = bytes;
	w->iov[w->n_iov++].iov_len = n;
	w->n_bytes += n;
}

/* One record.  @ended: @text holds its line feed as the last byte. */
static inline void put_record(struct mb_logwrite *w, char *text, size_t n, bool ended)
{
	size_t size = w->n_prefix + n + !ended;

	if (w->n_iov + 3 > MB_LOGWRITE_IOV)
		flush(w);
	if (w->size + w->n_bytes + size > w->max && w->size + w->n_bytes > 0) {
		flush(w);
		if (w->size > 0 && w->size + size > w->max)
			rotate(w);
	}
	add(w, ended ? w->full : w->part, w->n_prefix);
	if (n)
		add(w, text, n);
	if (!ended)
		add(w, line_feed, 1);
	w->n_text += n;
}

void mb_logwrite_feed(struct mb_logwrite *w, struct mb_logwrite_stream *s, char *bytes, size_t n,
                      int64_t nsec)
{
	char *p = bytes - s->n_tail, *end = bytes + n, *seen = bytes;

	memcpy(p, s->tail, s->n_tail);
	s->n_tail = 0;
	put_time(w, s->stream == MB_MONITOR_STDERR ? "stderr" : "stdout", nsec);
	while (p < end) {
		char *stop = memchr(seen, '\n', (size_t)(end - seen));
		size_t line = (size_t)((stop ? stop : end) - p);

		for (; line > MB_LOGWRITE_PIECE || (!stop && line == MB_LOGWRITE_PIECE);
		     line -= MB_LOGWRITE_PIECE, p += MB_LOGWRITE_PIECE)
			put_record(w, p, MB_LOGWRITE_PIECE, false);
		if (!stop)
			break;
		put_record(w, p, line + 1, true);
		p = seen = stop + 1;
	}
	flush(w);
	s->n_tail = (size_t)(end - p);
	memcpy(s->tail, p, s->n_tail);
}

void mb_logwrite_end(struct mb_logwrite *w, struct mb_logwrite_stream *s, int64_t nsec)
{
	if (!s->n_tail)
		return;
	put_time(w, s->stream == MB_MONITOR_STDERR ? "stderr" : "stdout", nsec);
	put_record(w, s->tail, s->n_tail, false);
	flush(w);
	s->n_tail = 0;
}
