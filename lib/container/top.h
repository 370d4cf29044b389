/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/top.h — the processes of a container, as `ps` has them. */
#ifndef MB_CONTAINER_TOP_H
#define MB_CONTAINER_TOP_H

#include <stddef.h>
#include <sys/types.h>

#include "core/strv.h"

struct mb_container;
struct mb_err;

/* Add @n_columns cells for the headings, and so many for each process, to @out.  @words are options
 * of ps(1); none is -ef, which needs no ps.  Return: 0; MB_CONTAINER_NOT_RUNNING, told; or -errno.
 */
int mb_container_top(struct mb_container *c, const struct mb_strv *words, struct mb_strv *out,
                     size_t *ret_columns, struct mb_err *err);

/* The pure part: what ps printed, of these processes alone (sorted).  Return: 0 or -EINVAL, told.
 */
int mb_container_top_parse(const char *text, const pid_t *pids, size_t n, struct mb_strv *out,
                           size_t *ret_columns, struct mb_err *err);

#endif
