/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/sock.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(MB_SOCK_MAX_FDS * sizeof(int))];
};

static void put_fds(struct msghdr *msg, union control *control, const int *fds, size_t n)
{
	struct cmsghdr *c = &control->align;

	memset(control, 0, sizeof(*control));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(n * sizeof(int));
}

int mb_monitor_message_send(int sock, const struct mb_monitor_head *head, const void *payload,
                            const int *fds, size_t n_fds)
{
	union control control;
	struct iovec iov[2];
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = head->size ? 2 : 1};
	ssize_t w;

	if (n_fds > MB_SOCK_MAX_FDS)
		return -EINVAL;
	memcpy(&iov[0].iov_base, &head, sizeof(void *));
	iov[0].iov_len = sizeof(*head);
	memcpy(&iov[1].iov_base, &payload, sizeof(void *));
	iov[1].iov_len = head->size;
	if (n_fds)
		put_fds(&msg, &control, fds, n_fds);
	do
		w = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (w < 0 && errno == EINTR);
	return w < 0 ? -errno : 0;
}

void mb_monitor_message_decode(void *to, size_t to_size, const void *payload, size_t n)
{
	if (n > to_size)
		n = to_size;
	memset(to, 0, to_size);
	if (n)
		memcpy(to, payload, n);
}

int mb_monitor_message_check(const void *packet, size_t n, struct mb_monitor_head *ret_head)
{
	struct mb_monitor_head head;

	if (n < sizeof(head) || n > MB_MONITOR_PACKET_MAX)
		return -EBADMSG;
	memcpy(&head, packet, sizeof(head));
	if (head.size != n - sizeof(head))
		return -EBADMSG;
	*ret_head = head;
	return 0;
}

int mb_monitor_message_slots(uint32_t slots, const int *got, size_t n_got, int *ret, size_t n_slots)
{
	size_t used = 0;

	if (slots >> n_slots || (size_t)__builtin_popcount(slots) != n_got)
		return -EBADMSG;
	for (size_t i = 0; i < n_slots; i++)
		ret[i] = slots & 1u << i ? got[used++] : -1;
	return 0;
}
