/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/volume/copy.h — a directory tree copied by descriptors. */
#ifndef MB_VOLUME_COPY_H
#define MB_VOLUME_COPY_H

struct mb_err;

enum { MB_VOLUME_COPY_DEPTH = 256 };

/* Copy the content of the directory @from into the empty directory @to, and owner, mode, times
 * and attributes of @from itself to @to.  Both are open for reading.  Follows no link on either
 * side; hard links within the tree stay hard links.  Who changes the trees meanwhile gets a
 * mixed copy, never one outside of @to. */
int mb_volume_copy_tree(int from, int to, struct mb_err *err);

#endif
