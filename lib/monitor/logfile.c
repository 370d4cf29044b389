/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/str.h"
#include "monitor/logrecord.h"
#include "monitor/logset.h"
#include "monitor/logtail.h"

enum { BUFFER = 256 << 10 };

struct mb_logfile {
	struct mb_logset set;
	int fd, inotify; /* -1: none */
	struct mb_logfile_options options;
	struct mb_logtail_stop stop;
	uint64_t file, offset; /* of .fd: identity and end of what is in the buffer */
	uint64_t stop_file;    /* of .stop.fd */
	uint64_t skip[2];
	bool is_past, is_finishing, is_told_stale;
	bool is_late; /* the last record was at or after .until */
	unsigned gaps;
	size_t at, n; /* unread part of the buffer */
	struct mb_logrecord_clock clock;
	struct {
		struct mb_str text;
		int64_t nsec;
		bool is_open;  /* a line was begun, possibly of no bytes */
		bool is_given; /* .text was handed out and is to be emptied */
		bool mid_line; /* of mb_logfile_copy() */
	} join[2];
	char buffer[BUFFER];
};

/* Whoever writes faster than we read would otherwise never let us come to an end. */
static int stop_now(struct mb_logfile *log)
{
	struct stat st;
	int r = mb_logset_newest(&log->set, &log->stop.fd);

	if (r == MB_LOGSET_NONE)
		log->is_past = true;
	if (r != 0)
		return r;
	if (fstat(log->stop.fd, &st) < 0)
		return -errno;
	log->stop.offset = (uint64_t)st.st_size;
	log->stop_file = mb_logset_identity(log->stop.fd);
	return 0;
}

static int start(struct mb_logfile *log, struct mb_err *err)
{
	const struct mb_logfile_options *o = &log->options;
	struct mb_logtail from = {.fd = -1};
	int r = o->until_now ? stop_now(log) : 0;

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read the log");
	if (log->is_past)
		return 0;
	if (o->tail >= 0)
		r = mb_logtail_find(&log->set, o->streams, (uint64_t)o->tail, log->stop, &from);
	else if (o->since)
		r = mb_logtail_find_since(&log->set, o->since, log->stop, &from);
	else
		r = mb_logset_oldest(&log->set, &from.fd);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read the log");
	log->fd = from.fd;
	log->offset = from.offset;
	log->file = log->fd >= 0 ? mb_logset_identity(log->fd) : 0;
	log->gaps += log->fd >= 0 && mb_logset_is_cut(log->fd);
	memcpy(log->skip, from.skip, sizeof(log->skip));
	return 0;
}

int mb_logfile_open(int container_fd, const struct mb_logfile_options *options,
                    struct mb_logfile **ret, struct mb_err *err)
{
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = mb_calloc(1, sizeof(*log));
	int r;

	log->fd = log->inotify = log->stop.fd = -1;
	log->options = *options;
	if (!log->options.streams)
		log->options.streams = MB_MONITOR_STDOUT | MB_MONITOR_STDERR;
	log->set.dir_fd = fcntl(container_fd, F_DUPFD_CLOEXEC, 3);
	if (log->set.dir_fd < 0)
		return mb_fail_sys(err, errno, "cannot read the log");
	snprintf(log->set.name, sizeof(log->set.name), "%s", options->name ? options->name : "log");
	log->set.unpack = options->unpack;
	r = start(log, err);
	if (r < 0)
		return r;
	*ret = mb_take_ptr(&log);
	return 0;
}

void mb_logfile_free(struct mb_logfile *log)
{
	if (!log)
		return;
	mb_close(&log->set.dir_fd);
	mb_close(&log->fd);
	mb_close(&log->inotify);
	mb_close(&log->stop.fd);
	for (size_t i = 0; i < MB_N(log->join); i++)
		mb_str_done(&log->join[i].text);
	free(log);
}

bool mb_logfile_is_past(const struct mb_logfile *log)
{
	return log->is_past;
}

unsigned mb_logfile_gaps(const struct mb_logfile *log)
{
	return log->gaps;
}

static void use_file(struct mb_logfile *log, int fd)
{
	mb_close(&log->fd);
	log->fd = fd;
	log->file = mb_logset_identity(fd);
	log->gaps += mb_logset_is_cut(fd);
	log->offset = 0;
	log->is_told_stale = false;
}

/* Rotation overtook us: go on at the oldest file, or in the one in which we are to stop when that
 * is removed too.  Looked at in this order: the oldest is no newer than one that is there. */
static int go_on(struct mb_logfile *log, int *ret_fd)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_logset_oldest(&log->set, &fd);

	if (r == 0 && log->stop.fd >= 0 && !mb_logset_holds(&log->set, log->stop.fd)) {
		mb_close(&fd);
		fd = fcntl(log->stop.fd, F_DUPFD_CLOEXEC, 3);
		r = fd < 0 ? -errno : 0;
	}
	*ret_fd = mb_take_fd(&fd);
	return r;
}

/* The current file is read to its end.  Return: 0 when there is (or may be) more to read;
 * MB_LOGFILE_END; -errno. */
