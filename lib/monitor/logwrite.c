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
#include "monitor/logjson.h"
#include "monitor/logrecord.h"
#include "monitor/logsink.h"

/* Cut what follows the last line feed: a record is shorter than what is looked at. */
static void mend(struct mb_logwrite *w)
{
	const size_t room =
		w->is_json ? sizeof(w->batch) : MB_LOGWRITE_PIECE + 2 * MB_LOGWRITE_PREFIX;
	uint64_t from = w->size > room ? w->size - room : 0;
	char *end = w->batch, byte;
	const char *last;
	ssize_t n;

	if (w->size == 0 || pread(w->fd, &byte, 1, (off_t)(w->size - 1)) != 1 || byte == '\n')
		return;
	n = pread(w->fd, end, room, (off_t)from);
	if (n <= 0)
		return;
	last = memrchr(end, '\n', (size_t)n);
	if (!last && from)
		return;
	from += last ? (uint64_t)(last + 1 - end) : 0;
	if (ftruncate(w->fd, (off_t)from) == 0)
		w->size = from;
}

static bool has(const struct mb_logwrite *w, const char *name)
{
	return faccessat(w->set.dir_fd, name, F_OK, 0) == 0;
}

/* The time of the last record; 0: that cannot be told. */
static int64_t last_time(struct mb_logwrite *w)
{
	struct mb_logrecord_clock clock = {0};
	struct mb_logrecord record;
	uint64_t from = w->size > sizeof(w->batch) ? w->size - sizeof(w->batch) : 0;
	ssize_t n = pread(w->fd, w->batch, sizeof(w->batch), (off_t)from);
	char *feed = n > 1 ? memrchr(w->batch, '\n', (size_t)n - 1) : NULL;
	char *line = feed ? feed + 1 : w->batch;

	if (n <= 1 || w->batch[n - 1] != '\n')
		return 0;
	mb_logrecord_parse(line, (size_t)(w->batch + n - 1 - line), &clock, &record);
	return record.nsec;
}

/* What another monitor wrote: from here on all times are known, or in so many rotations. */
static void learn_order(struct mb_logwrite *w)
{
	char name[MB_LOGSET_NAME + 16];

	if (w->fd >= 0) {
		w->latest = mb_logset_is_ordered(w->fd) ? last_time(w) : 0;
		w->doubts = w->latest ? 0 : w->files;
		if (!w->latest)
			fchmod(w->fd, 0600);
		return;
	}
	mb_logset_name(&w->set, 1, name);
	if (has(w, name))
		w->doubts = w->files;
	mb_logset_packed_name(&w->set, 1, name);
	if (has(w, name))
		w->doubts = w->files;
}

/* Clocks jump: before a record is written that is older than one before it. */
static void keep_order(struct mb_logwrite *w, int64_t nsec)
{
	w->nsec = nsec;
	if (nsec >= w->latest)
		w->latest = nsec;
	else if (w->fd >= 0 && mb_logset_is_ordered(w->fd))
		fchmod(w->fd, 0600);
}

static void open_file(struct mb_logwrite *w, int create)
{
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
	const mode_t mode = 0600 | (!w->doubts && w->nsec >= w->latest ? S_ISVTX : 0);
	struct stat st;

	w->fd = openat(w->set.dir_fd, w->set.name, flags | create, mode);
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
	w->is_on = true;
	w->set.dir_fd = dir_fd;
	if (!w->set.name[0])
		memcpy(w->set.name, "log", 4);
	w->files = files ? files : 3;
	w->max = max ? max : 10 << 20;
	w->second = -1;
	w->wants_pack = w->packs;
	if (w->is_fileless)
		return;
	open_file(w, 0); /* who writes nothing has none */
	if (w->fd >= 0)
		mend(w);
	learn_order(w);
}

void mb_logwrite_close(struct mb_logwrite *w)
{
	mb_close(&w->fd);
}

/* How many there are, the newest first, without a gap. */
static unsigned count_files(const struct mb_logwrite *w)
{
	char name[MB_LOGSET_NAME + 16];
	unsigned n = 0;

	for (; n < w->files; n++) {
		mb_logset_name(&w->set, n, name);
		if (has(w, name))
			continue;
		mb_logset_packed_name(&w->set, n, name);
		if (!w->packs || !has(w, name))
			break;
	}
	return n;
}

