/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/report.h — what process 1 tells the command (private). */
#ifndef MB_RUNTIME_REPORT_H
#define MB_RUNTIME_REPORT_H

struct mb_err;
struct mb_runtime_plan;

/* Wait for one message and take note of it in @plan (pid and pidfd, console, warning, end of
 * file).  Return: 0, or the failure that was reported. */
int mb_runtime_report_read(struct mb_runtime_plan *plan, struct mb_err *err);

#endif