static int next_file(struct mb_logfile *log)
{
	int fd = -1, r;

	if (log->fd < 0) {
		r = mb_logset_oldest(&log->set, &fd);
	} else if (mb_logset_is_current(&log->set, log->fd)) {
		return MB_LOGFILE_END;
	} else if (!log->is_told_stale) {
		/* It was written to until it was renamed: look once more. */
		log->is_told_stale = true;
		return 0;
	} else {
		r = mb_logset_newer(&log->set, log->fd, &fd);
		if (r == MB_LOGSET_LOST) {
			log->gaps++;
			r = go_on(log, &fd);
		}
	}
	if (r != 0)
		return r < 0 ? r : MB_LOGFILE_END;
	use_file(log, fd);
	return 0;
}

/* Bytes that may be read at once; 0 at the point where reading stops for good. */
static size_t allowance(const struct mb_logfile *log, size_t room)
{
	const struct mb_logtail_stop *stop = &log->stop;

	if (stop->fd < 0 || log->file != log->stop_file)
		return room;
	if (log->offset >= stop->offset)
		return 0;
	return stop->offset - log->offset < room ? (size_t)(stop->offset - log->offset) : room;
}

/* Get more into the buffer.  Return: 0; MB_LOGFILE_END; -errno, told. */
static int fill(struct mb_logfile *log, struct mb_err *err)
{
	if (log->at) {
		memmove(log->buffer, log->buffer + log->at, log->n - log->at);
		log->n -= log->at;
		log->at = 0;
	}
	for (;;) {
		size_t room = allowance(log, BUFFER - log->n);
		ssize_t r = 0;
		int next;

		if (room == 0 && log->n < BUFFER) {
			log->is_past = true;
			return MB_LOGFILE_END;
		}
		if (log->fd >= 0)
			r = pread(log->fd, log->buffer + log->n, room, (off_t)log->offset);
		if (r < 0)
			return mb_fail_sys(err, errno, "cannot read the log");
		if (r > 0) {
			log->n += (size_t)r;
			log->offset += (uint64_t)r;
			return 0;
		}
		next = next_file(log);
		if (next < 0)
			return mb_fail_sys(err, -next, "cannot read the log");
		if (next == MB_LOGFILE_END)
			return MB_LOGFILE_END;
		/* Half a record at the end of a file has lost its other half. */
		if (log->offset == 0)
			log->n = 0;
	}
}

/* A record is at or after .until.  Where they are in order so are all that follow in this file. */
static void pass_late(struct mb_logfile *log)
{
	uint64_t end = log->stop.offset;
	struct stat st;

	if (log->stop.fd < 0)
		return; /* it may grow */
	if (log->file != log->stop_file) {
		if (fstat(log->fd, &st) < 0)
			return;
		end = (uint64_t)st.st_size;
	}
	if (!mb_logset_is_ordered(log->fd))
		return;
	log->at = log->n = 0;
	log->offset = end;
}

/* The next record of a wanted stream and time, in the buffer.  Return: as fill(). */
static int next_record(struct mb_logfile *log, struct mb_logrecord *record, struct mb_err *err)
{
	const struct mb_logfile_options *o = &log->options;

	for (;;) {
		char *from = log->buffer + log->at;
		size_t left = log->n - log->at;
		const char *feed = log->is_past ? NULL : memchr(from, '\n', left);
		unsigned s;

		if (log->is_past)
			return MB_LOGFILE_END;
		if (!feed && left < BUFFER) {
			int r = fill(log, err);

			if (r == MB_LOGFILE_END && log->is_late && mb_now_nsec() >= o->until)
				log->is_past = true;
			if (r != 0)
				return r;
			continue;
		}
		mb_logrecord_parse(from, feed ? (size_t)(feed - from) : left, &log->clock, record);
		log->at = feed ? (size_t)(feed + 1 - log->buffer) : log->n;
		s = record->stream == MB_MONITOR_STDERR;
		if (!(o->streams & record->stream))
			continue;
		if (log->skip[s]) {
			log->skip[s]--;
			continue;
		}
		log->is_late = o->until && record->nsec >= o->until;
		if (log->is_late) {
			pass_late(log);
			continue;
		}
		if (o->since && record->nsec < o->since)
			continue;
		return 0;
	}
}

static void give_join(struct mb_logfile *log, unsigned s, bool partial, struct mb_logfile_entry *e)
{
	e->nsec = log->join[s].nsec;
	e->stream = s ? MB_MONITOR_STDERR : MB_MONITOR_STDOUT;
	e->partial = partial;
	e->text = mb_str_text(&log->join[s].text);
	e->size = log->join[s].text.len;
	log->join[s].is_given = true;
	log->join[s].is_open = partial && log->join[s].text.len >= MB_LOGFILE_JOIN_MAX;
}

static void forget_given(struct mb_logfile *log)
{
	for (size_t s = 0; s < MB_N(log->join); s++) {
		if (log->join[s].is_given)
			mb_str_reset(&log->join[s].text);
		log->join[s].is_given = false;
	}
}

