/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/report.h — what the program says on stderr. */
#ifndef MB_CMD_REPORT_H
#define MB_CMD_REPORT_H

struct mb_err;

/* "mybox: MESSAGE", and a line "hint: ..." where there is something that the user can do. */
void mb_cmd_report(const struct mb_err *err);
/* One line as it stands, made safe for a terminal: "Error: No such network: x". */
void mb_cmd_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
