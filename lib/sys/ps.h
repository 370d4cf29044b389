/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/ps.h — a process as `ps -ef` has it. */
#ifndef MB_SYS_PS_H
#define MB_SYS_PS_H

#include <sys/types.h>

#include "core/strv.h"

enum { MB_SYS_PS_COLUMNS = 8 }; /* UID PID PPID C STIME TTY TIME CMD */

/* Add eight cells for @pid to @out; none when it has ended. */
void mb_sys_ps_add(pid_t pid, struct mb_strv *out);

#endif
