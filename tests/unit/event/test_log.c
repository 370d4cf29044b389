/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/event.h"
#include "event/log.h"

static struct mb_event e;

static void tell(int root, const char *action, int64_t bytes)
{
	mb_event_begin(&e, "container", action, "0123");
	mb_event_set(&e, "name", "web");
	mb_event_write_bounded(&e, root, bytes);
}

static void records_are_written_and_read(void **state)
{
	MB_AUTO(mb_event_log_free) struct mb_event_log *log = NULL;
	struct mb_event_record r;
	UNIT_DIR dir;

	(void)state;
	unit_dir_init(&dir);
	mb_event_begin(&e, "container", "exec_start: a\"b\\c\n\x01\xff", "id");
	mb_event_set(&e, "z", "\xc3\xa9\xc3");
	mb_event_set(&e, "a", NULL);
	mb_event_set_int(&e, "exitCode", 137);
	mb_event_write(&e, dir.fd);
	assert_int_equal(mb_event_log_open(dir.fd, &log, NULL), 0);
	assert_int_equal(mb_event_log_next(log, &r), 0);
	assert_string_equal(r.action, "exec_start: a\"b\\c\n\x01\xef\xbf\xbd");
	assert_int_equal(r.attributes.n, 3);
	assert_string_equal(r.attributes.v[0].key, "a");
	assert_string_equal(r.attributes.v[1].value, "137");
	assert_string_equal(r.attributes.v[2].value, "\xc3\xa9\xef\xbf\xbd");
	assert_true(r.nsec > 1600000000000000000);
	mb_event_record_done(&r);
	assert_int_equal(mb_event_log_next(log, &r), MB_EVENT_LOG_END);
	/* What comes later is read later. */
	tell(dir.fd, "start", INT64_MAX);
	assert_int_equal(mb_event_log_next(log, &r), 0);
	assert_string_equal(r.action, "start");
	mb_event_record_done(&r);
}

static void what_does_not_fit_is_left_out(void **state)
{
	static char big[MB_EVENT_MAX], action[MB_EVENT_ACTION_MAX * 2];
	MB_AUTO(mb_event_log_free) struct mb_event_log *log = NULL;
	struct mb_event_record r;
	UNIT_DIR dir;
	size_t n;

	(void)state;
	unit_dir_init(&dir);
	memset(big, 'x', sizeof(big) - 1);
	memset(action, '"', sizeof(action) - 1);
	mb_event_begin(&e, "container", action, "id");
	mb_event_set(&e, "name", "web");
	mb_event_set(&e, "big", big);
	mb_event_set(&e, "image", "deb");
	mb_event_add(&e, big, sizeof(big));
	mb_event_members(&e, &n);
	assert_int_equal(n, strlen("\"name\":\"web\",\"image\":\"deb\""));
	mb_event_write(&e, dir.fd);
	assert_int_equal(mb_event_log_open(dir.fd, &log, NULL), 0);
	assert_int_equal(mb_event_log_next(log, &r), 0);
	assert_int_equal(r.attributes.n, 2);
	assert_in_range(strlen(r.action), 1000, MB_EVENT_ACTION_MAX);
	mb_event_record_done(&r);
}

static void members_go_from_one_record_to_another(void **state)
{
	struct mb_event_record r;
	char members[256];
	const char *text;
	size_t n;

	(void)state;
	mb_event_begin(&e, "a", "b", "c");
	mb_event_members(&e, &n);
	assert_int_equal(n, 0);
	mb_event_set(&e, "name", "web");
	text = mb_event_members(&e, &n);
	memcpy(members, text, n);
	mb_event_begin(&e, "container", "die", "id");
	mb_event_add(&e, members, n);
	mb_event_set_int(&e, "exitCode", 0);
	memcpy(e.text + e.n, "}}", 2);
	e.text[11 + 19] = '5';
	assert_int_equal(mb_event_record_parse(e.text, e.n + 2, &r), 0);
	assert_int_equal(r.nsec, 5);
	assert_string_equal(mb_kv_find(&r.attributes, "name"), "web");
	assert_string_equal(mb_kv_find(&r.attributes, "exitCode"), "0");
	mb_event_record_done(&r);
}

