/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "core/utf8.h"

static const char attributes[] = ",\"Attributes\":{", end[] = "}}\n";
enum { TIME_WIDTH = 20 };

/* Room for @more bytes, and for the end of the record. */
static bool has_room(const struct mb_event *e, size_t more)
{
	return e->n + more + sizeof(attributes) + sizeof(end) <= sizeof(e->text);
}

static bool add(struct mb_event *e, const char *bytes, size_t n)
{
	if (!has_room(e, n))
		return false;
	memcpy(e->text + e->n, bytes, n);
	e->n += n;
	return true;
}

/* One character as it stands in a JSON string.  Return: bytes of @s that it took. */
static size_t escape(const char *s, size_t len, char out[8], size_t *ret_n)
{
	unsigned char c = (unsigned char)*s;
	uint32_t ignored;
	size_t n;

	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		*ret_n = 2;
		return 1;
	}
	if (c < ' ' || c == 0x7f) {
		*ret_n = (size_t)snprintf(out, 8, "\\u%04x", c);
		return 1;
	}
	n = mb_utf8_decode(s, len, &ignored);
	memcpy(out, n ? s : "\xef\xbf\xbd", n ? n : 3);
	*ret_n = n ? n : 3;
	return n ? n : 1;
}

/* @cut: what does not fit is left out; else there is all of it or nothing. */
static bool add_string(struct mb_event *e, const char *s, size_t limit, bool cut)
{
	size_t before = e->n, len = strlen(s);
	bool fits = add(e, "\"", 1);

	while (fits && len) {
		char one[8];
		size_t n, took = escape(s, len, one, &n);

		if (e->n - before + n > limit && cut)
			break;
		fits = add(e, one, n);
		s += took;
		len -= took;
	}
	fits = fits && add(e, "\"", 1);
	if (!fits)
		e->n = before;
	return fits;
}

static void add_member(struct mb_event *e, const char *key, const char *value)
{
	add(e, ",\"", 2);
	add(e, key, strlen(key));
	add(e, "\":", 2);
	add_string(e, value, MB_EVENT_ACTION_MAX, true);
}

void mb_event_begin(struct mb_event *e, const char *type, const char *action, const char *id)
{
	e->n = e->n_attributes = 0;
	add(e, MB_EVENT_HEAD, sizeof(MB_EVENT_HEAD) - 1);
	memset(e->text + e->n, ' ', TIME_WIDTH);
	e->n += TIME_WIDTH;
	add_member(e, "Type", type);
	add_member(e, "Action", action);
	add_member(e, "ID", id);
	e->n_attributes = e->n;
}

static bool begin_attribute(struct mb_event *e)
{
	if (e->n == e->n_attributes)
		return add(e, attributes, sizeof(attributes) - 1);
	return add(e, ",", 1);
}

void mb_event_set(struct mb_event *e, const char *key, const char *value)
{
	size_t before = e->n;

	if (!begin_attribute(e) || !add_string(e, key, MB_EVENT_MAX, false) || !add(e, ":", 1) ||
	    !add_string(e, value ? value : "", MB_EVENT_MAX, false))
		e->n = before;
}

void mb_event_set_int(struct mb_event *e, const char *key, long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", value);
	mb_event_set(e, key, text);
}

void mb_event_add(struct mb_event *e, const char *members, size_t n)
{
	size_t before = e->n;

	if (n && (!begin_attribute(e) || !add(e, members, n)))
		e->n = before;
}

const char *mb_event_members(const struct mb_event *e, size_t *ret_n)
{
	size_t skip = e->n_attributes + sizeof(attributes) - 1;

	*ret_n = e->n > skip ? e->n - skip : 0;
	return e->text + skip;
}

/* --- the files -------------------------------------------------------------------------------- */

static int open_log(int root_fd)
{
	const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = openat(root_fd, MB_EVENT_DIR "/log", flags);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(root_fd, MB_EVENT_DIR, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(root_fd, MB_EVENT_DIR "/log", flags | O_CREAT, 0600);
}

/* Under a lock, and only if nobody was first: the one that is full is still the log. */
static void rotate(int root_fd, int full_fd)
{
	MB_AUTO_CLOSE int dir = openat(root_fd, MB_EVENT_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MB_AUTO_CLOSE int lock = -1;
	char from[16], to[16];
	struct stat full, now;

	if (dir < 0)
		return;
	lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0 || fstat(full_fd, &full) < 0 ||
	    fstatat(dir, "log", &now, AT_SYMLINK_NOFOLLOW) < 0 || full.st_ino != now.st_ino)
		return;
	snprintf(to, sizeof(to), "log.%d", MB_EVENT_FILES - 1);
	for (int i = MB_EVENT_FILES - 2; i >= 0; i--) {
		snprintf(from, sizeof(from), i ? "log.%d" : "log", i);
		renameat(dir, from, dir, to);
		memcpy(to, from, sizeof(to));
	}
}

void mb_event_write_bounded(struct mb_event *e, int root_fd, int64_t file_bytes)
{
	const size_t digits = sizeof(MB_EVENT_HEAD) - 1;
	MB_AUTO_CLOSE int fd = open_log(root_fd);
	char text[TIME_WIDTH + 1];

	if (fd < 0)
		return;
	if (e->n == e->n_attributes)
		add(e, attributes, sizeof(attributes) - 1);
	/* Kept free by has_room(). */
	memcpy(e->text + e->n, end, sizeof(end) - 1);
	e->n += sizeof(end) - 1;
	snprintf(text, sizeof(text), "%*lld", TIME_WIDTH, (long long)mb_now_nsec());
	memcpy(e->text + digits, text, TIME_WIDTH);
	if (write(fd, e->text, e->n) > 0 && lseek(fd, 0, SEEK_CUR) >= file_bytes)
		rotate(root_fd, fd);
}

void mb_event_write(struct mb_event *e, int root_fd)
{
	mb_event_write_bounded(e, root_fd, MB_EVENT_FILE_BYTES);
}
