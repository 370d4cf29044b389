/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/systemd/notify.h — sd_notify(3): what a service tells systemd, by the socket $NOTIFY_SOCKET.
 */
#ifndef MB_SYSTEMD_NOTIFY_H
#define MB_SYSTEMD_NOTIFY_H

struct mb_err;

/* A datagram socket that is connected to @path, "/path" or "@abstract". */
int mb_systemd_notify_open(const char *path, int *ret_fd, struct mb_err *err);
/* @text: lines of NAME=VALUE. */
int mb_systemd_notify_send(int fd, const char *text, struct mb_err *err);

#endif
