/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records to somebody else, who is slow, who goes away, and who comes back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/logsink.h"
#include "monitor/logwrite.h"

#define T0 1475799429669794202ll /* 2016-10-07T00:17:09.669794202Z */

struct bench {
	struct sockaddr_un at;
	struct mb_logsink *s;
	int server, epoll;
	uint32_t queue_bytes;
};

static void listen_there(struct bench *b, int type)
{
	b->server = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(b->at.sun_path);
	assert_int_equal(bind(b->server, (void *)&b->at, sizeof(b->at)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(b->server, 1), 0);
}

static int setup(void **state)
{
	struct bench *b = mb_calloc(1, sizeof(*b));

	setenv("TZ", "UTC", 1);
	b->at.sun_family = AF_UNIX;
	snprintf(b->at.sun_path, sizeof(b->at.sun_path), "/tmp/mybox-test-sink-%d", getpid());
	b->s = aligned_alloc(4096, (sizeof(*b->s) + 4095) & ~4095ul);
	memset(b->s, 0, sizeof(*b->s));
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	unlink(b->at.sun_path);
	close(b->server);
	close(b->epoll);
	mb_close(&b->s->fd);
	free(b->s);
	free(b);
	return 0;
}

static void open_sink(struct bench *b, int kind, int format, int type, const char *text)
{
	struct mb_monitor_logto to = {.kind = (uint32_t)kind,
	                              .format = (uint32_t)format,
	                              .facility = 3,
	                              .socktype = (uint32_t)type,
	                              .addr_len = sizeof(b->at),
	                              .queue_bytes = b->queue_bytes};

	memcpy(to.addr, &b->at, sizeof(b->at));
	snprintf(to.text, sizeof(to.text), "%s", text);
	mb_logsink_open(b->s, b->epoll, &to, -1);
}

static void put(struct bench *b, enum mb_monitor_stream stream, const char *text, bool is_piece)
{
	mb_logsink_put(b->s, stream, text, strlen(text), is_piece, T0);
	mb_logsink_flush(b->s);
}

static void expect_datagram(struct bench *b, const char *want)
{
	char got[2048];
	ssize_t n = recv(b->server, got, sizeof(got) - 1, 0);

	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, want);
}

static void syslog_formats(void **state)
{
	struct bench *b = *state;
	static const char *const want[] = {
		[MB_MONITOR_UNIXLOG] = "<30>Oct  7 00:17:09 web[%d]: hello\n",
		[MB_MONITOR_RFC3164] = "<30>Oct  7 00:17:09 host web[%d]: hello\n",
		[MB_MONITOR_RFC5424] = "<30>1 2016-10-07T00:17:09Z host web %d web - hello\n",
		[MB_MONITOR_RFC5424MICRO] =
			"<30>1 2016-10-07T00:17:09.669794Z host web %d web - hello\n",
	};

	listen_there(b, SOCK_DGRAM);
	for (int i = 0; i < (int)MB_N(want); i++) {
		MB_AUTO_FREE char *text = NULL;
		const char *mark = strstr(want[i], "%d");

		text = mb_asprintf("%.*s%d%s", (int)(mark - want[i]), want[i], getpid(), mark + 2);
		open_sink(b, MB_MONITOR_LOGTO_SYSLOG, i, SOCK_DGRAM, "web\nhost");
		put(b, MB_MONITOR_STDOUT, "hello", false);
		expect_datagram(b, text);
		mb_close(&b->s->fd);
	}
}

static void journal_fields_and_pieces(void **state)
{
	struct bench *b = *state;

	listen_there(b, SOCK_DGRAM);
	open_sink(b, MB_MONITOR_LOGTO_JOURNAL, 0, SOCK_DGRAM, "CONTAINER_ID=c\n");
	put(b, MB_MONITOR_STDERR, "oh", false);
	expect_datagram(b, "CONTAINER_ID=c\nPRIORITY=3\nMESSAGE=oh\n");
	put(b, MB_MONITOR_STDOUT, "one", true);
	put(b, MB_MONITOR_STDOUT, "two", false);
	put(b, MB_MONITOR_STDOUT, "new", false);
	expect_datagram(
		b, "CONTAINER_ID=c\nPRIORITY=6\nCONTAINER_PARTIAL_ID=147b17c31d31319a0000000000"
		   "000001\nCONTAINER_PARTIAL_ORDINAL=1\nCONTAINER_PARTIAL_LAST=false\n"
		   "CONTAINER_PARTIAL_MESSAGE=true\nMESSAGE=one\n");
	expect_datagram(
		b, "CONTAINER_ID=c\nPRIORITY=6\nCONTAINER_PARTIAL_ID=147b17c31d31319a0000000000"
		   "000001\nCONTAINER_PARTIAL_ORDINAL=2\nCONTAINER_PARTIAL_LAST=true\n"
		   "MESSAGE=two\n");
	expect_datagram(b, "CONTAINER_ID=c\nPRIORITY=6\nMESSAGE=new\n");
}

