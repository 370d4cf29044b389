/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/own.h"
#include "format/human.h"

static char buf[MB_FORMAT_HUMAN_TEXT];

static void size_is_decimal(void **state)
{
	static const struct {
		double bytes;
		const char *four, *three;
	} rows[] = {
		{0, "0B", "0B"},
		{1, "1B", "1B"},
		{999, "999B", "999B"},
		{1000, "1kB", "1kB"},
		{1024, "1.024kB", "1.02kB"},
		{1500, "1.5kB", "1.5kB"},
		{99999, "100kB", "100kB"},
		{77800000, "77.8MB", "77.8MB"},
		{999900000, "999.9MB", "1e+03MB"},
		{1000000000, "1GB", "1GB"},
		{1024.0 * 1024 * 1024, "1.074GB", "1.07GB"},
		{1.5e12, "1.5TB", "1.5TB"},
		{1e15, "1PB", "1PB"},
		{9.2e18, "9.2EB", "9.2EB"},
		{1e27, "1e+03YB", "1e+03YB"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		if (i < MB_N(rows) - 1)
			assert_string_equal(mb_format_size(rows[i].bytes, buf), rows[i].four);
		assert_string_equal(mb_format_size_short(rows[i].bytes, buf), rows[i].three);
	}
}

static void bytes_is_binary(void **state)
{
	static const struct {
		double bytes;
		const char *text;
	} rows[] = {
		{0, "0B"},
		{1023, "1023B"},
		{1024, "1KiB"},
		{1536, "1.5KiB"},
		{64 << 20, "64MiB"},
		{67.5 * 1024 * 1024, "67.5MiB"},
		{1.944 * (1 << 30), "1.944GiB"},
		{1ull << 40, "1TiB"},
		{1ull << 50, "1PiB"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++)
		assert_string_equal(mb_format_bytes(rows[i].bytes, buf), rows[i].text);
}

static void duration_as_docker(void **state)
{
	enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR };
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {
		{-5, "Less than a second"},
		{0, "Less than a second"},
		{1, "1 second"},
		{2, "2 seconds"},
		{59, "59 seconds"},
		{60, "About a minute"},
		{119, "About a minute"},
		{120, "2 minutes"},
		{59 * MINUTE + 59, "59 minutes"},
		{HOUR, "About an hour"},
		{HOUR + 29 * MINUTE + 59, "About an hour"},
		{HOUR + 30 * MINUTE, "2 hours"},
		{36 * HOUR, "36 hours"},
		{47 * HOUR + 29 * MINUTE, "47 hours"},
		{47 * HOUR + 30 * MINUTE, "2 days"},
		{2 * DAY, "2 days"},
		{13 * DAY, "13 days"},
		{14 * DAY, "2 weeks"},
		{59 * DAY, "8 weeks"},
		{60 * DAY, "2 months"},
		{729 * DAY, "24 months"},
		{730 * DAY, "2 years"},
		{3650 * DAY, "10 years"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++)
		assert_string_equal(mb_format_duration(rows[i].seconds * MB_NSEC_PER_SEC, buf),
		                    rows[i].text);
	assert_string_equal(mb_format_duration(MB_NSEC_PER_SEC - 1, buf), "Less than a second");
	assert_string_equal(mb_format_ago(1, 1 + 7200 * MB_NSEC_PER_SEC, buf), "2 hours ago");
	assert_string_equal(mb_format_ago(0, 5, buf), "N/A");
}

static void go_duration(void **state)
{
	static const struct {
		int64_t nsec;
		const char *text;
	} rows[] = {
		{0, "0s"},
		{7, "7ns"},
		{1500, "1.5\xc2\xb5s"},
		{100000000, "100ms"},
		{1500000, "1.5ms"},
		{30000000000, "30s"},
		{90000000000, "1m30s"},
		{3600000000000, "1h0m0s"},
		{3723500000000, "1h2m3.5s"},
		{1000000001, "1.000000001s"},
		{-5000000000, "-5s"},
		{INT64_MAX, "2562047h47m16.854775807s"},
		{INT64_MIN, "-2562047h47m16.854775808s"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++)
		assert_string_equal(mb_format_go_duration(rows[i].nsec, buf), rows[i].text);
}

static void created_at_in_zone(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	assert_string_equal(mb_format_created_at(1700000000 * MB_NSEC_PER_SEC, buf),
	                    "2023-11-14 22:13:20 +0000 UTC");
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_string_equal(mb_format_created_at(1700000000 * MB_NSEC_PER_SEC, buf),
	                    "2023-11-14 23:13:20 +0100 CET");
	assert_string_equal(
		mb_format_created_at_nsec(1700000000 * MB_NSEC_PER_SEC + 120000, buf),
		"2023-11-14 23:13:20.00012 +0100 CET");
	assert_string_equal(mb_format_created_at_nsec(1700000000 * MB_NSEC_PER_SEC, buf),
	                    "2023-11-14 23:13:20 +0100 CET");
	assert_string_equal(mb_format_rfc3339(1700000000 * MB_NSEC_PER_SEC + 5, buf),
	                    "2023-11-14T23:13:20+01:00");
	setenv("TZ", "UTC0", 1);
	tzset();
	assert_string_equal(mb_format_rfc3339(1700000000 * MB_NSEC_PER_SEC + 5, buf),
	                    "2023-11-14T22:13:20Z");
}

static void ellipsis_cuts(void **state)
{
	static const struct {
		const char *s;
		size_t columns;
		const char *text;
	} rows[] = {
		{"", 5, ""},
		{"abc", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "ab\xe2\x80\xa6"},
		{"abcd", 1, "\xe2\x80\xa6"},
		{"\"sleep 1000000000000000000\"", 20, "\"sleep 100000000000\xe2\x80\xa6"},
		{"\xc3\xa9\xc3\xa9\xc3\xa9", 2, "\xc3\xa9\xe2\x80\xa6"},
		{"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, "\xe6\x97\xa5\xe2\x80\xa6"},
		{"\xff\xff\xff\xff", 3, "\xff\xff\xe2\x80\xa6"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *text = mb_format_ellipsis(rows[i].s, rows[i].columns);

		assert_string_equal(text, rows[i].text);
	}
}

static void short_ids(void **state)
{
	static const struct {
		const char *id, *text;
	} rows[] = {
		{"0123456789abcdef", "0123456789ab"},
		{"sha256:0123456789abcdef", "0123456789ab"},
		{"abc", "abc"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *text = mb_format_short_id(rows[i].id);

		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_is_decimal),    cmocka_unit_test(bytes_is_binary),
		cmocka_unit_test(duration_as_docker), cmocka_unit_test(go_duration),
		cmocka_unit_test(created_at_in_zone), cmocka_unit_test(ellipsis_cuts),
		cmocka_unit_test(short_ids),
	};

	return cmocka_run_group_tests_name("format/human", tests, NULL, NULL);
}
