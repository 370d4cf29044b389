/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/logwrite.h — writing a container's log: CRI records, rotated, never blocking on a
 * disk that is full and never leaving half a record.
 *
 * The format is in logfile.h.  A line that is not ended yet is kept back (.tail) until it is, or
 * until it is a whole piece; every record is complete in one file.
 */
#ifndef MB_MONITOR_LOGWRITE_H
#define MB_MONITOR_LOGWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "monitor/protocol.h"

enum {
	MB_LOGWRITE_PIECE = 16 << 10, /* longest text of a record */
	MB_LOGWRITE_PREFIX = 48,
	MB_LOGWRITE_IOV = 1024, /* IOV_MAX */
};

struct mb_logwrite_stream {
	enum mb_monitor_stream stream;
	size_t n_tail;
	char tail[MB_LOGWRITE_PIECE];
};

struct mb_logwrite {
	int dir_fd; /* borrowed */
	int fd;     /* -1: none could be opened, tried again at the next record */
	unsigned files;
	uint64_t max, size, inode;
	uint64_t dropped; /* bytes of output that no record holds */
	/* the batch being put together: whole records */
	size_t n_iov, n_bytes, n_text;
	struct iovec iov[MB_LOGWRITE_IOV];
	char full[MB_LOGWRITE_PREFIX], part[MB_LOGWRITE_PREFIX];
	size_t n_prefix;
	int64_t second; /* that the prefixes' first 20 bytes are of */
	char stamp[MB_LOGWRITE_PREFIX];
};

/* Open or make the log below @dir_fd.  What a writer that was killed left half is cut off. */
void mb_logwrite_open(struct mb_logwrite *w, int dir_fd, unsigned files, uint64_t max);
void mb_logwrite_close(struct mb_logwrite *w);
/* Log @n bytes that were read at @nsec.  The MB_LOGWRITE_PIECE bytes before @bytes are scratch. */
void mb_logwrite_feed(struct mb_logwrite *w, struct mb_logwrite_stream *s, char *bytes, size_t n,
                      int64_t nsec);
/* The stream ended: the line that it did not end is written as a piece. */
void mb_logwrite_end(struct mb_logwrite *w, struct mb_logwrite_stream *s, int64_t nsec);

#endif
