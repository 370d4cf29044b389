/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/logjson.h — records as docker's json-file has them, one object on a line:
 *
 *	{"log":"text\n","stream":"stdout","attrs":{"tag":"web"},"time":"2016-10-07T00:17:09.5Z"}
 *
 * A record whose text has no line feed at its end is a piece.  JSON is UTF-8: each byte that is
 * none of it is written as U+FFFD, as docker does.  Members may come in any order; those that are
 * not known are passed over.
 */
#ifndef MB_MONITOR_LOGJSON_H
#define MB_MONITOR_LOGJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_logrecord;
struct mb_logrecord_clock;

enum {
	MB_LOGJSON_WIDEST = 6, /* bytes that one byte of text may become */
	MB_LOGJSON_FRAME = 80, /* bytes around the text, without the attributes */
};

struct mb_logjson {
	const char *stream; /* "stdout" */
	const char *time;   /* MB_LOGJSON_TIME bytes: "2016-10-07T00:17:09.669794202Z" */
	const char *attrs;  /* "\"attrs\":{...},", or "" */
	size_t n_attrs;
};
enum { MB_LOGJSON_TIME = 30 };

/* Write a record with its line feed.  @to has room for the worst.  Return: its bytes. */
size_t mb_logjson_format(char *to, const struct mb_logjson *how, const char *text, size_t n);
/* Bytes of output that the record of @n bytes, which mb_logjson_format() wrote, stands for. */
uint64_t mb_logjson_text_size(const char *record, size_t n);
/* Take the record @line of @n bytes, without its line feed, apart.  Its text is decoded in place.
 * Return: whether it is one; else @line is as it was. */
bool mb_logjson_parse(char *line, size_t n, struct mb_logrecord_clock *clock,
                      struct mb_logrecord *ret);

#endif
