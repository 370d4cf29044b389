/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/logformat.h — a record as journald or a syslog daemon wants it. */
#ifndef MB_MONITOR_LOGFORMAT_H
#define MB_MONITOR_LOGFORMAT_H

#include "monitor/logsink.h"

enum { MB_LOGFORMAT_FRAME = 512 }; /* bytes around the text and what logto.text gives */

/* Write a message to @to, which has room.  Return: its bytes.  Arguments as mb_logsink_put(). */
size_t mb_logformat_put(struct mb_logsink *s, char *to, enum mb_monitor_stream stream,
                        const char *text, size_t n, bool is_piece, int64_t nsec);

#endif
