/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <time.h>

#include "core/clock.h"

static const int64_t y2026 = 1767323045; /* 2026-01-02T03:04:05Z */

static void formats(void **state)
{
	static const struct {
		int64_t nsec;
		const char *text;
	} rows[] = {
		{0, "0001-01-01T00:00:00Z"},
		{1, "1970-01-01T00:00:00.000000001Z"},
		{1767323045000000006, "2026-01-02T03:04:05.000000006Z"},
		{1767323045123456789, "2026-01-02T03:04:05.123456789Z"},
		{-1, "1969-12-31T23:59:59.999999999Z"},
		{-1000000000, "1969-12-31T23:59:59.000000000Z"},
		{INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
		{INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
	};
	char buf[MB_TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		int64_t again = 4711;

		assert_ptr_equal(mb_time_format(rows[i].nsec, buf), buf);
		assert_string_equal(buf, rows[i].text);
		assert_int_equal(mb_time_parse(buf, &again), 0);
		assert_int_equal(again, rows[i].nsec);
	}
}

/* Against libc's calendar, which we do without. */
static void every_day_there_and_back(void **state)
{
	const int64_t day = 24 * 3600;
	char buf[MB_TIME_TEXT], want[MB_TIME_TEXT];

	(void)state;
	for (int64_t days = -106750; days <= 106750; days++) {
		const time_t seconds = days * day + (days & 1 ? 0 : day - 1);
		int64_t again = 0;
		struct tm tm;
		size_t n;

		gmtime_r(&seconds, &tm);
		n = strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(want + n, sizeof(want) - n, ".000000001Z");
		mb_time_format(seconds * MB_NSEC_PER_SEC + 1, buf);
		if (strcmp(buf, want) != 0)
			fail_msg("%s, but %s", buf, want);
		assert_int_equal(mb_time_parse(buf, &again), 0);
		assert_int_equal(again, seconds * MB_NSEC_PER_SEC + 1);
	}
}

static void rfc3339(void **state)
{
	static const struct {
		const char *text;
		int64_t nsec; /* after 2026-01-02T03:04:05Z */
	} rows[] = {
		{"2026-01-02T03:04:05Z", 0},
		{"2026-01-02T03:04:05z", 0},
		{"2026-01-02T03:04:05.5Z", 500000000},
		{"2026-01-02T03:04:05.123456789123Z", 123456789},
		{"2026-01-02T04:04:05+01:00", 0},
		{"2026-01-01T21:34:05-05:30", 0},
		{"2026-01-02T03:04:05.000000001+00:00", 1},
	};
	static const char *const bad[] = {
		"",
		"2026-01-02",
		"2026-01-02T03:04:05",
		"2026-01-02 03:04:05Z",
		"2026-01-02T03:04:05Zx",
		"2026-01-02T03:04:05+0100",
		"2026-01-02T03:04:05+1:00",
		"2026-01-02T03:04:05+24:00",
		"2026-01-02T03:04:05+01:60",
		"2026-01-02T03:04:05+-1:00",
		"2026-01-02T03:04:05+ 1:00",
		"2026-13-02T03:04:05Z",
		"2026-02-30T03:04:05Z",
		"2026-01-32T03:04:05Z",
		"2026-01-02T25:04:05Z",
		"2262-04-11T23:47:17Z", /* behind what 64 bits hold */
		"9999-12-31T23:59:59Z",
		"1000-01-01T00:00:00Z",
		"now",
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		int64_t got = 0;

		assert_int_equal(mb_time_parse(rows[i].text, &got), 0);
		assert_int_equal(got, y2026 * MB_NSEC_PER_SEC + rows[i].nsec);
	}
	for (size_t i = 0; i < N(bad); i++) {
		int64_t got = 4711;

		if (mb_time_parse(bad[i], &got) != -EINVAL || got != 4711)
			fail_msg("'%s' is no time", bad[i]);
	}
}

static void references(void **state)
{
	static const int64_t now = 2000000000ll * MB_NSEC_PER_SEC;
	static const struct {
		const char *text;
		int64_t nsec;
	} rows[] = {
		{"1767323045", 1767323045000000000},
		{"1767323045.5", 1767323045500000000},
		{"1767323045.000000007", 1767323045000000007},
		{"2026-01-02T03:04:05Z", 1767323045000000000},
		{"2026-01-02T03:04:05", 1767323045000000000}, /* local, which is UTC here */
		{"2026-01-02T03:04:05.25", 1767323045250000000},
		{"2026-01-02T03:04", 1767323040000000000},
		{"2026-01-02T03", 1767322800000000000},
		{"2026-01-02", 1767312000000000000},
		{"10s", 1999999990000000000},
		{"1h30m", 1999994600000000000},
		{"-10s", 2000000010000000000},
		{"0", 0},
	};
	static const char *const bad[] = {
		"",      "yesterday",  "2026-02-30", "9999-01-01", "10",
		"12:00", "9000000001", "1.5.5",      "2026-1-",    "2026-01-02T03:04:05+01:00x"};

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < N(rows); i++) {
		int64_t got = 4711;

		if (mb_time_parse_reference(rows[i].text, now, &got) != 0 || got != rows[i].nsec)
			fail_msg("'%s' gave %lld", rows[i].text, (long long)got);
	}
	for (size_t i = 0; i < N(bad); i++) {
		int64_t got = 4711;
		int r = mb_time_parse_reference(bad[i], now, &got);

		if (strcmp(bad[i], "10") == 0)
			assert_true(r == 0 && got == 10 * MB_NSEC_PER_SEC);
		else if (r != -EINVAL)
			fail_msg("'%s' is no time", bad[i]);
	}
	/* A duration from a time out of range. */
	{
		int64_t got = 4711;

		assert_int_equal(mb_time_parse_reference("-2562047h", now, &got), -EINVAL);
		assert_int_equal(got, 4711);
	}
}

static void clocks_go_on(void **state)
{
	int64_t wall = mb_now_nsec(), mono = mb_monotonic_nsec(), boot = mb_boottime_nsec();

	(void)state;
	assert_true(wall > 1700000000ll * MB_NSEC_PER_SEC);
	assert_true(mb_monotonic_nsec() >= mono);
	assert_true(mb_boottime_nsec() >= boot);
	assert_true(boot >= mono);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(every_day_there_and_back),
		cmocka_unit_test(rfc3339),
		cmocka_unit_test(references),
		cmocka_unit_test(clocks_go_on),
	};

	return cmocka_run_group_tests_name("core/clock", tests, NULL, NULL);
}
