/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/fscontext.h — file system contexts of fsopen(2), for the mount code of this folder. */
#ifndef MB_SYS_FSCONTEXT_H
#define MB_SYS_FSCONTEXT_H

#include <stdint.h>

struct mb_err;
struct mb_strv;

/* Tell "@what: " what the kernel wrote on the context (if anything) ": " the text of @errnum.
 * Return: -errnum. */
int mb_sys_fscontext_fail(int fs_fd, int errnum, struct mb_err *err, const char *what);
/* Set "key=value" or "flag". */
int mb_sys_fscontext_option(int fs_fd, const char *option, struct mb_err *err);
int mb_sys_fscontext_options(int fs_fd, const struct mb_strv *options, struct mb_err *err);
/* Make the superblock and a detached mount of it. */
int mb_sys_fscontext_finish(int fs_fd, uint64_t attr, int *ret_fd, struct mb_err *err);

#endif
