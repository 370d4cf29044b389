/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/logtail.h — where the last lines of a log begin, found from its end. */
#ifndef MB_MONITOR_LOGTAIL_H
#define MB_MONITOR_LOGTAIL_H

#include <stdint.h>

struct mb_logset;

struct mb_logtail {
	int fd; /* file in which reading starts, owned by the caller; -1: there is no log */
	uint64_t offset;
	/* Records of stdout and stderr to pass over first: what a line of the one stream needs may
	 * begin before the wanted lines of the other. */
	uint64_t skip[2];
};

/* What counts as the end: @offset of the file @fd, borrowed, wherever rotation has brought it;
 * fd -1: the end as it is met. */
struct mb_logtail_stop {
	int fd;
	uint64_t offset;
};
/* The last @lines lines of @streams before @stop.  Return: 0 or -errno (nothing told). */
int mb_logtail_find(const struct mb_logset *set, unsigned streams, uint64_t lines,
                    struct mb_logtail_stop stop, struct mb_logtail *ret);
/* The newest file up to @stop's whose first record is older than @since, at its beginning; or the
 * oldest. */
int mb_logtail_find_since(const struct mb_logset *set, int64_t since, struct mb_logtail_stop stop,
                          struct mb_logtail *ret);

#endif
