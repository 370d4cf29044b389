/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/notify.h — a socket by which the container tells systemd how it is. */
#ifndef MB_CONTAINER_NOTIFY_H
#define MB_CONTAINER_NOTIFY_H

struct mb_container;
struct mb_container_bundle;
struct mb_err;

/* The container gets /run/notify/notify.sock and the variable NOTIFY_SOCKET; @ret_fds are its
 * other end, and a socket that is connected to @path, systemd's: both are the monitor's. */
int mb_container_notify_open(struct mb_container *c, const char *path,
                             struct mb_container_bundle *bundle, int ret_fds[2],
                             struct mb_err *err);

#endif
