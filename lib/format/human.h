/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/format/human.h — sizes, times and long words as docker shows them.
 *
 * Every function gives a string that the caller frees, but the ones with a buffer, which return
 * it.  Scripts read these texts: they are the same as docker's to the letter.
 */
#ifndef MB_FORMAT_HUMAN_H
#define MB_FORMAT_HUMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MB_FORMAT_HUMAN_TEXT = 48 }; /* bytes that any of these texts needs, NUL included */

/* Decimal, four significant digits: "0B", "1.5kB", "77.8MB", "1.024GB". */
char *mb_format_size(double bytes, char buf[MB_FORMAT_HUMAN_TEXT]);
/* The same with three digits, as `images`, `ps -s` and `stats` have it. */
char *mb_format_size_short(double bytes, char buf[MB_FORMAT_HUMAN_TEXT]);
/* Binary, four significant digits: "64MiB", "1.944GiB". */
char *mb_format_bytes(double bytes, char buf[MB_FORMAT_HUMAN_TEXT]);
/* "Less than a second", "1 second", "59 seconds", "About a minute", "3 minutes",
 * "About an hour", "36 hours", "2 days", "2 weeks", "3 months", "2 years". */
char *mb_format_duration(int64_t nsec, char buf[MB_FORMAT_HUMAN_TEXT]);
/* @then as "2 hours ago"; the time 0 gives "N/A". */
char *mb_format_ago(int64_t then, int64_t now, char buf[MB_FORMAT_HUMAN_TEXT]);
/* A time as Go prints it: "2026-01-02 03:04:05 +0000 UTC" (CreatedAt), in local time when the
 * environment's TZ says so. */
char *mb_format_created_at(int64_t nsec, char buf[MB_FORMAT_HUMAN_TEXT]);
/* The same with the nanoseconds, as Go's String() has it: trailing zeroes are left out. */
char *mb_format_created_at_nsec(int64_t nsec, char buf[MB_FORMAT_HUMAN_TEXT]);
/* In whole seconds: "2026-01-02T03:04:05Z" or with the offset of the environment's TZ. */
char *mb_format_rfc3339(int64_t nsec, char buf[MB_FORMAT_HUMAN_TEXT]);
/* A Go duration: "1h2m3.5s", "30s", "0s". */
char *mb_format_go_duration(int64_t nsec, char buf[MB_FORMAT_HUMAN_TEXT]);

/* At most @columns columns of the terminal, the last one an ellipsis if anything was cut. */
char *mb_format_ellipsis(const char *s, size_t columns);
/* The first twelve digits of an id, without "sha256:".  Caller frees. */
char *mb_format_short_id(const char *id);

#endif
