/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/parse.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/own.h"
#include "core/str.h"

/* Digits of @base from *@s on; stops at the first other byte. */
static int digits(const char **s, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;
	const char *p = *s;

	for (; *p >= '0' && *p < (char)('0' + base); p++)
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	if (p == *s)
		return -EINVAL;
	*s = p;
	*ret = value;
	return 0;
}

int mb_parse_u64(const char *s, uint64_t *ret)
{
	uint64_t value;
	int r = digits(&s, 10, &value);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	*ret = value;
	return 0;
}

int mb_parse_i64(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t value;
	int r = mb_parse_u64(s + negative, &value);

	if (r < 0)
		return r;
	if (value > (uint64_t)INT64_MAX)
		return -ERANGE;
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

int mb_parse_u32(const char *s, uint32_t *ret)
{
	uint64_t value;
	int r = mb_parse_u64(s, &value);

	if (r < 0)
		return r;
	if (value > UINT32_MAX)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}

int mb_parse_int(const char *s, int *ret)
{
	int64_t value;
	int r = mb_parse_i64(s, &value);

	if (r < 0)
		return r;
	if (value > INT_MAX || value < INT_MIN)
		return -ERANGE;
	*ret = (int)value;
	return 0;
}

int mb_parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

	for (size_t i = 0; i < MB_N(yes); i++) {
		if (strcmp(s, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
		if (strcmp(s, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

int mb_parse_mode(const char *s, uint32_t *ret)
{
	uint64_t value;
	int r = digits(&s, 8, &value);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	if (value > 07777)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}

/* What the digits from @first to before @end stand for behind a point, in units of 1/@scale and
 * rounded down: from the last digit on, so that nothing is lost on the way. */
static uint64_t scaled_fraction(const char *first, const char *end, uint64_t scale)
{
	uint64_t value = 0;

	while (end > first)
		value = ((uint64_t)(*--end - '0') * scale + value) / 10;
	return value;
}

/* "12.345" scaled by @scale, rounded down; *@s after it. */
static int scaled(const char **s, uint64_t scale, uint64_t *ret)
{
	uint64_t whole = 0, value, fraction = 0;
	int r;

	if (**s != '.') {
		r = digits(s, 10, &whole);
		if (r < 0)
			return r;
	} else if (!isdigit((unsigned char)(*s)[1])) {
		return -EINVAL;
	}
	if (**s == '.') {
		const char *first = ++*s;

		*s += strspn(first, "0123456789");
		fraction = scaled_fraction(first, *s, scale);
	}
	if (__builtin_mul_overflow(whole, scale, &value) ||
	    __builtin_add_overflow(value, fraction, &value))
		return -ERANGE;
	*ret = value;
	return 0;
}

int mb_parse_size(const char *s, int64_t *ret_bytes)
{
	static const char letters[] = "kmgtp";
	const char *number = s, *letter;
	size_t length = strspn(s, "0123456789.");
	uint64_t scale = 1, value;
	const char *unit = s + length;
	int r;

	if (*unit == ' ')
		unit++;
	if (*unit && (letter = strchr(letters, tolower((unsigned char)*unit)))) {
		scale = 1ull << 10 * (letter - letters + 1);
		unit++;
		if (tolower((unsigned char)unit[0]) == 'i' &&
		    tolower((unsigned char)unit[1]) == 'b')
			unit++;
	}
	if (tolower((unsigned char)*unit) == 'b')
		unit++;
	if (*unit)
		return -EINVAL;
	r = scaled(&number, scale, &value);
	if (r < 0)
		return r;
	if (number != s + length)
		return -EINVAL;
	if (value > (uint64_t)INT64_MAX)
		return -ERANGE;
	*ret_bytes = (int64_t)value;
	return 0;
}

static int duration_unit(const char **s, uint64_t *ret)
{
	static const struct {
		const char *name;
		uint64_t nsec;
	} units[] = {
		{"ns", 1},         {"us", 1000},       {"\302\265s", 1000},  {"ms", 1000000},
		{"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
	};

	for (size_t i = 0; i < MB_N(units); i++) {
		const char *rest = mb_skip_prefix(*s, units[i].name);

		if (rest) {
			*s = rest;
			*ret = units[i].nsec;
			return 0;
		}
	}
	return -EINVAL;
}

int mb_parse_duration(const char *s, int64_t *ret_nsec)
{
	bool negative = *s == '-';
	uint64_t total = 0;

	s += negative || *s == '+';
	if (strcmp(s, "0") == 0) {
		*ret_nsec = 0;
		return 0;
	}
	if (!*s)
		return -EINVAL;
	while (*s) {
		const char *number = s;
		uint64_t unit, value;
		int r;

		s += strspn(s, "0123456789.");
		r = duration_unit(&s, &unit);
		if (r < 0)
			return r;
		r = scaled(&number, unit, &value);
		if (r < 0)
			return r;
		if (*number == '.')
			return -EINVAL;
		if (__builtin_add_overflow(total, value, &total) || total > (uint64_t)INT64_MAX)
			return -ERANGE;
	}
	*ret_nsec = negative ? -(int64_t)total : (int64_t)total;
	return 0;
}

int mb_parse_nano_cpus(const char *s, int64_t *ret)
{
	uint64_t value;
	int r = scaled(&s, 1000000000, &value);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	if (value > (uint64_t)INT64_MAX)
		return -ERANGE;
	*ret = (int64_t)value;
	return 0;
}

int mb_parse_cpu_list(const char *s, uint32_t max)
{
	for (;;) {
		uint64_t low, high;
		int r = digits(&s, 10, &low);

		if (r < 0)
			return r;
		high = low;
		if (*s == '-') {
			s++;
			r = digits(&s, 10, &high);
			if (r < 0)
				return r;
		}
		if (high < low)
			return -EINVAL;
		if (high > max)
			return -ERANGE;
		if (!*s)
			return 0;
		if (*s++ != ',')
			return -EINVAL;
	}
}

static const char *const signal_names[] = {
	NULL,   "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
	"SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
	"TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "POLL", "PWR",  "SYS",
};

static int realtime_signal(const char *s, int *ret)
{
	static const struct {
		const char *name;
		int sign;
	} bases[] = {{"RTMIN", 1}, {"RTMAX", -1}};

	for (size_t i = 0; i < MB_N(bases); i++) {
		/* What the kernel and docker call RTMIN, not glibc's, which keeps two back. */
		int base = bases[i].sign > 0 ? 34 : 64, offset = 0;

		if (strncasecmp(s, bases[i].name, 5) != 0)
			continue;
		s += 5;
		if (*s) {
			if (*s != (bases[i].sign > 0 ? '+' : '-') ||
			    mb_parse_int(s + 1, &offset) < 0 || offset < 0 || offset > 30)
				return -EINVAL;
		}
		*ret = base + bases[i].sign * offset;
		return 0;
	}
	return -EINVAL;
}

/* Other names of the same signals. */
static int other_name(const char *s, int *ret)
{
	static const struct {
		const char *name;
		int number;
	} rows[] = {{"CLD", SIGCHLD}, {"IO", SIGPOLL}, {"IOT", SIGABRT}, {"UNUSED", SIGSYS}};

	for (size_t i = 0; i < MB_N(rows); i++)
		if (strcasecmp(rows[i].name, s) == 0) {
			*ret = rows[i].number;
			return 0;
		}
	return -EINVAL;
}

int mb_parse_signal(const char *s, int *ret)
{
	int number;

	if (isdigit((unsigned char)*s)) {
		if (mb_parse_int(s, &number) < 0 || number < 1 || number > 64)
			return -EINVAL;
		*ret = number;
		return 0;
	}
	if (strncasecmp(s, "SIG", 3) == 0)
		s += 3;
	for (number = 1; number < 32; number++) {
		if (strcasecmp(signal_names[number], s) == 0) {
			*ret = number;
			return 0;
		}
	}
	return other_name(s, ret) == 0 ? 0 : realtime_signal(s, ret);
}

const char *mb_signal_name(int sig, char *buf)
{
	if (sig > 0 && sig < 32)
		snprintf(buf, 16, "SIG%s", signal_names[sig]);
	else
		snprintf(buf, 16, "SIG%d", sig);
	return buf;
}

bool mb_name_is_valid(const char *s)
{
	size_t n = strlen(s);

	if (n < 2 || n > 253 || !isalnum((unsigned char)s[0]))
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x80 || (!isalnum(c) && c != '_' && c != '.' && c != '-'))
			return false;
	}
	return true;
}

bool mb_hex_is_valid(const char *s, uint64_t len)
{
	uint64_t n = 0;

	for (; s[n]; n++)
		if (n >= len || !((s[n] >= '0' && s[n] <= '9') || (s[n] >= 'a' && s[n] <= 'f')))
			return false;
	return n == len;
}
