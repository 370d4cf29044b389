/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/ps.h — a process as `ps -ef` has it. */
#ifndef MB_SYS_PS_H
#define MB_SYS_PS_H

#include <stddef.h>
#include <sys/types.h>

#include "core/strv.h"

enum { MB_SYS_PS_COLUMNS = 8 }; /* UID PID PPID C STIME TTY TIME CMD */

struct mb_err;
struct mb_str;

enum { MB_SYS_PS_REFUSED = 1 };
/* The host's ps(1) with these words.  Return: 0 and what it printed in *@out; MB_SYS_PS_REFUSED,
 * told in ps' own words: it does not like them; or -errno, told: there is none, or it hangs. */
int mb_sys_ps_run(const struct mb_strv *words, struct mb_str *out, struct mb_err *err);

/* Add eight cells for @pid to @out; none when it has ended. */
void mb_sys_ps_add(pid_t pid, struct mb_strv *out);

#endif
