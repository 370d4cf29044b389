/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/logfile.h — reading a container's log: the rotated set as one stream of entries.
 *
 * Records on disk are CRI's: "<RFC 3339, 9 digits, Z> stdout|stderr F|P <text>\n", or docker's
 * (logjson.h); the pieces of a line (P ... F) are joined here, per stream, up to
 * MB_LOGFILE_JOIN_MAX; longer lines come as several entries with .partial set.  A line that the
 * writer has not ended yet (the last record is P) is given at the end of a reading without follow,
 * and awaited in follow mode. Rotation while reading loses and repeats nothing as long as the
 * reader keeps up with the set's total size; else reading goes on at the oldest record there is and
 * the reader's .gaps counts. A record that cannot be parsed is given as it stands, on stdout, with
 * time 0.
 * Each entry is measured by its own time: clocks jump, so one that is not wanted ends nothing.
 */
#ifndef MB_MONITOR_LOGFILE_H
#define MB_MONITOR_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "monitor/protocol.h"

struct mb_err;
struct mb_logfile; /* opaque */

enum { MB_LOGFILE_JOIN_MAX = 1 << 20 };

struct mb_logfile_options {
	unsigned streams;     /* bits of enum mb_monitor_stream; 0 = both */
	int64_t since, until; /* nanoseconds since 1970; 0 = open end.  since <= time < until */
	int64_t tail;     /* at most the last so many lines, counted before since/until as docker
	                   * does; negative = all */
	bool until_now;   /* stop at the end of the log as it is when it is opened */
	const char *name; /* of its newest file; NULL: log */
	int (*unpack)(int packed_fd, int to_fd); /* as in logset.h */
};

struct mb_logfile_entry {
	int64_t nsec; /* of the line's first piece */
	enum mb_monitor_stream stream;
	bool partial;     /* more of this line follows in the next entry of the stream: no "\n" */
	const char *text; /* borrowed until the next call; without "\n"; may hold any byte */
	size_t size;
};

enum { MB_LOGFILE_END = 1 };

/* The log below ROOT/containers/<id>.  A container that never wrote gives no entries. */
int mb_logfile_open(int container_fd, const struct mb_logfile_options *options,
                    struct mb_logfile **ret, struct mb_err *err);
void mb_logfile_free(struct mb_logfile *log);
MB_AUTO_DEFINE(struct mb_logfile, mb_logfile_free)

/* Return: 0 and the next entry; MB_LOGFILE_END when nothing more is there now (after more was
 * written the next call gives it); or -errno. */
int mb_logfile_next(struct mb_logfile *log, struct mb_logfile_entry *ret, struct mb_err *err);

/* True when the newest entry is at or after .until, and so is the clock: following is pointless. */
bool mb_logfile_is_past(const struct mb_logfile *log);
/* How often rotation overtook this reader. */
unsigned mb_logfile_gaps(const struct mb_logfile *log);

/* A descriptor to poll(2) for reading: readable when the log may have grown (inotify).  It belongs
 * to @log.  Poll after MB_LOGFILE_END, then call mb_logfile_settle() and mb_logfile_next(). */
int mb_logfile_follow(struct mb_logfile *log, int *ret_poll_fd, struct mb_err *err);
void mb_logfile_settle(struct mb_logfile *log);

/* Give everything left, also a line not ended yet, as an entry: after the container ended. */
void mb_logfile_finish(struct mb_logfile *log);

/* The fast way for `logs` without options but streams: hand the texts of whole lines, "\n"
 * included, to @write in large pieces (not more than 64 KiB each) until MB_LOGFILE_END.
 * @stamps puts the time and a space in front of each line.
 * @write returns 0 or -errno, which ends the copying. */
typedef int mb_logfile_write_fn(void *arg, enum mb_monitor_stream stream, const void *bytes,
                                size_t size);
int mb_logfile_copy(struct mb_logfile *log, bool stamps, mb_logfile_write_fn *write, void *arg,
                    struct mb_err *err);

#endif
