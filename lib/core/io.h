/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/io.h — whole reads and writes on descriptors. */
#ifndef MB_CORE_IO_H
#define MB_CORE_IO_H

#include <stddef.h>
#include <sys/types.h>

struct mb_err;
struct mb_str;

/* All @n bytes, through EINTR and short writes.  Return: 0 or -errno (nothing told). */
int mb_write_full(int fd, const void *bytes, size_t n);
/* Up to @n bytes until end of file.  Return: 0 and *@ret_n, or -errno (nothing told). */
int mb_read_full(int fd, void *bytes, size_t n, size_t *ret_n);
/* Append all of @fd to @out.  -EFBIG over @limit bytes.  Return: 0 or -errno, told. */
int mb_read_fd(int fd, size_t limit, struct mb_str *out, struct mb_err *err);
/* Append the regular file @path below @dirfd (O_NOFOLLOW at the leaf).  -ENOENT is told too. */
int mb_read_file(int dirfd, const char *path, size_t limit, struct mb_str *out, struct mb_err *err);
/* The same without a look at what it is: for what tells by itself whether it is whole, since a read
 * that comes short is taken for the end. */
int mb_read_small_file(int dirfd, const char *path, size_t limit, struct mb_str *out,
                       struct mb_err *err);
/* Write the few bytes that a kernel file (cgroup, sysctl, /proc) takes in one write.
 * Return: 0 or -errno (nothing told). */
int mb_write_kernel_file(int dirfd, const char *path, const char *text);
/* Read at most @size - 1 bytes of a kernel file and end it with NUL, a last newline cut.
 * Return: 0 or -errno (nothing told). */
int mb_read_kernel_file(int dirfd, const char *path, char *buf, size_t size);

#endif