static void pieces_are_passed_over(void **state)
{
	static const char whole[] = "{\"timeNano\":5,\"Type\":\"a\",\"Action\":\"b\",\"ID\":\"c\"}";
	static const char *const bad[] = {"", "x", "{\"timeNano\":5}", "{\"timeNano\":", "[]"};
	struct mb_event_record r;
	char line[256];

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		assert_true(mb_event_record_parse(bad[i], strlen(bad[i]), &r) < 0);
		snprintf(line, sizeof(line), "%s%s", bad[i], whole);
		assert_int_equal(mb_event_record_parse(line, strlen(line), &r), 0);
		assert_string_equal(r.action, "b");
		mb_event_record_done(&r);
	}
}

/* Over many rotations a reader that keeps up misses and repeats nothing. */
static void rotation_loses_nothing(void **state)
{
	MB_AUTO(mb_event_log_free) struct mb_event_log *log = NULL;
	struct mb_event_record r;
	struct stat st;
	int fd, seen = 0;
	UNIT_DIR dir;

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mb_event_log_open(dir.fd, &log, NULL), 0);
	assert_int_equal(mb_event_log_follow(log, &fd, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		char action[16];

		snprintf(action, sizeof(action), "%d", i);
		tell(dir.fd, action, 1000);
		if (i % 17)
			continue;
		mb_event_log_settle(log);
		while (mb_event_log_next(log, &r) == 0) {
			assert_int_equal(atoi(r.action), seen);
			seen++;
			mb_event_record_done(&r);
		}
		assert_int_equal(seen, i + 1);
	}
	assert_int_equal(fstatat(dir.fd, "events/log.3", &st, 0), 0);
	assert_true(fstatat(dir.fd, "events/log.4", &st, 0) < 0);
}

static void since_is_where_it_begins(void **state)
{
	MB_AUTO(mb_event_log_free) struct mb_event_log *log = NULL;
	struct mb_event_record r;
	UNIT_DIR dir;
	int64_t then;

	(void)state;
	unit_dir_init(&dir);
	tell(dir.fd, "one", INT64_MAX);
	tell(dir.fd, "two", INT64_MAX);
	assert_int_equal(mb_event_log_open(dir.fd, &log, NULL), 0);
	assert_int_equal(mb_event_log_next(log, &r), 0);
	mb_event_record_done(&r);
	assert_int_equal(mb_event_log_next(log, &r), 0);
	then = r.nsec;
	mb_event_record_done(&r);
	mb_event_log_free(log);
	log = NULL;
	assert_int_equal(mb_event_log_open(dir.fd, &log, NULL), 0);
	mb_event_log_since(log, then);
	assert_int_equal(mb_event_log_next(log, &r), 0);
	assert_string_equal(r.action, "two");
	mb_event_record_done(&r);
	mb_event_log_skip(log);
	assert_int_equal(mb_event_log_next(log, &r), MB_EVENT_LOG_END);
}

/* What is ours is put apart from docker's attributes. */
static void who_did_it_is_put_apart(void **state)
{
	static const char line[] =
		"{\"timeNano\":1,\"Type\":\"container\",\"Action\":\"kill\",\"ID\":\"x\","
		"\"Attributes\":{\"signal\":\"9\",\"mybox.by\":\"rm, uid 0, pid "
	        "7\",\"name\":\"k\"}}";
	struct mb_event_record r;

	(void)state;
	assert_int_equal(mb_event_record_parse(line, sizeof(line) - 1, &r), 0);
	assert_string_equal(r.by, "rm, uid 0, pid 7");
	assert_int_equal(r.attributes.n, 2);
	assert_string_equal(mb_kv_find(&r.attributes, "signal"), "9");
	assert_string_equal(mb_kv_find(&r.attributes, "name"), "k");
	mb_event_record_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_written_and_read),
		cmocka_unit_test(what_does_not_fit_is_left_out),
		cmocka_unit_test(members_go_from_one_record_to_another),
		cmocka_unit_test(pieces_are_passed_over),
		cmocka_unit_test(rotation_loses_nothing),
		cmocka_unit_test(since_is_where_it_begins),
		cmocka_unit_test(who_did_it_is_put_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
