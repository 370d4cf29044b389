/* SPDX-License-Identifier: GPL-2.0-or-later */
/* journald's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) and the messages of RFC 3164 and
 * RFC 5424, worded as docker words them. */
#include "monitor/logformat.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

enum { SEVERITY_ERROR = 3, SEVERITY_INFO = 6, USEC = 1000 };

static unsigned severity(enum mb_monitor_stream stream)
{
	return stream == MB_MONITOR_STDERR ? SEVERITY_ERROR : SEVERITY_INFO;
}

static char *append(char *to, const char *text, size_t n)
{
	memcpy(to, text, n);
	return to + n;
}

/* @room is what mb_logsink_put() has reserved around the text. */
static char *addf(char *to, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static char *addf(char *to, size_t room, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(to, room, fmt, ap);
	va_end(ap);
	return to + (n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1);
}

/* --- journald --------------------------------------------------------------------------------- */

/* What docker tells of a line that comes in pieces. */
static char *put_partial(struct mb_logsink *s, char *to, unsigned i, bool is_piece, int64_t nsec)
{
	if (!s->line[i].is_open) {
		s->line[i].ordinal = 0;
		snprintf(s->line[i].id, sizeof(s->line[i].id), "%016llx%016llx",
		         (unsigned long long)nsec, (unsigned long long)++s->n_lines);
	}
	s->line[i].is_open = is_piece;
	to = addf(to, MB_LOGFORMAT_FRAME / 2,
	          "CONTAINER_PARTIAL_ID=%s\nCONTAINER_PARTIAL_ORDINAL=%u\n"
	          "CONTAINER_PARTIAL_LAST=%s\n",
	          s->line[i].id, ++s->line[i].ordinal, is_piece ? "false" : "true");
	return is_piece ? append(to, "CONTAINER_PARTIAL_MESSAGE=true\n", 31) : to;
}

static size_t put_journal(struct mb_logsink *s, char *to, enum mb_monitor_stream stream,
                          const char *text, size_t n, bool is_piece, int64_t nsec)
{
	unsigned i = stream == MB_MONITOR_STDERR;
	char *p = append(to, s->to.text, strlen(s->to.text));

	p = addf(p, MB_LOGFORMAT_FRAME / 2, "PRIORITY=%u\n", severity(stream));
	if (is_piece || s->line[i].is_open)
		p = put_partial(s, p, i, is_piece, nsec);
	p = append(p, "MESSAGE=", 8);
	p = append(p, text, n);
	*p++ = '\n';
	return (size_t)(p - to);
}

/* --- syslog ----------------------------------------------------------------------------------- */

static void put_time(struct mb_logsink *s, int64_t nsec)
{
	bool is_new = s->to.format == MB_MONITOR_RFC5424 || s->to.format == MB_MONITOR_RFC5424MICRO;
	time_t second = (time_t)(nsec / MB_NSEC_PER_SEC);
	struct tm tm;
	size_t zone;

	if (second == s->second || !localtime_r(&second, &tm))
		return;
	s->second = second;
	if (is_new)
		strftime(s->stamp, sizeof(s->stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	else
		strftime(s->stamp, sizeof(s->stamp), "%b %e %H:%M:%S", &tm);
	zone = strftime(s->zone, sizeof(s->zone), "%z", &tm);
	if (zone != 5 || tm.tm_gmtoff == 0) {
		memcpy(s->zone, "Z", 2);
		return;
	}
	memmove(s->zone + 4, s->zone + 3, 3);
	s->zone[3] = ':';
}

/* "tag\nhostname" */
static size_t put_syslog(struct mb_logsink *s, char *to, enum mb_monitor_stream stream,
                         const char *text, size_t n, int64_t nsec)
{
	const char *tag = s->to.text, *host = strchr(tag, '\n');
	int n_tag = host ? (int)(host - tag) : (int)strlen(tag), pid = (int)getpid();
	unsigned priority = s->to.facility * 8 + severity(stream);
	size_t room = 2 * strlen(tag) + MB_LOGFORMAT_FRAME;
	char *p = to, micro[16] = "";

	host = host ? host + 1 : "-";
	put_time(s, nsec);
	switch ((enum mb_monitor_logformat)s->to.format) {
	case MB_MONITOR_RFC5424MICRO:
		snprintf(micro, sizeof(micro), ".%06d", (int)(nsec % MB_NSEC_PER_SEC / USEC));
		/* fall through */
	case MB_MONITOR_RFC5424:
		p = addf(p, room, "<%u>1 %s%s%s %s %.*s %d %.*s - ", priority, s->stamp, micro,
		         s->zone, host, n_tag, tag, pid, n_tag, tag);
		break;
	case MB_MONITOR_RFC3164:
		p = addf(p, room, "<%u>%s %s %.*s[%d]: ", priority, s->stamp, host, n_tag, tag,
		         pid);
		break;
	case MB_MONITOR_UNIXLOG:
		p = addf(p, room, "<%u>%s %.*s[%d]: ", priority, s->stamp, n_tag, tag, pid);
		break;
	}
	p = append(p, text, n);
	*p++ = '\n';
	return (size_t)(p - to);
}

size_t mb_logformat_put(struct mb_logsink *s, char *to, enum mb_monitor_stream stream,
                        const char *text, size_t n, bool is_piece, int64_t nsec)
{
	if (s->to.kind == MB_MONITOR_LOGTO_JOURNAL)
		return put_journal(s, to, stream, text, n, is_piece, nsec);
	return put_syslog(s, to, stream, text, n, nsec);
}
