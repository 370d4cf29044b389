/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/logrecord.h"

#include <string.h>

#include "core/clock.h"
#include "monitor/logjson.h"

/* "2016-10-06T00:17:09.669794202Z stdout F text": every part has its fixed place. */
enum { FRACTION_AT = 20, ZONE_AT = 29, STREAM_AT = 31, TAG_AT = 38, TEXT_AT = 40 };

static bool parse_time(const char *line, struct mb_logrecord_clock *clock, int64_t *ret_nsec)
{
	int64_t fraction = 0;

	if (line[FRACTION_AT - 1] != '.' || line[ZONE_AT] != 'Z')
		return false;
	for (int i = FRACTION_AT; i < ZONE_AT; i++) {
		if (line[i] < '0' || line[i] > '9')
			return false;
		fraction = fraction * 10 + (line[i] - '0');
	}
	if (memcmp(clock->text, line, FRACTION_AT) != 0) {
		char text[FRACTION_AT + 1];
		int64_t nsec;

		memcpy(text, line, FRACTION_AT - 1);
		memcpy(text + FRACTION_AT - 1, "Z", 2);
		if (mb_time_parse(text, &nsec) < 0)
			return false;
		memcpy(clock->text, line, FRACTION_AT);
		clock->nsec = nsec;
	}
	*ret_nsec = clock->nsec + fraction;
	return true;
}

static bool parse(const char *line, size_t n, struct mb_logrecord_clock *clock,
                  struct mb_logrecord *r)
{
	const char *tag = line + TAG_AT;

	if (n < TEXT_AT || tag[-1] != ' ' || tag[1] != ' ' || (*tag != 'F' && *tag != 'P') ||
	    line[STREAM_AT - 1] != ' ')
		return false;
	if (memcmp(line + STREAM_AT, "stdout", 6) == 0)
		r->stream = MB_MONITOR_STDOUT;
	else if (memcmp(line + STREAM_AT, "stderr", 6) == 0)
		r->stream = MB_MONITOR_STDERR;
	else
		return false;
	r->is_piece = *tag == 'P';
	r->text = line + TEXT_AT;
	r->size = n - TEXT_AT;
	return parse_time(line, clock, &r->nsec);
}

bool mb_logrecord_time(const char *text, size_t n, struct mb_logrecord_clock *clock,
                       int64_t *ret_nsec)
{
	char copy[MB_TIME_TEXT];

	if (n > ZONE_AT && parse_time(text, clock, ret_nsec))
		return n == ZONE_AT + 1;
	if (n >= sizeof(copy))
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	return mb_time_parse(copy, ret_nsec) == 0;
}

void mb_logrecord_parse(char *line, size_t n, struct mb_logrecord_clock *clock,
                        struct mb_logrecord *ret)
{
	if (!parse(line, n, clock, ret) && !mb_logjson_parse(line, n, clock, ret))
		*ret = (struct mb_logrecord){.stream = MB_MONITOR_STDOUT, .text = line, .size = n};
}
