/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small pure parts: messages, back-off, the exit's document, the shared image. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/crc32c.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "monitor/client.h"
#include "monitor/exitdoc.h"
#include "monitor/message.h"
#include "monitor/monitor.h"
#include "monitor/restart.h"

static void decode_older_and_newer(void **state)
{
	const struct mb_monitor_exit sent = {.exit_code = 7, .flags = 3, .finished_nsec = 99};
	struct mb_monitor_exit got;
	char longer[sizeof(sent) + 8];

	(void)state;
	memset(&got, 0xff, sizeof(got));
	mb_monitor_message_decode(&got, sizeof(got), &sent, 4);
	assert_int_equal(got.exit_code, 7);
	assert_int_equal(got.flags, 0);
	assert_int_equal(got.finished_nsec, 0);
	memcpy(longer, &sent, sizeof(sent));
	mb_monitor_message_decode(&got, sizeof(got), longer, sizeof(longer));
	assert_memory_equal(&got, &sent, sizeof(sent));
	mb_monitor_message_decode(&got, sizeof(got), NULL, 0);
	assert_int_equal(got.exit_code, 0);
}

static void check_sizes(void **state)
{
	struct mb_monitor_head head = {.type = MB_MONITOR_WAIT, .size = 4}, got;
	char packet[sizeof(head) + 5] = "";

	(void)state;
	memcpy(packet, &head, sizeof(head));
	assert_int_equal(mb_monitor_message_check(packet, sizeof(head) + 4, &got), 0);
	assert_int_equal(got.type, MB_MONITOR_WAIT);
	assert_int_equal(mb_monitor_message_check(packet, sizeof(head) + 3, &got), -EBADMSG);
	assert_int_equal(mb_monitor_message_check(packet, sizeof(head) + 5, &got), -EBADMSG);
	assert_int_equal(mb_monitor_message_check(packet, sizeof(head) - 1, &got), -EBADMSG);
	assert_int_equal(mb_monitor_message_check(packet, 0, &got), -EBADMSG);
}

static void slots_in_order(void **state)
{
	const int got[] = {10, 11, 12};
	int fds[5];

	(void)state;
	assert_int_equal(mb_monitor_message_slots(0x15, got, 3, fds, 5), 0);
	assert_int_equal(fds[0], 10);
	assert_int_equal(fds[1], -1);
	assert_int_equal(fds[2], 11);
	assert_int_equal(fds[3], -1);
	assert_int_equal(fds[4], 12);
	assert_int_equal(mb_monitor_message_slots(0x15, got, 2, fds, 5), -EBADMSG);
	assert_int_equal(mb_monitor_message_slots(0x25, got, 3, fds, 5), -EBADMSG);
	assert_int_equal(mb_monitor_message_slots(0, got, 0, fds, 5), 0);
}

static void client_reads_an_old_peer(void **state)
{
	struct mb_monitor_head head = {.type = MB_MONITOR_INFO_IS, .size = 4};
	struct mb_monitor_info info;
	const uint32_t old = MB_MONITOR_BACKOFF;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(mb_monitor_message_send(pair[1], &head, &old, NULL, 0), 0);
	memset(&info, 0xff, sizeof(info));
	assert_int_equal(mb_monitor_info(pair[0], &info, NULL), 0);
	assert_int_equal(info.state, MB_MONITOR_BACKOFF);
	assert_int_equal(info.dns_dropped, 0);
	close(pair[1]);
	assert_int_equal(mb_monitor_info(pair[0], &info, NULL), MB_MONITOR_GONE);
	close(pair[0]);
}

/* It sent something else, and was stopped then. */
static void client_does_not_wait_for_ever(void **state)
{
	const struct mb_monitor_head ready = {.type = MB_MONITOR_READY};
	struct mb_err err = MB_ERR_INIT;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(mb_monitor_message_send(ends[1], &ready, NULL, NULL, 0), 0);
	alarm(120);
	mb_monitor_answer_msec = 20;
	assert_int_equal(mb_monitor_stopping(ends[0], true, &err), -ETIMEDOUT);
	alarm(0);
	assert_non_null(strstr(err.msg, "does not answer"));
	close(ends[0]);
	close(ends[1]);
}