/* Lines that were begun and not ended. */
static int next_rest(struct mb_logfile *log, struct mb_logfile_entry *ret)
{
	if (log->inotify >= 0 && !log->is_finishing && !log->is_past)
		return MB_LOGFILE_END;
	for (unsigned s = 0; s < MB_N(log->join); s++) {
		if (!log->join[s].is_open || log->join[s].text.len == 0)
			continue;
		give_join(log, s, true, ret);
		log->join[s].is_open = false;
		return 0;
	}
	return MB_LOGFILE_END;
}

int mb_logfile_next(struct mb_logfile *log, struct mb_logfile_entry *ret, struct mb_err *err)
{
	struct mb_logrecord record;

	forget_given(log);
	for (;;) {
		int r = next_record(log, &record, err);
		unsigned s;

		if (r == MB_LOGFILE_END)
			return next_rest(log, ret);
		if (r < 0)
			return r;
		s = record.stream == MB_MONITOR_STDERR;
		if (!log->join[s].is_open && !record.is_piece) {
			*ret = (struct mb_logfile_entry){.nsec = record.nsec,
			                                 .stream = record.stream,
			                                 .text = record.text,
			                                 .size = record.size};
			return 0;
		}
		if (!log->join[s].is_open)
			log->join[s].nsec = record.nsec;
		log->join[s].is_open = true;
		mb_str_addn(&log->join[s].text, record.text, record.size);
		if (!record.is_piece || log->join[s].text.len >= MB_LOGFILE_JOIN_MAX) {
			give_join(log, s, record.is_piece, ret);
			return 0;
		}
	}
}

int mb_logfile_follow(struct mb_logfile *log, int *ret_poll_fd, struct mb_err *err)
{
	const uint32_t mask = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF;
	char path[32];

	if (log->inotify < 0) {
		MB_AUTO_CLOSE int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

		snprintf(path, sizeof(path), "/proc/self/fd/%d", log->set.dir_fd);
		if (fd < 0 || inotify_add_watch(fd, path, mask) < 0)
			return mb_fail_sys(err, errno, "cannot watch the log");
		log->inotify = mb_take_fd(&fd);
	}
	*ret_poll_fd = log->inotify;
	return 0;
}

void mb_logfile_settle(struct mb_logfile *log)
{
	char events[4096];

	while (log->inotify >= 0 && read(log->inotify, events, sizeof(events)) > 0)
		;
}

void mb_logfile_finish(struct mb_logfile *log)
{
	log->is_finishing = true;
}

/* What mb_logfile_copy() has put together: the beginning of .piece, all of one stream. */
struct copy {
	mb_logfile_write_fn *write;
	void *arg;
	enum mb_monitor_stream stream;
	size_t n;
	char piece[64 << 10];
};

static int flush(struct copy *c)
{
	int r = c->n ? c->write(c->arg, c->stream, c->piece, c->n) : 0;

	c->n = 0;
	return r;
}

static int put(struct copy *c, enum mb_monitor_stream stream, const void *bytes, size_t n)
{
	int r = 0;

	if (c->stream != stream || c->n + n > sizeof(c->piece))
		r = flush(c);
	c->stream = stream;
	while (r == 0 && n > sizeof(c->piece)) {
		r = c->write(c->arg, stream, bytes, sizeof(c->piece));
		bytes = (const char *)bytes + sizeof(c->piece);
		n -= sizeof(c->piece);
	}
	if (r == 0 && n) {
		memcpy(c->piece + c->n, bytes, n);
		c->n += n;
	}
	return r;
}

static int put_record(struct mb_logfile *log, struct copy *c, const struct mb_logrecord *record,
                      bool stamps)
{
	unsigned s = record->stream == MB_MONITOR_STDERR;
	char stamp[MB_TIME_TEXT + 1];
	int r = 0;

	if (stamps && !log->join[s].mid_line) {
		size_t n = strlen(mb_time_format(record->nsec, stamp));

		stamp[n] = ' ';
		r = put(c, record->stream, stamp, n + 1);
	}
	log->join[s].mid_line = record->is_piece;
	if (r == 0)
		r = put(c, record->stream, record->text, record->size);
	if (r == 0 && !record->is_piece)
		r = put(c, record->stream, "\n", 1);
	return r;
}

int mb_logfile_copy(struct mb_logfile *log, bool stamps, mb_logfile_write_fn *write, void *arg,
                    struct mb_err *err)
{
	MB_AUTO_FREE struct copy *c = mb_malloc(sizeof(*c));
	int r;

	*c = (struct copy){.write = write, .arg = arg, .stream = MB_MONITOR_STDOUT};
	for (;;) {
		struct mb_logrecord record;

		r = next_record(log, &record, err);
		if (r < 0)
			return r;
		if (r == MB_LOGFILE_END)
			break;
		r = put_record(log, c, &record, stamps);
		if (r < 0)
			return mb_fail_sys(err, -r, "cannot write the log out");
	}
	r = flush(c);
	return r < 0 ? mb_fail_sys(err, -r, "cannot write the log out") : MB_LOGFILE_END;
}
