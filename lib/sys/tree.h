/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/tree.h — whole directory trees that were not made by us: removed, measured, given away.
 */
#ifndef MB_SYS_TREE_H
#define MB_SYS_TREE_H

#include <stdint.h>
#include <sys/types.h>

struct mb_err;

/* Remove @name below @dirfd, whatever it is, with everything in it.  Directories in @name itself
 * are the caller's (links in them are followed); from its last part on, follows no link, enters no
 * mount (-EBUSY), uses at most 40 descriptors and bounded stack however deep the tree is.
 * Others may remove the same tree at the same time: what is gone is success, -ENOENT never
 * comes.  A failure is remembered, the rest is removed all the same. */
int mb_sys_tree_remove(int dirfd, const char *name, struct mb_err *err);
/* Remove what is in @dirfd (any descriptor of the directory, O_PATH too) and keep it. */
int mb_sys_tree_empty(int dirfd, struct mb_err *err);

/* Open the directory @path below @top, however long the path is: no link is followed and no mount
 * entered.  Return: 0 and *@ret_fd, the caller's; or -errno (nothing told). */
int mb_sys_tree_open(int top, const char *path, int *ret_fd);
/* The same, and mounts are entered. */
int mb_sys_tree_open_across(int top, const char *path, int *ret_fd);
/* Add the bytes of the regular files in directory @name below @dirfd to *@bytes, one with several
 * names once.  Follows no link, enters no mount, uses four descriptors however deep the tree is.
 * What goes meanwhile is left out, @name itself too.  Return: 0 or -errno (nothing told). */
int mb_sys_tree_measure(int dirfd, const char *name, uint64_t *bytes);
/* The same for what it costs: of everything, directories too, the most of its size, its blocks and
 * MB_SYS_TREE_ENTRY.  Ends as soon as there is more than @limit. */
enum { MB_SYS_TREE_ENTRY = 4096 };
int mb_sys_tree_weigh(int dirfd, const char *name, uint64_t limit, uint64_t *bytes);

/* What @fd holds (O_PATH will do) and all that is in it becomes @uid's and @gid's, as chown(2) does
 * it: set-ID bits go.  Follows no link, enters no mount; what goes or changes meanwhile is left
 * out. -ELOOP, told, when it is more than 1024 directories deep; -EINTR, told, when a signal is
 * held. */
int mb_sys_tree_own(int fd, uid_t uid, gid_t gid, struct mb_err *err);

#endif
