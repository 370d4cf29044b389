/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/human.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/own.h"
#include "core/str.h"
#include "core/utf8.h"

enum { N_UNITS = 9, SHORT_ID = 12 };

static const char *const decimal_units[N_UNITS] = {"B",  "kB", "MB", "GB", "TB",
                                                   "PB", "EB", "ZB", "YB"};
static const char *const binary_units[N_UNITS] = {"B",   "KiB", "MiB", "GiB", "TiB",
                                                  "PiB", "EiB", "ZiB", "YiB"};

/* The unit is chosen before rounding, so 999.9 MB with three digits is "1e+03MB": docker's text,
 * which scripts that read sizes have had to live with. */
static char *format_scaled(double bytes, double base, const char *const units[], int digits,
                           char *buf)
{
	int i = 0;

	while (bytes >= base && i < N_UNITS - 1) {
		bytes /= base;
		i++;
	}
	snprintf(buf, MB_FORMAT_HUMAN_TEXT, "%.*g%s", digits, bytes, units[i]);
	return buf;
}

char *mb_format_size(double bytes, char buf[MB_FORMAT_HUMAN_TEXT])
{
	return format_scaled(bytes, 1000, decimal_units, 4, buf);
}

char *mb_format_size_short(double bytes, char buf[MB_FORMAT_HUMAN_TEXT])
{
	return format_scaled(bytes, 1000, decimal_units, 3, buf);
}

char *mb_format_bytes(double bytes, char buf[MB_FORMAT_HUMAN_TEXT])
{
	return format_scaled(bytes, 1024, binary_units, 4, buf);
}

static char *count(char *buf, int64_t n, const char *unit)
{
	snprintf(buf, MB_FORMAT_HUMAN_TEXT, "%lld %s", (long long)n, unit);
	return buf;
}

static char *words(char *buf, const char *text)
{
	snprintf(buf, MB_FORMAT_HUMAN_TEXT, "%s", text);
	return buf;
}

/* Seconds and minutes are cut, hours are rounded, all above is cut again. */
char *mb_format_duration(int64_t nsec, char buf[MB_FORMAT_HUMAN_TEXT])
{
	int64_t seconds = nsec / MB_NSEC_PER_SEC, minutes = seconds / 60;
	int64_t hours = (seconds + 1800) / 3600;

	if (seconds < 1)
		return words(buf, "Less than a second");
	if (seconds == 1)
		return words(buf, "1 second");
	if (seconds < 60)
		return count(buf, seconds, "seconds");
	if (minutes == 1)
		return words(buf, "About a minute");
	if (minutes < 60)
		return count(buf, minutes, "minutes");
	if (hours == 1)
		return words(buf, "About an hour");
	if (hours < 48)
		return count(buf, hours, "hours");
	if (hours < 24 * 7 * 2)
		return count(buf, hours / 24, "days");
	if (hours < 24 * 30 * 2)
		return count(buf, hours / 24 / 7, "weeks");
	if (hours < 24 * 365 * 2)
		return count(buf, hours / 24 / 30, "months");
	return count(buf, seconds / 3600 / 24 / 365, "years");
}

char *mb_format_ago(int64_t then, int64_t now, char buf[MB_FORMAT_HUMAN_TEXT])
{
	int64_t past;
	size_t len;

	if (then == 0)
		return words(buf, "N/A");
	/* A document may tell any time. */
	if (__builtin_sub_overflow(now, then, &past))
		past = then < 0 ? INT64_MAX : INT64_MIN;
	mb_format_duration(past, buf);
	len = strlen(buf);
	snprintf(buf + len, MB_FORMAT_HUMAN_TEXT - len, " ago");
	return buf;
}

char *mb_format_created_at(int64_t nsec, char buf[MB_FORMAT_HUMAN_TEXT])
{
	time_t seconds = nsec / MB_NSEC_PER_SEC;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) ||
	    strftime(buf, MB_FORMAT_HUMAN_TEXT, "%Y-%m-%d %H:%M:%S %z %Z", &tm) == 0)
		return words(buf, "N/A");
	return buf;
}

/* Seconds and what is above them, never negative. */
static time_t split_time(int64_t nsec, int *ret_rest)
{
	int64_t rest = nsec % MB_NSEC_PER_SEC;
	bool below = rest < 0;

	*ret_rest = (int)(below ? rest + MB_NSEC_PER_SEC : rest);
	return nsec / MB_NSEC_PER_SEC - below;
}

