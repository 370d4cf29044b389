/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/exitdoc.h — exit.json, which protocol.h describes. */
#ifndef MB_MONITOR_EXITDOC_H
#define MB_MONITOR_EXITDOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_monitor_exitdoc {
	int exit_code;
	bool oom_killed, restarting;
	bool stop_requested; /* the user ended it */
	int64_t started_nsec, finished_nsec;
	uint32_t restarts, backoff_ms;
	uint64_t dropped_bytes, unsent_bytes;
	const char *error; /* plain text that needs no escape in JSON */
	size_t size;       /* at least so many bytes: empty lines at its end */
};

enum { MB_MONITOR_EXITDOC_TEXT = 768 };

/* Return: bytes in @buf. */
size_t mb_monitor_exitdoc_format(const struct mb_monitor_exitdoc *doc,
                                 char buf[MB_MONITOR_EXITDOC_TEXT]);
/* Replace exit.json below @dirfd; where there is no room for another, write over it.
 * Return: 0 or -errno (nothing told). */
int mb_monitor_exitdoc_write(int dirfd, const struct mb_monitor_exitdoc *doc);

#endif
