/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/logsink.h — records that go to somebody else: journald or a syslog daemon.
 *
 * Nothing here waits.  What the other end does not take at once is queued, and what the queue does
 * not hold is dropped and counted.  A connection that is lost is tried again each second; a
 * message that was cut by that is sent again from its beginning.
 */
#ifndef MB_MONITOR_LOGSINK_H
#define MB_MONITOR_LOGSINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/protocol.h"

enum {
	/* Of the queue: pages that are not used cost nothing. */
	MB_LOGSINK_QUEUE = MB_MONITOR_LOGTO_QUEUE_MAX,
	MB_LOGSINK_STAMP = 40,
};

struct mb_logsink {
	bool is_on;
	struct mb_monitor_logto to;
	int epoll;
	int fd;             /* -1: not connected */
	int64_t retry;      /* CLOCK_MONOTONIC: when to try again; 0: not */
	bool is_watched;    /* waits for room at the other end */
	bool is_connecting; /* TCP: not established yet */
	uint64_t dropped;   /* bytes of output that were not sent */
	/* A line that comes in pieces, by stream. */
	struct {
		bool is_open;
		unsigned ordinal;
		char id[33];
	} line[2];
	uint64_t n_lines; /* that came so */
	int64_t second;   /* that .stamp is of */
	char stamp[MB_LOGSINK_STAMP], zone[8];
	size_t room;        /* bytes of the queue that are used */
	size_t at, n, sent; /* queue[at..n) waits; of its first message .sent bytes are gone */
	_Alignas(4096) char queue[MB_LOGSINK_QUEUE];
};

/* @fd: connected already, or -1; owned by the sink. */
void mb_logsink_open(struct mb_logsink *s, int epoll, const struct mb_monitor_logto *to, int fd);
/* One record: @n bytes without a line feed.  @is_piece: the line goes on in the next one. */
void mb_logsink_put(struct mb_logsink *s, enum mb_monitor_stream stream, const char *text, size_t n,
                    bool is_piece, int64_t nsec);
/* Send what can be sent now. */
void mb_logsink_flush(struct mb_logsink *s);
void mb_logsink_event(struct mb_logsink *s);
/* CLOCK_MONOTONIC of what is due next; 0: nothing. */
int64_t mb_logsink_deadline(const struct mb_logsink *s);
void mb_logsink_step(struct mb_logsink *s);
/* The last chance of what is queued: wait for the other end, but not long. */
void mb_logsink_finish(struct mb_logsink *s);
/* Give the queue's pages back when nothing is in it. */
void mb_logsink_trim(struct mb_logsink *s);

#endif
