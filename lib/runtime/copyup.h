/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/copyup.h — begin a tmpfs with what the image has in its place (private). */
#ifndef MB_RUNTIME_COPYUP_H
#define MB_RUNTIME_COPYUP_H

struct mb_err;

/* Copy the tree below @from_fd (O_PATH will do) into the empty directory @to_fd: directories,
 * files, links, owners and modes; sockets and devices are left out.  Nothing is followed. */
int mb_runtime_copyup(int from_fd, int to_fd, struct mb_err *err);

#endif
