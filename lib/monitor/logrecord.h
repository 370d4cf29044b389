/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/logrecord.h — one record of a log file, taken apart. */
#ifndef MB_MONITOR_LOGRECORD_H
#define MB_MONITOR_LOGRECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/protocol.h"

struct mb_logrecord {
	int64_t nsec;
	enum mb_monitor_stream stream;
	bool is_piece; /* P: the line goes on in the stream's next record */
	const char *text;
	size_t size;
};

/* Remembers the second that was parsed last: records of one second are many. */
struct mb_logrecord_clock {
	char text[20];
	int64_t nsec;
};

/* @line of @n bytes, without its line feed: CRI's, or docker's json-file (logjson.h), whose text is
 * decoded in place.  What is no record is taken whole, as a line of stdout at time 0. */
void mb_logrecord_parse(char *line, size_t n, struct mb_logrecord_clock *clock,
                        struct mb_logrecord *ret);

/* A time of @n bytes as RFC 3339 has it.  Return: whether it is one. */
bool mb_logrecord_time(const char *text, size_t n, struct mb_logrecord_clock *clock,
                       int64_t *ret_nsec);

#endif
