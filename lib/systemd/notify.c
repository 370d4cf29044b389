/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "systemd/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/err.h"
#include "core/own.h"

int mb_systemd_notify_open(const char *path, int *ret_fd, struct mb_err *err)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	MB_AUTO_CLOSE int fd = -1;

	if (n < 2 || n >= sizeof(un.sun_path) || (path[0] != '/' && path[0] != '@'))
		return mb_fail(err, EINVAL, "NOTIFY_SOCKET '%s' is no socket's address", path);
	memcpy(un.sun_path, path, n);
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&un,
	                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		return mb_fail_sys(err, errno, "cannot connect to NOTIFY_SOCKET '%s'", path);
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

int mb_systemd_notify_send(int fd, const char *text, struct mb_err *err)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return mb_fail_sys(err, errno, "cannot tell systemd");
	return 0;
}
