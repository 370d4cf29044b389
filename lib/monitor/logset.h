/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/logset.h — the files log, log.1, log.2 ... of a log that may rotate meanwhile.
 *
 * The writer renames from the oldest to the newest, so at most one number is missing while it
 * does.  A file is known by its inode: while it is held open no other file can get it.  That a
 * neighbour is the right one is seen by looking again, after opening it, whether the file itself
 * is still where it was: newer files move after it, older ones before it.
 */
#ifndef MB_MONITOR_LOGSET_H
#define MB_MONITOR_LOGSET_H

#include <stdbool.h>
#include <stdint.h>

enum { MB_LOGSET_NONE = 1, MB_LOGSET_LOST = 2 };

/* Open the newest or the oldest file.  Return: 0; MB_LOGSET_NONE; -errno (nothing told). */
int mb_logset_newest(int dir_fd, int *ret_fd);
int mb_logset_oldest(int dir_fd, int *ret_fd);
/* The next newer or older neighbour of @fd.
 * Return: 0; MB_LOGSET_NONE: there is none (yet); MB_LOGSET_LOST: @fd was rotated away; -errno. */
int mb_logset_newer(int dir_fd, int fd, int *ret_fd);
int mb_logset_older(int dir_fd, int fd, int *ret_fd);
/* Whether @fd is still one of them: rotation has not removed it. */
bool mb_logset_holds(int dir_fd, int fd);
/* Whether the writer may still append to @fd: it is "log". */
int mb_logset_is_current(int dir_fd, int fd);
uint64_t mb_logset_inode(int fd);

#endif
