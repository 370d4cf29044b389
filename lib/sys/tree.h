/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/tree.h — removal of whole directory trees that were not made by us. */
#ifndef MB_SYS_TREE_H
#define MB_SYS_TREE_H

struct mb_err;

/* Remove @name below @dirfd, whatever it is, with everything in it.  Directories in @name itself
 * are the caller's (links in them are followed); from its last part on, follows no link, enters no
 * mount (-EBUSY), uses at most 40 descriptors and bounded stack however deep the tree is.
 * Others may remove the same tree at the same time: what is gone is success, -ENOENT never
 * comes.  A failure is remembered, the rest is removed all the same. */
int mb_sys_tree_remove(int dirfd, const char *name, struct mb_err *err);
/* Remove what is in @dirfd (any descriptor of the directory, O_PATH too) and keep it. */
int mb_sys_tree_empty(int dirfd, struct mb_err *err);

#endif
