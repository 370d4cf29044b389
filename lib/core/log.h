/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/log.h — debug lines on stderr, only with -D; the library prints nothing else. */
#ifndef MB_CORE_LOG_H
#define MB_CORE_LOG_H

#include <stdbool.h>

void mb_log_enable(bool on);
bool mb_log_is_on(void);
/* "mybox: debug: 1.234 ms: ..." with the time since the first call. */
void mb_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "mybox: warning: ..." always: for what the user asked for and only partly got. */
void mb_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