static void wait_for_room(struct bench *b)
{
	struct epoll_event e;

	while (epoll_wait(b->epoll, &e, 1, 0) > 0)
		mb_logsink_event(b->s);
}

/* Nobody reads: nothing waits, the queue takes what it holds, the rest is counted; later all that
 * was queued arrives, in its order. */
static void slow_reader(void **state)
{
	struct bench *b = *state;
	char line[1001], got[2048];
	uint64_t sent = 0, next = 0;

	listen_there(b, SOCK_DGRAM);
	open_sink(b, MB_MONITOR_LOGTO_SYSLOG, MB_MONITOR_UNIXLOG, SOCK_DGRAM, "t");
	for (int i = 0; i < 4000; i++) {
		memset(line, 'x', 1000);
		line[1000] = '\0';
		snprintf(line, sizeof(line), "%06d", i);
		line[6] = ' ';
		put(b, MB_MONITOR_STDOUT, line, false);
	}
	assert_true(b->s->dropped > 0);
	assert_int_equal(b->s->dropped % 1000, 0);
	for (ssize_t n; (n = recv(b->server, got, sizeof(got) - 1, 0)) > 0;) {
		got[n] = '\0';
		assert_int_equal(strtoul(strstr(got, ": ") + 2, NULL, 10), next);
		next++;
		sent += 1000;
		wait_for_room(b);
	}
	assert_int_equal(sent + b->s->dropped, 4000 * 1000);
	assert_int_equal(b->s->at, b->s->n);
}

/* Bytes of a thousand and a few each that nobody reads: how many of 3000 stay. */
static size_t kept_of(struct bench *b, uint32_t queue_bytes)
{
	char line[1001];
	size_t kept;

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	b->queue_bytes = queue_bytes;
	listen_there(b, SOCK_DGRAM);
	open_sink(b, MB_MONITOR_LOGTO_SYSLOG, MB_MONITOR_UNIXLOG, SOCK_DGRAM, "t");
	b->s->dropped = 0;
	for (int i = 0; i < 3000; i++)
		put(b, MB_MONITOR_STDOUT, line, false);
	kept = 3000 - b->s->dropped / 1000;
	b->s->at = b->s->n = b->s->sent = 0;
	mb_close(&b->s->fd);
	mb_close(&b->server);
	b->s->is_watched = false;
	return kept;
}

static void queue_is_as_large_as_asked(void **state)
{
	struct bench *b = *state;
	size_t least = kept_of(b, 64 << 10), usual = kept_of(b, 0);

	assert_true(least < 200);
	assert_true(usual > 900 && usual < 1300);
	assert_int_equal(kept_of(b, 4 << 20), 3000);
	assert_int_equal(kept_of(b, UINT32_MAX), 3000);
}

/* What was written meanwhile is kept, and arrives when somebody listens again. */
static void reader_that_comes_back(void **state)
{
	struct bench *b = *state;

	listen_there(b, SOCK_DGRAM);
	open_sink(b, MB_MONITOR_LOGTO_JOURNAL, 0, SOCK_DGRAM, "");
	put(b, MB_MONITOR_STDOUT, "1", false);
	expect_datagram(b, "PRIORITY=6\nMESSAGE=1\n");
	mb_close(&b->server);
	put(b, MB_MONITOR_STDOUT, "2", false);
	put(b, MB_MONITOR_STDOUT, "3", false);
	assert_true(mb_logsink_deadline(b->s) > mb_monotonic_nsec());
	listen_there(b, SOCK_DGRAM);
	mb_logsink_step(b->s); /* too early */
	assert_int_equal(recv(b->server, &(char){0}, 1, 0), -1);
	b->s->retry = 1;
	mb_logsink_step(b->s);
	expect_datagram(b, "PRIORITY=6\nMESSAGE=2\n");
	expect_datagram(b, "PRIORITY=6\nMESSAGE=3\n");
	assert_int_equal(b->s->dropped, 0);
	assert_int_equal(mb_logsink_deadline(b->s), 0);
}

