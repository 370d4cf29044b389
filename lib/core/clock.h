/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/clock.h — wall-clock times as nanoseconds since 1970 (UTC), and RFC 3339 text. */
#ifndef MB_CORE_CLOCK_H
#define MB_CORE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define MB_NSEC_PER_SEC 1000000000ll
enum { MB_TIME_TEXT = 40 }; /* bytes that any formatted time needs, NUL included */

int64_t mb_now_nsec(void);       /* CLOCK_REALTIME */
int64_t mb_monotonic_nsec(void); /* CLOCK_MONOTONIC */
int64_t mb_boottime_nsec(void);  /* CLOCK_BOOTTIME */

/* "2026-01-02T03:04:05.000000006Z", always nine digits.  0 gives docker's zero time
 * "0001-01-01T00:00:00Z".  Return: @buf. */
char *mb_time_format(int64_t nsec, char buf[MB_TIME_TEXT]);
/* RFC 3339 with optional fraction and zone offset; "0001-01-01T00:00:00Z" gives 0.
 * Return: 0 or -EINVAL. */
int mb_time_parse(const char *s, int64_t *ret_nsec);
/* What --since and --until take: RFC 3339, a date, a local date and time, unix[.nanos], or a
 * Go duration before @now.  Return: 0 or -EINVAL. */
int mb_time_parse_reference(const char *s, int64_t now, int64_t *ret_nsec);

#endif