static void restart_policies(void **state)
{
	struct mb_monitor_policy p = {MB_MONITOR_RESTART_NO, 0};

	(void)state;
	assert_false(mb_monitor_restart_is_due(&p, 1, 0));
	p.restart = MB_MONITOR_RESTART_ALWAYS;
	assert_true(mb_monitor_restart_is_due(&p, 0, 1000));
	p.restart = MB_MONITOR_RESTART_ON_FAILURE;
	assert_false(mb_monitor_restart_is_due(&p, 0, 0));
	assert_true(mb_monitor_restart_is_due(&p, 1, 1000));
	p.max = 3;
	assert_true(mb_monitor_restart_is_due(&p, 1, 2));
	assert_false(mb_monitor_restart_is_due(&p, 1, 3));
	assert_false(mb_monitor_restart_is_cure(&p, 0));
	p.restart = MB_MONITOR_RESTART_ON_UNHEALTHY;
	assert_false(mb_monitor_restart_is_due(&p, 0, 0));
	assert_true(mb_monitor_restart_is_due(&p, 1, 2));
	assert_true(mb_monitor_restart_is_cure(&p, 2));
	assert_false(mb_monitor_restart_is_cure(&p, 3));
}

static void back_off(void **state)
{
	uint32_t ms = 0;
	static const struct mb_monitor_backoff usual;
	struct mb_monitor_backoff how = {1000, 3000, 150, 1000};
	static const uint32_t own[] = {1000, 1500, 2250, 3000, 3000};
	static const uint32_t want[] = {100,  200,   400,   800,   1600,  3200,
	                                6400, 12800, 25600, 51200, 60000, 60000};

	(void)state;
	for (size_t i = 0; i < MB_N(want); i++) {
		ms = mb_monitor_backoff_next(&usual, ms, 9999);
		assert_int_equal(ms, want[i]);
	}
	assert_int_equal(mb_monitor_backoff_next(&usual, ms, 10000), 100);
	assert_int_equal(mb_monitor_backoff_next(&usual, UINT32_MAX, 0), 60000);
	assert_int_equal(mb_monitor_backoff_next(&usual, 30000, 0), 60000);
	ms = 0;
	for (size_t i = 0; i < MB_N(own); i++) {
		ms = mb_monitor_backoff_next(&how, ms, 999);
		assert_int_equal(ms, own[i]);
	}
	assert_int_equal(mb_monitor_backoff_next(&how, ms, 1000), 1000);
	how.max_ms = 10;
	assert_int_equal(mb_monitor_backoff_next(&how, 0, 0), 10);
}

static void exit_document(void **state)
{
	struct mb_monitor_exitdoc doc = {.exit_code = 137,
	                                 .oom_killed = true,
	                                 .stop_requested = true,
	                                 .dropped_bytes = 7,
	                                 .started_nsec = 1475799420000000001ll,
	                                 .finished_nsec = 1475799429669794202ll,
	                                 .error = ""};
	char text[MB_MONITOR_EXITDOC_TEXT + 1] = "", sum[16];
	size_t n = mb_monitor_exitdoc_format(&doc, text);
	char *body = text + sizeof("{\"schema\":1,\"sum\":\"00000000\"") - 1;

	(void)state;
	assert_string_equal(body, ",\"exit_code\":137,\"oom_killed\":true,"
	                          "\"started\":\"2016-10-07T00:17:00.000000001Z\","
	                          "\"finished\":\"2016-10-07T00:17:09.669794202Z\",\"error\":\"\","
	                          "\"restarting\":false,\"restarts\":0,\"backoff_ms\":0,"
	                          "\"stop_requested\":true,\"dropped_bytes\":7,"
	                          "\"unsent_bytes\":0}\n");
	assert_int_equal(strlen(text), n);
	snprintf(sum, sizeof(sum), "%08x", mb_crc32c(0, body, strlen(body)));
	assert_memory_equal(text, "{\"schema\":1,\"sum\":\"", 19);
	assert_memory_equal(text + 19, sum, 8);
}

static void exit_document_replaces(void **state)
{
	struct mb_monitor_exitdoc doc = {.exit_code = 1, .error = ""};
	char path[] = "/tmp/mybox-test-exitdoc-XXXXXX";
	int dir;

	(void)state;
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 1; i < 3; i++) {
		MB_AUTO_STR struct mb_str text = MB_STR_INIT;
		char want[32];

		doc.exit_code = i;
		assert_int_equal(mb_monitor_exitdoc_write(dir, &doc), 0);
		assert_int_equal(mb_read_file(dir, "exit.json", 4096, &text, NULL), 0);
		snprintf(want, sizeof(want), "\"exit_code\":%d,", i);
		assert_non_null(strstr(text.buf, want));
	}
	unlinkat(dir, "exit.json", 0);
	close(dir);
	assert_int_equal(rmdir(path), 0);
}

