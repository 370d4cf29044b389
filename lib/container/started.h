/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/started.h — whether a start is over, for who looks into a container without its
 * lock.
 *
 * A container counts as running once process 1 has a number: it has the host's root and all
 * capabilities for a while then.  Nobody may take that for the container's.
 */
#ifndef MB_CONTAINER_STARTED_H
#define MB_CONTAINER_STARTED_H

#include <stdbool.h>

struct mb_container;
struct mb_err;

/* It runs or is paused, and maybe only starts. */
bool mb_container_has_process(const struct mb_container *c);
/* Wait until process 1 runs its program, in its own root; a lost monitor is replaced.
 * Return: 0; MB_CONTAINER_NOT_RUNNING, told: it has none (any more); or -errno. */
int mb_container_started_await(struct mb_container *c, struct mb_err *err);
/* Open the root of process 1 of one whose start is over, or whose lock the caller has (O_PATH;
 * paths in it only by sys/path.h).  Return: 0; or -errno, told: -ESRCH when it does not run any
 * more, -EBUSY when its root is our own. */
int mb_container_started_root(const struct mb_container *c, int *ret_fd, struct mb_err *err);
/* Is that the directory that we see as "/"? */
bool mb_container_is_our_root(int root_fd);

#endif
