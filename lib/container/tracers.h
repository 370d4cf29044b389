/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/tracers.h — who may trace in a pid namespace (private). */
#ifndef MB_CONTAINER_TRACERS_H
#define MB_CONTAINER_TRACERS_H

struct mb_container;
struct mb_err;

/* A running container beside @c that may trace in the pid namespace of the process @pid.  One with
 * all privileges does not count: it has the host already.
 * Return: 0 and its name in *@ret_name, which the caller frees, or NULL: there is none; or -errno,
 * told. */
int mb_container_tracer_find(const struct mb_container *c, int pid, char **ret_name,
                             struct mb_err *err);

#endif