static void drop_packed(const struct mb_logwrite *w, unsigned i)
{
	char name[MB_LOGSET_NAME + 16];

	mb_logset_packed_name(&w->set, i, name);
	if (w->packs)
		unlinkat(w->set.dir_fd, name, 0);
}

static void move_up(const struct mb_logwrite *w, unsigned i)
{
	char from[MB_LOGSET_NAME + 16], to[MB_LOGSET_NAME + 16];

	if (w->packs) {
		mb_logset_packed_name(&w->set, i, from);
		mb_logset_packed_name(&w->set, i + 1, to);
		renameat(w->set.dir_fd, from, w->set.dir_fd, to);
	}
	mb_logset_name(&w->set, i, from);
	mb_logset_name(&w->set, i + 1, to);
	renameat(w->set.dir_fd, from, w->set.dir_fd, to);
}

/* Oldest first, so that a reader which walks from old to new meets no file twice.  The last one
 * is unlinked and not renamed over: that would make ext4 write the renamed file out at once. */
static void rotate(struct mb_logwrite *w)
{
	unsigned n = count_files(w);
	char last[MB_LOGSET_NAME + 12];

	if (n == w->files) {
		mb_logset_name(&w->set, --n, last);
		unlinkat(w->set.dir_fd, last, 0);
		drop_packed(w, n);
	}
	for (unsigned i = n; i > 0; i--)
		move_up(w, i - 1);
	w->wants_pack = w->packs;
	w->doubts -= w->doubts > 0;
	mb_close(&w->fd);
	open_file(w, O_CREAT);
}

/* Bytes of output in the records of the batch from @at on: a record has its prefix and, when it
 * is a piece, a line feed that was not written by the container. */
static uint64_t text_after(const struct mb_logwrite *w, size_t at)
{
	uint64_t text = 0;

	while (at < w->n) {
		const char *feed = memchr(w->batch + at, '\n', w->n - at);
		size_t end = (size_t)(feed - w->batch) + 1;

		text += w->is_json ? mb_logjson_text_size(w->batch + at, end - at)
		                   : end - at - MB_LOGWRITE_PREFIX - (w->batch[at + 38] == 'P');
		at = end;
	}
	return text;
}

/* The disk took @written bytes of the batch, or none. */
static void give_up(struct mb_logwrite *w, ssize_t written)
{
	const char *feed = written > 0 ? memrchr(w->batch, '\n', (size_t)written) : NULL;
	size_t whole = feed ? (size_t)(feed - w->batch) + 1 : 0;

	w->dropped += text_after(w, whole);
	/* Half a record that cannot be taken back stays, and what follows is glued to it. */
	if (written > 0 && ftruncate(w->fd, (off_t)(w->size + whole)) < 0)
		whole = (size_t)written;
	w->size += whole;
}

static void flush(struct mb_logwrite *w)
{
	ssize_t r = -1;

	if (!w->n)
		return;
	if (w->fd < 0)
		open_file(w, O_CREAT);
	if (w->fd >= 0)
		do
			r = write(w->fd, w->batch, w->n);
		while (r < 0 && errno == EINTR);
	if (r == (ssize_t)w->n)
		w->size += w->n;
	else
		give_up(w, r);
	w->n = 0;
}

static void put_time(struct mb_logwrite *w, enum mb_monitor_stream stream, int64_t nsec)
{
	int64_t second = nsec / MB_NSEC_PER_SEC;
	uint32_t rest = (uint32_t)(nsec % MB_NSEC_PER_SEC);
	char *p = w->prefix;

	keep_order(w, nsec);
	if (second != w->second) {
		char text[MB_TIME_TEXT];

		mb_time_format(nsec ? nsec : 1, text);
		memcpy(w->stamp, text, sizeof(w->stamp));
		w->second = second;
	}
	memcpy(p, w->stamp, sizeof(w->stamp));
	for (int i = 28; i >= 20; i--, rest /= 10)
		p[i] = (char)('0' + rest % 10);
	memcpy(p + 29, stream == MB_MONITOR_STDERR ? "Z stderr F " : "Z stdout F ", 11);
}

