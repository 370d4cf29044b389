/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/exitdoc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/crc32c.h"
#include "core/io.h"
#include "core/own.h"

static const char *word(bool b)
{
	return b ? "true" : "false";
}

size_t mb_monitor_exitdoc_format(const struct mb_monitor_exitdoc *doc,
                                 char buf[MB_MONITOR_EXITDOC_TEXT])
{
	static const char head[] = "{\"schema\":1,\"sum\":\"%08x\"";
	const size_t body_at = sizeof("{\"schema\":1,\"sum\":\"00000000\"") - 1;
	char began[MB_TIME_TEXT], ended[MB_TIME_TEXT], sum[64];
	char *body = buf + body_at;
	size_t room = MB_MONITOR_EXITDOC_TEXT - body_at;
	int n = snprintf(
		body, room,
		",\"exit_code\":%d,\"oom_killed\":%s,\"started\":\"%s\",\"finished\":\"%s\","
		"\"error\":\"%.200s\",\"restarting\":%s,\"restarts\":%u,\"backoff_ms\":%u,"
		"\"stop_requested\":%s,\"dropped_bytes\":%llu,\"unsent_bytes\":%llu}\n",
		doc->exit_code, word(doc->oom_killed), mb_time_format(doc->started_nsec, began),
		mb_time_format(doc->finished_nsec, ended), doc->error, word(doc->restarting),
		doc->restarts, doc->backoff_ms, word(doc->stop_requested),
		(unsigned long long)doc->dropped_bytes, (unsigned long long)doc->unsent_bytes);

	for (; body_at + (size_t)n < doc->size; n++)
		body[n] = '\n';
	snprintf(sum, sizeof(sum), head, mb_crc32c(0, body, (size_t)n));
	memcpy(buf, sum, body_at);
	return body_at + (size_t)n;
}

static int replace(int dirfd, const char *text, size_t n)
{
	static const char temporary[] = ".exit.json.new";
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
	MB_AUTO_CLOSE int fd = openat(dirfd, temporary, flags, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = mb_write_full(fd, text, n);
	if (r == 0 && renameat(dirfd, temporary, dirfd, "exit.json") < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, temporary, 0);
	return r;
}

/* The start has left a document: its block holds this one too.  One write, and no byte of the old
 * text behind the new one. */
static int overwrite(int dirfd, const struct mb_monitor_exitdoc *doc)
{
	MB_AUTO_CLOSE int fd = openat(dirfd, "exit.json", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	struct mb_monitor_exitdoc padded = *doc;
	char text[MB_MONITOR_EXITDOC_TEXT];
	struct stat st;
	size_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size >= (off_t)sizeof(text))
		return -EFBIG;
	padded.size = (size_t)st.st_size;
	n = mb_monitor_exitdoc_format(&padded, text);
	return pwrite(fd, text, n, 0) == (ssize_t)n ? 0 : -EIO;
}

int mb_monitor_exitdoc_write(int dirfd, const struct mb_monitor_exitdoc *doc)
{
	char text[MB_MONITOR_EXITDOC_TEXT];
	size_t n = mb_monitor_exitdoc_format(doc, text);
	int r = replace(dirfd, text, n);

	return r < 0 && overwrite(dirfd, doc) == 0 ? 0 : r;
}
