/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/logwrite.h — writing a container's log: CRI records, rotated, never blocking on a
 * disk that is full and never leaving half a record.
 *
 * The formats are in logfile.h.  A line that is not ended yet is kept back (.tail) until it is, or
 * until it is a whole piece; every record is complete in one file.
 */
#ifndef MB_MONITOR_LOGWRITE_H
#define MB_MONITOR_LOGWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/logset.h"
#include "monitor/protocol.h"

enum {
	MB_LOGWRITE_PIECE = 16 << 10, /* longest text of a record */
	MB_LOGWRITE_PREFIX = 40,      /* "2016-10-06T00:17:09.669794202Z stdout F " */
	MB_LOGWRITE_SLACK = 32,       /* bytes that may be read after any text */
	MB_LOGWRITE_BATCH = 128 << 10,
};

struct mb_logwrite_stream {
	enum mb_monitor_stream stream;
	size_t n_tail;
	char tail[MB_LOGWRITE_PIECE + MB_LOGWRITE_SLACK];
};

struct mb_logsink;

struct mb_logwrite {
	bool is_on; /* there is any use in feeding it */
	bool is_fileless;
	bool is_json;            /* set before it is opened */
	bool packs;              /* likewise: what is rotated away is to be packed */
	bool wants_pack;         /* there may be something to pack */
	struct mb_logset set;    /* .name, too: else it is "log".  .dir_fd is borrowed */
	const char *attrs;       /* of JSON; borrowed; NULL: none */
	struct mb_logsink *sink; /* who gets the records, too; borrowed; NULL: nobody */
	int fd;                  /* -1: none could be opened, tried again at the next record */
	unsigned files;
	uint64_t max, size, inode;
	uint64_t dropped; /* bytes of output that no record holds */
	int64_t latest;   /* no record that is known of has a later time */
	unsigned doubts;  /* rotations until all records are known */
	int64_t nsec;     /* of what is being written */
	int64_t second;   /* that .stamp is of */
	char stamp[20];
	char prefix[MB_LOGWRITE_PREFIX + 1];
	size_t n; /* bytes in .batch: whole records */
	_Alignas(64) char batch[MB_LOGWRITE_BATCH];
};

/* Open or make the log below @dir_fd.  What a writer that was killed left half is cut off. */
void mb_logwrite_open(struct mb_logwrite *w, int dir_fd, unsigned files, uint64_t max);
void mb_logwrite_close(struct mb_logwrite *w);
/* Log @n bytes that were read at @nsec.  The MB_LOGWRITE_PIECE bytes before @bytes are scratch,
 * MB_LOGWRITE_SLACK bytes after them are readable. */
void mb_logwrite_feed(struct mb_logwrite *w, struct mb_logwrite_stream *s, char *bytes, size_t n,
                      int64_t nsec);
/* The stream ended: the line that it did not end is written as a piece. */
void mb_logwrite_end(struct mb_logwrite *w, struct mb_logwrite_stream *s, int64_t nsec);

#endif
