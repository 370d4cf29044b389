/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/event/log.h — reading what core/event.h writes: the rotated set as one stream, and on. */
#ifndef MB_EVENT_LOG_H
#define MB_EVENT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "core/strv.h"

struct mb_err;
struct mb_event_log; /* opaque */

struct mb_event_record {
	int64_t nsec; /* since 1970 */
	char *type, *action, *id;
	char *by;                /* who did it: "kill, uid 0, pid 123"; or NULL */
	struct mb_kv attributes; /* sorted by key */
};
void mb_event_record_done(struct mb_event_record *record);
/* One line, without its end.  A piece that a power cut or a full disk left in front of a record is
 * passed over.  Return: 0, end with mb_event_record_done(); or -EBADMSG, nothing told or to end. */
int mb_event_record_parse(const char *line, size_t n, struct mb_event_record *ret);

enum { MB_EVENT_LOG_END = 1 };

/* From the oldest record that there is, below ROOT (@root_fd). */
int mb_event_log_open(int root_fd, struct mb_event_log **ret, struct mb_err *err);
void mb_event_log_free(struct mb_event_log *log);
MB_AUTO_DEFINE(struct mb_event_log, mb_event_log_free)
/* Records before @nsec are passed over, at hardly more than the price of reading. */
void mb_event_log_since(struct mb_event_log *log, int64_t nsec);
/* Go to where it ends now. */
void mb_event_log_skip(struct mb_event_log *log);
/* Return: 0 and a record; MB_EVENT_LOG_END: no more for now. */
int mb_event_log_next(struct mb_event_log *log, struct mb_event_record *ret);
/* A descriptor for poll(2), @log's own: readable when there may be more (inotify).  Ask for it
 * before reading to the end, call mb_event_log_settle() after a poll(2) that woke. */
int mb_event_log_follow(struct mb_event_log *log, int *ret_fd, struct mb_err *err);
void mb_event_log_settle(struct mb_event_log *log);

#endif
