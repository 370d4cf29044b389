/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/logpack.h — log files that were rotated away, gzip'd.
 *
 * Members of 1 MiB each, so that neither side needs the whole in memory twice.  The comment of the
 * first is the identity of the file that was packed, by which monitor/logset.h knows it.
 */
#ifndef MB_CONTAINER_LOGPACK_H
#define MB_CONTAINER_LOGPACK_H

struct mb_err;

/* Return: 0 or -errno, told. */
int mb_container_logpack(int from_fd, int to_fd, struct mb_err *err);
/* The way back, for mb_logfile_options.  Return: 0 or -errno (nothing told). */
int mb_container_logunpack(int packed_fd, int to_fd);

#endif
