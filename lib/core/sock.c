/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"

static int address(int dirfd, const char *name, struct sockaddr_un *sun)
{
	int n;

	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d/%s", dirfd, name);
	return n > 0 && (size_t)n < sizeof(sun->sun_path) ? 0 : -ENAMETOOLONG;
}

int mb_sock_listen(int dirfd, const char *name, int type, int *ret_fd, struct mb_err *err)
{
	struct sockaddr_un sun;
	MB_AUTO_CLOSE int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	mode_t before;
	int r;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot create a local socket");
	r = address(dirfd, name, &sun);
	if (r < 0)
		return mb_fail_sys(err, -r, "socket '%s'", name);
	unlinkat(dirfd, name, 0);
	before = umask(0177);
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	umask(before);
	if (r < 0)
		return mb_fail_sys(err, errno, "cannot bind '%s'", name);
	if (type != SOCK_DGRAM && listen(fd, 128) < 0)
		return mb_fail_sys(err, errno, "cannot listen on '%s'", name);
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

int mb_sock_connect(int dirfd, const char *name, int type, int *ret_fd, struct mb_err *err)
{
	struct sockaddr_un sun;
	MB_AUTO_CLOSE int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot create a local socket");
	r = address(dirfd, name, &sun);
	if (r < 0)
		return mb_fail_sys(err, -r, "socket '%s'", name);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return mb_fail_sys(err, errno, "cannot connect to '%s'", name);
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(MB_SOCK_MAX_FDS * sizeof(int))];
};

int mb_sock_send(int fd, const void *bytes, size_t n, const int *fds, size_t n_fds)
{
	union control control;
	struct iovec iov;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t w;

	if (n_fds > MB_SOCK_MAX_FDS)
		return -EINVAL;
	memcpy(&iov.iov_base, &bytes, sizeof(bytes));
	iov.iov_len = n;
	if (n_fds) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	do
		w = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (w < 0 && errno == EINTR);
	if (w < 0)
		return -errno;
	return (size_t)w == n ? 0 : -EMSGSIZE;
}

static size_t take_fds(struct msghdr *msg, int *fds, size_t max)
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (count < max) {
				fds[count++] = fd;
			} else {
				close(fd);
				msg->msg_flags |= MSG_CTRUNC;
			}
		}
	}
	return count;
}

int mb_sock_receive(int fd, void *bytes, size_t size, size_t *ret_n, int *fds, size_t max_fds,
                    size_t *ret_n_fds)
{
	union control control;
	struct iovec iov = {.iov_base = bytes, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
	                     .msg_iovlen = 1,
	                     .msg_control = control.bytes,
	                     .msg_controllen = sizeof(control.bytes)};
	size_t count;
	ssize_t r;

	do
		r = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	count = take_fds(&msg, fds, max_fds);
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		return -EMSGSIZE;
	}
	*ret_n = (size_t)r;
	if (ret_n_fds)
		*ret_n_fds = count;
	return 0;
}
