/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int mb_fail(struct mb_err *err, int errnum, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -errnum;
	err->code = errnum;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -errnum;
}

int mb_fail_sys(struct mb_err *err, int errnum, const char *fmt, ...)
{
	const char *cause = strerror(errnum);
	va_list ap;
	size_t used, room;

	if (!err)
		return -errnum;
	err->code = errnum;
	room = sizeof(err->msg) - strlen(cause) - 2;
	va_start(ap, fmt);
	vsnprintf(err->msg, room, fmt, ap);
	va_end(ap);
	used = strlen(err->msg);
	snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", cause);
	return -errnum;
}

int mb_wrap(struct mb_err *err, int r, const char *fmt, ...)
{
	char inner[sizeof(err->msg)];
	va_list ap;
	size_t used, need;

	if (!err)
		return r;
	memcpy(inner, err->msg, sizeof(inner));
	need = strlen(inner) + 2;
	if (need + 1 >= sizeof(err->msg))
		return r;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg) - need, fmt, ap);
	va_end(ap);
	used = strlen(err->msg);
	memcpy(err->msg + used, ": ", 2);
	memcpy(err->msg + used + 2, inner, need - 1);
	return r;
}
