/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/top.h — the processes of a container, as `ps -ef` has them. */
#ifndef MB_CONTAINER_TOP_H
#define MB_CONTAINER_TOP_H

#include "core/strv.h"

struct mb_container;
struct mb_err;

enum { MB_CONTAINER_TOP_COLUMNS = 8 }; /* UID PID PPID C STIME TTY TIME CMD */

/* Add eight cells for each process to @out, by pid.  Return: 0; MB_CONTAINER_NOT_RUNNING, told;
 * or -errno. */
int mb_container_top(struct mb_container *c, struct mb_strv *out, struct mb_err *err);

#endif
