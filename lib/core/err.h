/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/err.h — one failure, told once.
 *
 * Return codes everywhere: 0 ok; negative errno = failure, described in the struct mb_err, only
 * ever propagated; positive = a condition the function documents, handled by the caller, never
 * propagated.  A struct mb_err is a plain value: usable after fork(), crosses a pipe in one
 * atomic write.  An error argument may be NULL where the caller wants only the code.
 */
#ifndef MB_CORE_ERR_H
#define MB_CORE_ERR_H

#include <limits.h>

struct mb_err {
	int code;       /* positive errno, or 0 */
	char msg[1020]; /* "outer: inner: root cause", no full stop, no newline */
};
#define MB_ERR_INIT ((struct mb_err){0})
_Static_assert(sizeof(struct mb_err) <= PIPE_BUF, "must cross a pipe in one write");

/* Own words.  Return: -errnum. */
int mb_fail(struct mb_err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));
/* Own words, then ": " and the system's text for errnum.  Return: -errnum. */
int mb_fail_sys(struct mb_err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));
/* Put context in front of what is already told ("context: ...").  The context is cut when it
 * does not fit, the root cause never is.  Return: r. */
int mb_wrap(struct mb_err *err, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

#endif