char *mb_format_created_at_nsec(int64_t nsec, char buf[MB_FORMAT_HUMAN_TEXT])
{
	int rest, n;
	time_t seconds = split_time(nsec, &rest);
	char day[20], zone[16], fraction[11];
	struct tm tm;

	if (!localtime_r(&seconds, &tm) ||
	    strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm) == 0 ||
	    strftime(zone, sizeof(zone), "%z %Z", &tm) == 0)
		return words(buf, "N/A");
	n = snprintf(fraction, sizeof(fraction), ".%09d", rest);
	while (n > 0 && (fraction[n - 1] == '0' || fraction[n - 1] == '.'))
		fraction[--n] = '\0';
	snprintf(buf, MB_FORMAT_HUMAN_TEXT, "%s%s %s", day, fraction, zone);
	return buf;
}

char *mb_format_rfc3339(int64_t nsec, char buf[MB_FORMAT_HUMAN_TEXT])
{
	int rest;
	time_t seconds = split_time(nsec, &rest);
	char day[24];
	struct tm tm;
	long ahead;

	if (!localtime_r(&seconds, &tm) ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return words(buf, "N/A");
	ahead = labs(tm.tm_gmtoff) / 60;
	if (tm.tm_gmtoff)
		snprintf(buf, MB_FORMAT_HUMAN_TEXT, "%s%c%02ld:%02ld", day,
		         tm.tm_gmtoff < 0 ? '-' : '+', ahead / 60 % 100, ahead % 60);
	else
		snprintf(buf, MB_FORMAT_HUMAN_TEXT, "%sZ", day);
	return buf;
}

/* @value / @unit without needless zeroes, then @name. */
static void add_fraction(struct mb_str *out, uint64_t value, uint64_t unit, const char *name)
{
	mb_str_addf(out, "%llu", (unsigned long long)(value / unit));
	value %= unit;
	if (value)
		mb_str_addc(out, '.');
	while (value) {
		unit /= 10;
		mb_str_addc(out, (char)('0' + value / unit));
		value %= unit;
	}
	mb_str_add(out, name);
}

char *mb_format_go_duration(int64_t nsec, char buf[MB_FORMAT_HUMAN_TEXT])
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	uint64_t rest = nsec < 0 ? 0 - (uint64_t)nsec : (uint64_t)nsec;
	const uint64_t second = MB_NSEC_PER_SEC;

	if (nsec < 0)
		mb_str_addc(&out, '-');
	if (rest == 0) {
		mb_str_add(&out, "0s");
	} else if (rest < 1000) {
		add_fraction(&out, rest, 1, "ns");
	} else if (rest < 1000000) {
		add_fraction(&out, rest, 1000, "\xc2\xb5s");
	} else if (rest < second) {
		add_fraction(&out, rest, 1000000, "ms");
	} else {
		if (rest >= 3600 * second)
			mb_str_addf(&out, "%lluh", (unsigned long long)(rest / (3600 * second)));
		if (rest >= 60 * second)
			mb_str_addf(&out, "%llum", (unsigned long long)(rest / (60 * second) % 60));
		add_fraction(&out, rest % (60 * second), second, "s");
	}
	return words(buf, out.buf);
}

static size_t char_columns(const char *s, size_t len)
{
	char one[8];

	memcpy(one, s, len);
	one[len] = '\0';
	return mb_utf8_width(one);
}

char *mb_format_ellipsis(const char *s, size_t columns)
{
	size_t len = strlen(s), used = 0, i = 0;

	if (columns == 0)
		return mb_strdup("");
	if (mb_utf8_width(s) <= columns)
		return mb_strdup(s);
	while (i < len) {
		uint32_t c;
		size_t n = mb_utf8_decode(s + i, len - i, &c), width;

		n = n ? n : 1;
		width = char_columns(s + i, n);
		if (used + width + 1 > columns)
			break;
		used += width;
		i += n;
	}
	return mb_asprintf("%.*s\xe2\x80\xa6", (int)i, s);
}

char *mb_format_short_id(const char *id)
{
	const char *hex = strchr(id, ':');

	hex = hex ? hex + 1 : id;
	return mb_strndup(hex, strnlen(hex, SHORT_ID));
}
