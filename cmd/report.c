/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "cmd/report.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"

static const struct hint {
	int code;
	const char *text;
} hints[] = {
	{EADDRINUSE, "'mybox ps' and 'ss -ltnp' show who has the port"},
	{ENOSPC, "'mybox system df' shows what takes the space"},
	{EDQUOT, "'mybox system df' shows what takes the space"},
	{EPROTONOSUPPORT, "a newer mybox wrote this: use that one, or another --root"},
	{EROFS, "--root and --runroot choose other directories"},
	{EMFILE, "raise the limit of open files: ulimit -n"},
};

void mb_cmd_say(const char *fmt, ...)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_FREE char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	mb_str_addv(&text, fmt, ap);
	va_end(ap);
	line = mb_printable(mb_str_text(&text));
	mb_str_reset(&text);
	mb_str_addf(&text, "%s\n", line);
	mb_write_full(STDERR_FILENO, text.buf, text.len);
}

void mb_cmd_report(const struct mb_err *err)
{
	mb_cmd_say("mybox: %s", err->msg);
	for (size_t i = 0; i < MB_N(hints); i++)
		if (hints[i].code == err->code)
			mb_cmd_say("hint: %s", hints[i].text);
}