/* In strides: the ends of both sides have room for one too many, and lines are short. */
static inline void copy_strides(char *to, const char *from, size_t n)
{
	for (size_t at = 0; at < n; at += MB_LOGWRITE_SLACK)
		__builtin_memcpy(to + at, from + at, MB_LOGWRITE_SLACK);
}

static inline void put_cri(struct mb_logwrite *w, const char *text, size_t n, bool ended)
{
	size_t size = MB_LOGWRITE_PREFIX + n + !ended;
	char *to;

	if (w->n + size + MB_LOGWRITE_SLACK > sizeof(w->batch))
		flush(w);
	if (w->size + w->n + size > w->max && w->size + w->n > 0) {
		flush(w);
		if (w->size > 0 && w->size + size > w->max)
			rotate(w);
	}
	to = w->batch + w->n;
	__builtin_memcpy(to, w->prefix, MB_LOGWRITE_PREFIX);
	copy_strides(to + MB_LOGWRITE_PREFIX, text, n);
	if (!ended) {
		to[38] = 'P';
		to[size - 1] = '\n';
	}
	w->n += size;
}

/* How long it is is known when it is written: behind what the batch holds, and moved to the front
 * if that has to be written first. */
static void put_json(struct mb_logwrite *w, enum mb_monitor_stream stream, const char *text,
                     size_t n)
{
	const struct mb_logjson how = {.stream = stream == MB_MONITOR_STDERR ? "stderr" : "stdout",
	                               .time = w->prefix,
	                               .attrs = w->attrs ? w->attrs : "",
	                               .n_attrs = w->attrs ? strlen(w->attrs) : 0};
	size_t size, at;

	if (w->n + n * MB_LOGJSON_WIDEST + how.n_attrs + MB_LOGJSON_FRAME > sizeof(w->batch))
		flush(w);
	at = w->n;
	size = mb_logjson_format(w->batch + at, &how, text, n);
	if (w->size + at + size > w->max && w->size + at > 0) {
		flush(w);
		memmove(w->batch, w->batch + at, size);
		if (w->size > 0 && w->size + size > w->max)
			rotate(w);
	}
	w->n += size;
}

/* One record.  @ended: @text holds its line feed as the last byte. */
static inline void put_record(struct mb_logwrite *w, const struct mb_logwrite_stream *s,
                              const char *text, size_t n, bool ended, int64_t nsec)
{
	if (w->sink)
		mb_logsink_put(w->sink, s->stream, text, n - ended, !ended, nsec);
	if (w->is_fileless)
		return;
	if (w->is_json)
		put_json(w, s->stream, text, n);
	else
		put_cri(w, text, n, ended);
}

/* A batch is whole. */
static void pass_on(struct mb_logwrite *w)
{
	flush(w);
	if (w->sink)
		mb_logsink_flush(w->sink);
}

void mb_logwrite_feed(struct mb_logwrite *w, struct mb_logwrite_stream *s, char *bytes, size_t n,
                      int64_t nsec)
{
	char *p = bytes - s->n_tail, *end = bytes + n, *seen = bytes;

	memcpy(p, s->tail, s->n_tail);
	s->n_tail = 0;
	put_time(w, s->stream, nsec);
	while (p < end) {
		char *stop = memchr(seen, '\n', (size_t)(end - seen));
		size_t line = (size_t)((stop ? stop : end) - p);

		for (; line > MB_LOGWRITE_PIECE || (!stop && line == MB_LOGWRITE_PIECE);
		     line -= MB_LOGWRITE_PIECE, p += MB_LOGWRITE_PIECE)
			put_record(w, s, p, MB_LOGWRITE_PIECE, false, nsec);
		if (!stop)
			break;
		put_record(w, s, p, line + 1, true, nsec);
		p = seen = stop + 1;
	}
	pass_on(w);
	s->n_tail = (size_t)(end - p);
	memcpy(s->tail, p, s->n_tail);
}

void mb_logwrite_end(struct mb_logwrite *w, struct mb_logwrite_stream *s, int64_t nsec)
{
	if (!s->n_tail)
		return;
	put_time(w, s->stream, nsec);
	put_record(w, s, s->tail, s->n_tail, false, nsec);
	pass_on(w);
	s->n_tail = 0;
}
