/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/copy.h — the content and the attributes of a file, from one descriptor to another.
 *
 * Return values: 0 or -errno, nothing told.
 */
#ifndef MB_SYS_COPY_H
#define MB_SYS_COPY_H

#include <stdbool.h>

/* Open the regular file @name of a tree that somebody may be changing, for reading: never a link,
 * and nothing else that might have come in its place, since opening a device has effects.
 * -ESTALE: it is no regular file. */
int mb_sys_copy_open(int dir_fd, const char *name, int *ret_fd);
/* All of @from, from where it stands, to @to: shared where the file system can, else moved by the
 * kernel, else by hand.  Holes stay holes. */
int mb_sys_copy_content(int from, int to);
/* Attributes that go along with a file; where @to cannot have them they stay behind. */
int mb_sys_copy_xattrs(int from, int to);
/* Is it one of these?  The user's own, capabilities and ACLs. */
bool mb_sys_copy_has_xattr(const char *name);
enum { MB_SYS_COPY_XATTR_MAX = 64 * 1024 }; /* bytes of a list or a value, as the kernel has it */

#endif
