/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/sock.h — local sockets below a directory descriptor, and descriptors across them.
 *
 * Addresses are built through /proc/self/fd/N, so that the length limit of sun_path never
 * meets the length of a state directory.
 */
#ifndef MB_CORE_SOCK_H
#define MB_CORE_SOCK_H

#include <stddef.h>
#include <sys/types.h>

struct mb_err;

enum { MB_SOCK_MAX_FDS = 32 };

/* Bind and, but with SOCK_DGRAM, listen on @name below @dirfd (mode 0600), SOCK_CLOEXEC.  An old
 * one is replaced. */
int mb_sock_listen(int dirfd, const char *name, int type, int *ret_fd, struct mb_err *err);
/* Connect.  Return: 0; -ENOENT or -ECONNREFUSED when nobody listens; or other -errno, told. */
int mb_sock_connect(int dirfd, const char *name, int type, int *ret_fd, struct mb_err *err);
/* One message with up to MB_SOCK_MAX_FDS descriptors.  Return: 0 or -errno (nothing told). */
int mb_sock_send(int fd, const void *bytes, size_t n, const int *fds, size_t n_fds);
/* One message; descriptors come O_CLOEXEC, too many or cut ones are closed and -EMSGSIZE.
 * Return: bytes read in *@ret_n (0 at end of file), or -errno (nothing told). */
int mb_sock_receive(int fd, void *bytes, size_t size, size_t *ret_n, int *fds, size_t max_fds,
                    size_t *ret_n_fds);

#endif
