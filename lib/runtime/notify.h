/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/notify.h — the listener of a filter that notifies, handed to who decides (private).
 */
#ifndef MB_RUNTIME_NOTIFY_H
#define MB_RUNTIME_NOTIFY_H

struct mb_err;
struct mb_runtime_plan;

/* Send @plan's notify_fd, with the container process state, to the socket that its profile names.
 * When that fails the process is killed: nobody would answer it. */
int mb_runtime_notify(struct mb_runtime_plan *plan, struct mb_err *err);

#endif
