/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/dir.h — directories listed through descriptors (fdopendir(3)); links at the leaf are not
 * followed. */
#ifndef MB_CORE_DIR_H
#define MB_CORE_DIR_H

#include <dirent.h>

struct mb_strv;

#define MB_AUTO_CLOSEDIR __attribute__((cleanup(mb_closedir_p)))
void mb_closedir_p(DIR **dir);

/* The directory @path below @dirfd, "." for that one itself, whose own place in it stays where it
 * is.  Return: what closedir() ends, or NULL with errno. */
DIR *mb_dir_open(int dirfd, const char *path);
/* The directory @fd, which belongs to what is returned and is closed when that is NULL, with errno.
 * A negative @fd is that of an open() that failed. */
DIR *mb_dir_take(int fd);
/* The next entry but "." and "..", or NULL at the end. */
const struct dirent *mb_dir_next(DIR *dir);
/* Add the names of all entries of @path, in no order.  Return: 0 or -errno (nothing told). */
int mb_dir_names(int dirfd, const char *path, struct mb_strv *out);

#endif