/* What a start leaves is longer than some ends: nothing of it may show. */
static void exit_document_without_room(void **state)
{
	struct mb_monitor_exitdoc doc = {.exit_code = 255, .error = "its end was not seen by us"};
	char path[] = "/tmp/mybox-test-exitdoc-XXXXXX", text[MB_MONITOR_EXITDOC_TEXT];
	MB_AUTO_STR struct mb_str got = MB_STR_INIT;
	size_t n = mb_monitor_exitdoc_format(&doc, text);
	int dir;

	(void)state;
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mb_monitor_exitdoc_write(dir, &doc), 0);
	/* A name that cannot be a file stands for a disk that takes no more. */
	assert_int_equal(mkdirat(dir, ".exit.json.new", 0700), 0);
	doc = (struct mb_monitor_exitdoc){.exit_code = 7, .error = "", .size = n};
	mb_monitor_exitdoc_format(&doc, text);
	doc.size = 0;
	assert_int_equal(mb_monitor_exitdoc_write(dir, &doc), 0);
	assert_int_equal(mb_read_file(dir, "exit.json", 4096, &got, NULL), 0);
	assert_int_equal(got.len, n);
	assert_memory_equal(got.buf, text, n);
	unlinkat(dir, "exit.json", 0);
	assert_true(mb_monitor_exitdoc_write(dir, &doc) < 0);
	unlinkat(dir, ".exit.json.new", AT_REMOVEDIR);
	close(dir);
	assert_int_equal(rmdir(path), 0);
}

static void image_is_shared(void **state)
{
	char path[] = "/tmp/mybox-test-image-XXXXXX", name[64];
	struct stat first, second;
	int dir, fd = -1;

	(void)state;
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mb_monitor_image_share(dir, "#!/bin/true\n", 12, &fd, NULL), 0);
	assert_int_equal(fstat(fd, &first), 0);
	close(fd);
	assert_int_equal(mb_monitor_image_share(dir, "#!/bin/true\n", 12, &fd, NULL), 0);
	assert_int_equal(fstat(fd, &second), 0);
	close(fd);
	assert_int_equal(first.st_ino, second.st_ino);
	assert_int_equal(first.st_mode & 07777, 0500);
	snprintf(name, sizeof(name), "monitor-%08x-12", mb_crc32c(0, "#!/bin/true\n", 12));
	assert_int_equal(unlinkat(dir, name, 0), 0);
	close(dir);
	assert_int_equal(rmdir(path), 0);
}

/* Of what a container tells systemd: lines about its state, and nothing that moves a terminal. */
static void notify_filter(void **state)
{
	static const char told[] = "MAINPID=1\nSTATUS=\033]0;owned\007\033[2J b\303\244r \302\233 "
				   "\342\200\256 \377\tx\177\nFDSTORE=1\nREADY=1";
	static const char wanted[] = "STATUS=?]0;owned??[2J b\303\244r ?? ??? ??x?\nREADY=1\n";
	char text[sizeof(told) + 1];

	(void)state;
	memcpy(text, told, sizeof(told));
	assert_int_equal(mb_monitor_notify_filter(text, sizeof(told) - 1), sizeof(wanted) - 1);
	assert_memory_equal(text, wanted, sizeof(wanted) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode_older_and_newer),
		cmocka_unit_test(notify_filter),
		cmocka_unit_test(check_sizes),
		cmocka_unit_test(slots_in_order),
		cmocka_unit_test(client_reads_an_old_peer),
		cmocka_unit_test(client_does_not_wait_for_ever),
		cmocka_unit_test(restart_policies),
		cmocka_unit_test(back_off),
		cmocka_unit_test(exit_document),
		cmocka_unit_test(exit_document_replaces),
		cmocka_unit_test(exit_document_without_room),
		cmocka_unit_test(image_is_shared),
	};

	return cmocka_run_group_tests_name("monitor/small", tests, NULL, NULL);
}
