/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/nl/sock.h — a netlink socket: one batch out, its outcome back.
 *
 * The kernel works a request off inside sendmsg(2), so that its answers wait when the call
 * returns: nothing here blocks.  Only the last message of a batch asks for an acknowledgement,
 * errors come back for any: a batch that succeeds costs two system calls.
 */
#ifndef MB_NL_SOCK_H
#define MB_NL_SOCK_H

#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_nl_batch;
struct nlmsghdr;

struct mb_nl {
	int fd; /* -1: not open */
	int protocol;
	uint32_t seq; /* of the next message */
	size_t sndbuf;
};
#define MB_NL_INIT ((struct mb_nl){.fd = -1})
#define MB_AUTO_NL __attribute__((cleanup(mb_nl_close)))

/* A socket of @protocol (NETLINK_ROUTE, NETLINK_NETFILTER) in the namespace the caller is in.
 * An open one stays as it is. */
int mb_nl_open(struct mb_nl *nl, int protocol, struct mb_err *err);
void mb_nl_close(struct mb_nl *nl);

/* Send @b whole and collect the outcome; @b is empty after.  The first failure is returned and
 * told, with the kernel's own explanation where it gives one; *@ret_failed (may be NULL) is the
 * number of the message that failed.  rtnetlink goes on after a failure, nftables undoes all. */
int mb_nl_send(struct mb_nl *nl, struct mb_nl_batch *b, size_t *ret_failed, struct mb_err *err);

/* Send one message and give each answer that is not an acknowledgement to @each, until the dump
 * ends (NLM_F_DUMP) or the acknowledgement comes.  @each returns 0, or -errno to stop (nothing
 * told), which leaves the socket unfit: close it.  -EAGAIN: the tables changed while they were
 * read, what @each saw may be incomplete. */
typedef int mb_nl_each(const struct nlmsghdr *h, void *arg);
int mb_nl_dump(struct mb_nl *nl, struct mb_nl_batch *b, mb_nl_each *each, void *arg,
               struct mb_err *err);

/* Be told of @group's events (a number, not a mask) on a socket that sends no requests. */
int mb_nl_listen(struct mb_nl *nl, int group, struct mb_err *err);
enum { MB_NL_OVERRUN = 1 };
/* Give each event that waits to @each; none waiting is fine.  Return: 0; MB_NL_OVERRUN: the
 * kernel had more to tell than the socket takes, some are lost; or -errno, told. */
int mb_nl_receive(struct mb_nl *nl, mb_nl_each *each, void *arg, struct mb_err *err);

#endif
