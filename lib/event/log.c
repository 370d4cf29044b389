/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files are read in the order in which they were the log.  One that was rotated away may still get
 * a record of somebody who had opened it: it is looked at until the next one is rotated, too. */
#include "event/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/event.h"
#include "core/str.h"

enum { CHUNK = 64 << 10, LINE_MAX_BYTES = 1 << 20, FILES_MAX = 2 * MB_EVENT_FILES };

struct file {
	int fd;
	ino_t inode;
	struct mb_str text; /* what was read and not given; from .at on */
	size_t at;
};

struct mb_event_log {
	int dir_fd, inotify;
	int64_t since;
	struct file file[FILES_MAX]; /* oldest first; the last one is the log */
	size_t n, reading;
};

static void file_done(struct file *f)
{
	mb_close(&f->fd);
	mb_str_done(&f->text);
}

void mb_event_log_free(struct mb_event_log *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < log->n; i++)
		file_done(&log->file[i]);
	mb_close(&log->dir_fd);
	mb_close(&log->inotify);
	free(log);
}

static int open_nth(int dir_fd, int i, ino_t *ret_inode)
{
	char name[16];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), i ? "log.%d" : "log", i);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		mb_close(&fd);
	if (fd >= 0)
		*ret_inode = st.st_ino;
	return fd;
}

static bool has(const struct mb_event_log *log, ino_t inode)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->file[i].inode == inode)
			return true;
	return false;
}

/* Only the one before the log can still get records. */
static void forget_oldest(struct mb_event_log *log)
{
	file_done(&log->file[0]);
	log->n--;
	memmove(log->file, log->file + 1, log->n * sizeof(*log->file));
	if (log->reading)
		log->reading--;
}

/* What is new since the last look: from the newest back to one that we have. */
static void look(struct mb_event_log *log)
{
	struct file found[MB_EVENT_FILES];
	size_t n = 0;

	for (int i = 0; i < MB_EVENT_FILES; i++) {
		ino_t inode = 0;
		int fd = open_nth(log->dir_fd, i, &inode);

		if (fd >= 0 && has(log, inode)) {
			close(fd);
			break;
		}
		if (fd < 0 || (n && found[n - 1].inode == inode)) {
			mb_close(&fd);
			continue;
		}
		found[n++] = (struct file){.fd = fd, .inode = inode};
	}
	while (n) {
		if (log->n == FILES_MAX)
			forget_oldest(log);
		log->file[log->n++] = found[--n];
	}
}

int mb_event_log_open(int root_fd, struct mb_event_log **ret, struct mb_err *err)
{
	MB_AUTO(mb_event_log_free) struct mb_event_log *log = mb_calloc(1, sizeof(*log));

	log->inotify = -1;
	if (mkdirat(root_fd, MB_EVENT_DIR, 0700) < 0 && errno != EEXIST && errno != EROFS)
		return mb_fail_sys(err, errno, "cannot create the directory of events");
	log->dir_fd = openat(root_fd, MB_EVENT_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->dir_fd < 0)
		return mb_fail_sys(err, errno, "cannot open the directory of events");
	look(log);
	*ret = mb_take_ptr(&log);
	return 0;
}

void mb_event_log_since(struct mb_event_log *log, int64_t nsec)
{
	log->since = nsec;
}

void mb_event_log_skip(struct mb_event_log *log)
{
	look(log);
	for (size_t i = 0; i < log->n; i++) {
		lseek(log->file[i].fd, 0, SEEK_END);
		mb_str_done(&log->file[i].text);
		log->file[i].at = 0;
	}
	log->reading = 0;
}

/* Return: whether there was more. */
static bool read_more(struct file *f)
{
	size_t left = f->text.len - f->at;
	ssize_t n;

	if (f->at) {
		memmove(f->text.buf, f->text.buf + f->at, left);
		f->text.len = left;
		f->at = 0;
	}
	/* No record is so long: a file without lines. */
	if (left > LINE_MAX_BYTES)
		mb_str_reset(&f->text);
	mb_str_reserve(&f->text, CHUNK);
	n = read(f->fd, f->text.buf + f->text.len, CHUNK);
	if (n <= 0)
		return false;
	f->text.len += (size_t)n;
	f->text.buf[f->text.len] = '\0';
	return true;
}

static bool is_before(const char *line, size_t n, int64_t since)
{
	const size_t skip = sizeof(MB_EVENT_HEAD) - 1;

	return since && n > skip && memcmp(line, MB_EVENT_HEAD, skip) == 0 &&
	       strtoll(line + skip, NULL, 10) < since &&
	       !memmem(line + 1, n - 1, MB_EVENT_HEAD, skip);
}

static int next_of(struct mb_event_log *log, struct file *f, struct mb_event_record *ret)
{
	for (;;) {
		const char *line = f->text.buf + f->at;
		const char *end =
			f->text.len > f->at ? memchr(line, '\n', f->text.len - f->at) : NULL;
		size_t n;

		if (!end) {
			if (!read_more(f))
				return MB_EVENT_LOG_END;
			continue;
		}
		n = (size_t)(end - line);
		f->at += n + 1;
		if (is_before(line, n, log->since) || mb_event_record_parse(line, n, ret) < 0)
			continue;
		if (ret->nsec >= log->since)
			return 0;
		mb_event_record_done(ret);
	}
}

int mb_event_log_next(struct mb_event_log *log, struct mb_event_record *ret)
{
	for (; log->reading < log->n; log->reading++)
		if (next_of(log, &log->file[log->reading], ret) == 0)
			return 0;
	/* All is read; the last two may get more. */
	while (log->n > 2)
		forget_oldest(log);
	log->reading = 0;
	return MB_EVENT_LOG_END;
}

int mb_event_log_follow(struct mb_event_log *log, int *ret_fd, struct mb_err *err)
{
	char path[32];

	if (log->inotify < 0) {
		log->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (log->inotify < 0)
			return mb_fail_sys(err, errno, "cannot watch the events");
		snprintf(path, sizeof(path), "/proc/self/fd/%d", log->dir_fd);
		if (inotify_add_watch(log->inotify, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
			return mb_fail_sys(err, errno, "cannot watch the events");
		look(log);
	}
	*ret_fd = log->inotify;
	return 0;
}

void mb_event_log_settle(struct mb_event_log *log)
{
	_Alignas(struct inotify_event) char
		events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];

	while (read(log->inotify, events, sizeof(events)) > 0)
		;
	look(log);
}
