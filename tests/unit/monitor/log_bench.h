/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log below a directory of its own, written and read by the functions under test. */
#ifndef MB_TESTS_MONITOR_LOG_BENCH_H
#define MB_TESTS_MONITOR_LOG_BENCH_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "monitor/logfile.h"
#include "monitor/logset.h"
#include "monitor/logtail.h"
#include "monitor/logwrite.h"

#define T0 1475799429669794202ll /* 2016-10-07T00:17:09.669794202Z */

struct bench {
	char path[64];
	int dir;
	struct mb_logwrite *w;
	struct mb_logwrite_stream *s[2];
	char *area;
};

static inline int bench_setup(void **state)
{
	struct bench *b = mb_calloc(1, sizeof(*b));

	snprintf(b->path, sizeof(b->path), "/tmp/mybox-test-log-XXXXXX");
	assert_non_null(mkdtemp(b->path));
	b->dir = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b->w = mb_calloc(1, sizeof(*b->w));
	b->w->fd = -1;
	for (int i = 0; i < 2; i++) {
		b->s[i] = mb_calloc(1, sizeof(*b->s[i]));
		b->s[i]->stream = i ? MB_MONITOR_STDERR : MB_MONITOR_STDOUT;
	}
	b->area = mb_malloc(MB_LOGWRITE_PIECE + (128 << 10) + MB_LOGWRITE_SLACK);
	*state = b;
	return 0;
}

static inline int bench_teardown(void **state)
{
	struct bench *b = *state;
	char command[128];

	mb_logwrite_close(b->w);
	close(b->dir);
	snprintf(command, sizeof(command), "rm -rf %s", b->path);
	assert_int_equal(system(command), 0);
	free(b->s[0]);
	free(b->s[1]);
	free(b->w);
	free(b->area);
	free(b);
	return 0;
}

static inline void feed(struct bench *b, int stream, const void *bytes, size_t n, int64_t nsec)
{
	memcpy(b->area + MB_LOGWRITE_PIECE, bytes, n);
	mb_logwrite_feed(b->w, b->s[stream], b->area + MB_LOGWRITE_PIECE, n, nsec);
}

static inline void feed_text(struct bench *b, int stream, const char *text, int64_t nsec)
{
	feed(b, stream, text, strlen(text), nsec);
}

static inline struct mb_logfile *reader(struct bench *b, struct mb_logfile_options options)
{
	struct mb_logfile *log = NULL;

	assert_int_equal(mb_logfile_open(b->dir, &options, &log, NULL), 0);
	return log;
}

/* All entries as "text;" ("text+" when partial), stderr's in capitals' place with a '!'. */
static inline void read_all(struct mb_logfile *log, struct mb_str *out)
{
	struct mb_logfile_entry e;

	while (mb_logfile_next(log, &e, NULL) == 0) {
		if (e.stream == MB_MONITOR_STDERR)
			mb_str_addc(out, '!');
		mb_str_addn(out, e.text, e.size);
		mb_str_addc(out, e.partial ? '+' : ';');
	}
}

static inline void expect(struct bench *b, struct mb_logfile_options options, const char *want)
{
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = reader(b, options);
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	read_all(log, &out);
	assert_string_equal(mb_str_text(&out), want);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

#endif
