/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/pause.h — a container that stands still for a command.
 *
 * RUN/c/ID/paused says that it is paused; for a while only, it has the pid and the start time of
 * the command for which it is.  If that dies, whoever meets the container lets it go on.
 */
#ifndef MB_CONTAINER_PAUSE_H
#define MB_CONTAINER_PAUSE_H

#include <stdbool.h>

struct mb_container;
struct mb_err;

/* Pause it for as long as this process lives, unless it is paused already or does not run.  The
 * caller has the lock.  *@ret_held: it was paused here, for mb_container_pause_end(). */
int mb_container_pause_begin(struct mb_container *c, bool *ret_held, struct mb_err *err);
int mb_container_pause_end(struct mb_container *c, struct mb_err *err);
/* Let it go on if the command for which it is paused lives no more.  The caller has no lock. */
int mb_container_pause_mend(struct mb_container *c, struct mb_err *err);

#endif