/* A stream that is cut goes on with whole messages. */
static void stream_that_is_cut(void **state)
{
	struct bench *b = *state;
	static char big[16 << 10], got[1 << 20];
	size_t n = 0;
	int first, second;

	listen_there(b, SOCK_STREAM);
	open_sink(b, MB_MONITOR_LOGTO_SYSLOG, MB_MONITOR_UNIXLOG, SOCK_STREAM, "t");
	memset(big, 'x', sizeof(big) - 1);
	for (int i = 0; i < 40; i++)
		put(b, MB_MONITOR_STDOUT, big, false);
	first = accept(b->server, NULL, NULL);
	assert_true(b->s->at < b->s->n);
	b->s->sent = 100; /* a part of one is on its way */
	close(first);
	wait_for_room(b);
	assert_int_equal(b->s->fd, -1);
	b->s->retry = 1;
	mb_logsink_step(b->s);
	second = accept4(b->server, NULL, NULL, SOCK_NONBLOCK);
	for (ssize_t r; (r = read(second, got + n, sizeof(got) - n)) > 0; n += (size_t)r)
		wait_for_room(b);
	close(second);
	assert_memory_equal(got, "<30>", 4);
	assert_int_equal(got[n - 1], '\n');
	assert_int_equal(b->s->dropped, 0);
	assert_int_equal(b->s->at, b->s->n);
}

/* The last word of a short run, whose collector has come back within the second. */
static void last_word(void **state)
{
	struct bench *b = *state;

	open_sink(b, MB_MONITOR_LOGTO_JOURNAL, 0, SOCK_DGRAM, "");
	put(b, MB_MONITOR_STDOUT, "1", false);
	assert_int_equal(b->s->fd, -1);
	listen_there(b, SOCK_DGRAM);
	mb_logsink_finish(b->s);
	expect_datagram(b, "PRIORITY=6\nMESSAGE=1\n");
	assert_int_equal(b->s->at, b->s->n);
}

/* A line whose end finds no room is over all the same. */
static void lost_end_of_a_line(void **state)
{
	struct bench *b = *state;
	static char big[16 << 10];

	open_sink(b, MB_MONITOR_LOGTO_JOURNAL, 0, SOCK_DGRAM, "");
	memset(big, 'x', sizeof(big) - 1);
	put(b, MB_MONITOR_STDOUT, "piece", true);
	while (!b->s->dropped)
		put(b, MB_MONITOR_STDERR, big, false);
	put(b, MB_MONITOR_STDOUT, big, false);
	b->s->at = b->s->n = 0;
	listen_there(b, SOCK_DGRAM);
	b->s->retry = 0;
	put(b, MB_MONITOR_STDOUT, "new", false);
	expect_datagram(b, "PRIORITY=6\nMESSAGE=new\n");
}

/* A buffer that is too small for one message is as large as one. */
static void the_longest_line_finds_room(void **state)
{
	struct bench *b = *state;
	MB_AUTO_FREE char *line = mb_malloc(MB_LOGWRITE_PIECE + 1);
	char got[MB_LOGWRITE_PIECE + 64];

	memset(line, 'x', MB_LOGWRITE_PIECE);
	line[MB_LOGWRITE_PIECE] = '\0';
	listen_there(b, SOCK_DGRAM);
	b->queue_bytes = 4096;
	open_sink(b, MB_MONITOR_LOGTO_JOURNAL, 0, SOCK_DGRAM, "A=b\n");
	put(b, MB_MONITOR_STDOUT, line, false);
	assert_int_equal(b->s->dropped, 0);
	assert_true(recv(b->server, got, sizeof(got), 0) > MB_LOGWRITE_PIECE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(syslog_formats),
		TEST(journal_fields_and_pieces),
		TEST(slow_reader),
		TEST(queue_is_as_large_as_asked),
		TEST(the_longest_line_finds_room),
		TEST(reader_that_comes_back),
		TEST(stream_that_is_cut),
		TEST(last_word),
		TEST(lost_end_of_a_line),
	};

	return cmocka_run_group_tests_name("monitor/logsink", tests, NULL, NULL);
}
