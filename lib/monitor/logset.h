/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/logset.h — the files NAME, NAME.1, NAME.2 ... of a log that may rotate meanwhile.
 *
 * The writer renames from the oldest to the newest, so at most one number is missing while it
 * does.  A file is known by its inode's number and time of birth, which no other gets.  That a
 * neighbour is the right one is seen by looking again, after opening it, whether the file itself
 * is still where it was: newer files move after it, older ones before it.
 */
#ifndef MB_MONITOR_LOGSET_H
#define MB_MONITOR_LOGSET_H

#include <stdbool.h>
#include <stdint.h>

enum { MB_LOGSET_NONE = 1, MB_LOGSET_LOST = 2, MB_LOGSET_NAME = 80 };

struct mb_logset {
	int dir_fd; /* whoever made it owns it */
	char name[MB_LOGSET_NAME];
	/* Write out what @packed_fd holds, a gzip'd file; NULL: there are none.
	 * Return: 0; -EBADMSG: all that is not broken; or -errno. */
	int (*unpack)(int packed_fd, int to_fd);
};

/* The name of number @i. */
void mb_logset_name(const struct mb_logset *set, unsigned i, char buf[MB_LOGSET_NAME + 12]);

/* The same of a file that was packed (logpack.c).  Its gzip comment has the identity of the file
 * that it was made of, by which it is still known; who opens it gets what it holds, in memory. */
void mb_logset_packed_name(const struct mb_logset *set, unsigned i, char buf[MB_LOGSET_NAME + 16]);

/* Open the newest or the oldest file.  Return: 0; MB_LOGSET_NONE; -errno (nothing told). */
int mb_logset_newest(const struct mb_logset *set, int *ret_fd);
int mb_logset_oldest(const struct mb_logset *set, int *ret_fd);
/* The next newer or older neighbour of @fd.
 * Return: 0; MB_LOGSET_NONE: there is none (yet); MB_LOGSET_LOST: @fd was rotated away; -errno. */
int mb_logset_newer(const struct mb_logset *set, int fd, int *ret_fd);
int mb_logset_older(const struct mb_logset *set, int fd, int *ret_fd);
/* Whether @fd is still one of them: rotation has not removed it. */
bool mb_logset_holds(const struct mb_logset *set, int fd);
/* Whether the writer may still append to @fd: it is the first. */
int mb_logset_is_current(const struct mb_logset *set, int fd);
/* Whether every record of @fd is no older than any that was written before it, in this file and in
 * the older ones: its sticky bit says so, which the writer takes away before it writes one that
 * is.  Ask after looking how much is in it.  Files that others wrote have it not. */
bool mb_logset_is_ordered(int fd);
/* Whether @fd is of a packed file whose end was lost. */
bool mb_logset_is_cut(int fd);
/* A number that only this file has, or had before it was packed.  0: that cannot be told. */
uint64_t mb_logset_identity(int fd);

#endif
