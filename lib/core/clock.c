/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/clock.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "core/own.h"
#include "core/parse.h"

static const char zero_time[] = "0001-01-01T00:00:00Z";

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * MB_NSEC_PER_SEC + ts.tv_nsec;
}

int64_t mb_now_nsec(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t mb_monotonic_nsec(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t mb_boottime_nsec(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

/* ---- the calendar: libc's functions read the machine's time zone first, needed or not ---- */

enum { DAY = 24 * 3600, EPOCH = 1970 };

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
	static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 1 && is_leap(year));
}

/* Days from 1970 to the first of @year, which is not negative. */
static int64_t year_start(int year)
{
	const int before = year - 1, leaps = before / 4 - before / 100 + before / 400;
	const int until = EPOCH - 1;

	return 365ll * (year - EPOCH) + leaps - (until / 4 - until / 100 + until / 400) -
	       (year == 0); /* the divisions round towards zero, and year 0 is one itself */
}

static int64_t seconds_of(const struct tm *tm)
{
	const int year = tm->tm_year + 1900;
	int64_t days = year_start(year) + tm->tm_mday - 1;

	for (int month = 0; month < tm->tm_mon; month++)
		days += month_days(year, month);
	return days * DAY + tm->tm_hour * 3600 + tm->tm_min * 60 + tm->tm_sec;
}

static void date_of(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int year = EPOCH + (int)(days / 366), month = 0;

	for (; year_start(year) > days; year--)
		;
	for (; year_start(year + 1) <= days; year++)
		;
	for (days -= year_start(year); days >= month_days(year, month); month++)
		days -= month_days(year, month);
	*ret_year = year;
	*ret_month = month + 1;
	*ret_day = (int)days + 1;
}

/* ---- as text ---- */

static char *put(char *p, int width, int value, char after)
{
	for (int i = width; i-- > 0; value /= 10)
		p[i] = (char)('0' + value % 10);
	p[width] = after;
	return p + width + 1;
}

char *mb_time_format(int64_t nsec, char buf[MB_TIME_TEXT])
{
	/* Before 1970 the fraction still counts upwards. */
	int64_t fraction = (nsec % MB_NSEC_PER_SEC + MB_NSEC_PER_SEC) % MB_NSEC_PER_SEC;
	int64_t seconds = nsec / MB_NSEC_PER_SEC - (nsec % MB_NSEC_PER_SEC < 0);
	int64_t days = seconds / DAY - (seconds % DAY < 0);
	int rest = (int)(seconds - days * DAY), year, month, day;
	char *p = buf;

	if (nsec == 0) {
		memcpy(buf, zero_time, sizeof(zero_time));
		return buf;
	}
	date_of(days, &year, &month, &day);
	p = put(p, 4, year, '-');
	p = put(p, 2, month, '-');
	p = put(p, 2, day, 'T');
	p = put(p, 2, rest / 3600, ':');
	p = put(p, 2, rest / 60 % 60, ':');
	p = put(p, 2, rest % 60, '.');
	p = put(p, 9, (int)fraction, 'Z');
	*p = '\0';
	return buf;
}

/* Up to nine digits after the point; further ones are read and dropped. */
static const char *fraction(const char *s, int64_t *ret_nsec)
{
	int64_t unit = MB_NSEC_PER_SEC / 10, value = 0;

	for (; isdigit((unsigned char)*s); s++, unit /= 10)
		value += (*s - '0') * unit;
	*ret_nsec = value;
	return s;
}

static int two_digits(const char *s)
{
	if (!isdigit((unsigned char)s[0]) || !isdigit((unsigned char)s[1]))
		return INT_MAX;
	return (s[0] - '0') * 10 + s[1] - '0';
}

static int zone(const char *s, int *ret_seconds)
{
	int hours, minutes;

	if ((*s == 'Z' || *s == 'z') && !s[1]) {
		*ret_seconds = 0;
		return 0;
	}
	if ((*s != '+' && *s != '-') || strlen(s) != strlen("+00:00") || s[3] != ':')
		return -EINVAL;
	hours = two_digits(s + 1);
	minutes = two_digits(s + 4);
	if (hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_seconds = (*s == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return 0;
}

/* strptime() takes 30 February, and gives it to March. */
static bool is_day(const struct tm *tm)
{
	return tm->tm_mday <= month_days(tm->tm_year + 1900, tm->tm_mon);
}

/* 64 bits of nanoseconds end in 2262. */
static int join(int64_t seconds, int64_t nsec, int64_t *ret_nsec)
{
	int64_t value;

	if (seconds < 0) { /* so that the first second counts as far as it can be told */
		seconds++;
		nsec -= MB_NSEC_PER_SEC;
	}
	if (__builtin_mul_overflow(seconds, MB_NSEC_PER_SEC, &value) ||
	    __builtin_add_overflow(value, nsec, &value))
		return -EINVAL;
	*ret_nsec = value;
	return 0;
}

int mb_time_parse(const char *s, int64_t *ret_nsec)
{
	struct tm tm = {0};
	int64_t nsec = 0;
	int offset, r;
	const char *rest;

	if (strcmp(s, zero_time) == 0) {
		*ret_nsec = 0;
		return 0;
	}
	rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest || !is_day(&tm))
		return -EINVAL;
	if (*rest == '.')
		rest = fraction(rest + 1, &nsec);
	r = zone(rest, &offset);
	if (r < 0)
		return r;
	return join(seconds_of(&tm) - offset, nsec, ret_nsec);
}

static int unix_time(const char *s, int64_t *ret_nsec)
{
	uint64_t seconds;
	int64_t nsec = 0;
	char whole[24];
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n >= sizeof(whole))
		return -EINVAL;
	memcpy(whole, s, n);
	whole[n] = '\0';
	s += n;
	if (*s == '.')
		s = fraction(s + 1, &nsec);
	if (*s || mb_parse_u64(whole, &seconds) < 0 || seconds > 9000000000ull)
		return -EINVAL;
	*ret_nsec = (int64_t)seconds * MB_NSEC_PER_SEC + nsec;
	return 0;
}

static int local_time(const char *s, int64_t *ret_nsec)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H",
	                                    "%Y-%m-%d"};

	for (size_t i = 0; i < MB_N(forms); i++) {
		struct tm tm = {.tm_isdst = -1};
		int64_t nsec = 0;
		const char *rest = strptime(s, forms[i], &tm);

		if (rest && *rest == '.' && i == 0)
			rest = fraction(rest + 1, &nsec);
		if (rest && !*rest && is_day(&tm))
			return join(mktime(&tm), nsec, ret_nsec);
	}
	return -EINVAL;
}

int mb_time_parse_reference(const char *s, int64_t now, int64_t *ret_nsec)
{
	int64_t ago, then;

	if (unix_time(s, ret_nsec) == 0 || mb_time_parse(s, ret_nsec) == 0 ||
	    local_time(s, ret_nsec) == 0)
		return 0;
	if (mb_parse_duration(s, &ago) < 0 || __builtin_sub_overflow(now, ago, &then))
		return -EINVAL;
	*ret_nsec = then;
	return 0;
}
