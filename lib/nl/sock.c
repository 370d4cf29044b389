/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nl/sock.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "nl/batch.h"

enum {
	ANSWER_BYTES = 4096, /* an acknowledgement: a header and one sentence */
	DUMP_BYTES = 64 * 1024,
	DUMP_BYTES_MAX = 256 << 20,
	EVENT_BUFFER_BYTES = 4 << 20, /* of the kernel, for what comes between two looks */
};

int mb_nl_open(struct mb_nl *nl, int protocol, struct mb_err *err)
{
	const int on = 1;
	MB_AUTO_CLOSE int fd = -1;

	if (nl->fd >= 0)
		return 0;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	/* EPROTONOSUPPORT is for what a newer mybox wrote. */
	if (fd < 0 && errno == EPROTONOSUPPORT)
		return mb_fail(err, EOPNOTSUPP, "cannot open a netlink socket: the kernel lacks %s",
		               protocol == NETLINK_NETFILTER ? "nfnetlink" : "this protocol");
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open a netlink socket");
	/* Short acknowledgements with the kernel's explanation; old kernels do without. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	nl->fd = mb_take_fd(&fd);
	nl->protocol = protocol;
	nl->sndbuf = 128 * 1024;
	nl->seq = 1;
	return 0;
}

void mb_nl_close(struct mb_nl *nl)
{
	mb_close(&nl->fd);
}

/* A whole batch is one datagram: make room for it. */
static void make_room(struct mb_nl *nl, size_t len)
{
	int want;

	if (len <= nl->sndbuf)
		return;
	want = (int)(len * 2);
	if (setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUFFORCE, &want, sizeof(want)) < 0)
		(void)setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUF, &want, sizeof(want));
	nl->sndbuf = len;
}

/* Number the messages from nl->seq on, ask for an acknowledgement of the last one that is not
 * the frame of an nftables batch, and send.  *@ret_base is the first number. */
static int transmit(struct mb_nl *nl, struct mb_nl_batch *b, uint32_t *ret_base,
                    uint32_t *ret_acked, struct mb_err *err)
{
	struct nlmsghdr *last = NULL;
	uint32_t base = nl->seq;
	ssize_t sent;

	if (b->broken)
		return mb_fail(err, EMSGSIZE, "the netlink request is too long");
	for (size_t at = 0; at < b->len;) {
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)(b->buf + at);

		h->nlmsg_seq += base;
		if (h->nlmsg_type >= NLMSG_MIN_TYPE + 2 || h->nlmsg_type < NLMSG_MIN_TYPE ||
		    nl->protocol != NETLINK_NETFILTER)
			last = h;
		at += NLMSG_ALIGN((size_t)h->nlmsg_len);
	}
	if (!last)
		return mb_fail(err, EINVAL, "the netlink request is empty");
	if ((last->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		last->nlmsg_flags |= NLM_F_ACK;
	make_room(nl, b->len);
	nl->seq += b->n_messages;
	do {
		sent = send(nl->fd, b->buf, b->len, 0);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return mb_fail_sys(err, errno, "cannot send a netlink request");
	*ret_base = base;
	*ret_acked = last->nlmsg_seq;
	return 0;
}

/* The kernel's sentence about an error, or NULL. */
static const char *explanation(const struct nlmsghdr *h)
{
	const struct nlattr *at[NLMSGERR_ATTR_MAX + 1];
	const struct nlmsgerr *e = (const void *)(h + 1);
	size_t used = NLMSG_LENGTH(sizeof(*e));

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(h->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len >= sizeof(e->msg))
		used += NLMSG_ALIGN((size_t)e->msg.nlmsg_len) - sizeof(e->msg);
	if (used >= h->nlmsg_len)
		return NULL;
	(void)mb_nl_parse((const char *)h + used, h->nlmsg_len - used, at, NLMSGERR_ATTR_MAX);
	return mb_nl_str(at[NLMSGERR_ATTR_MSG]);
}

/* What one NLMSG_ERROR says: 0 for an acknowledgement. */
static int outcome(const struct nlmsghdr *h, struct mb_err *err)
{
	const struct nlmsgerr *e = (const void *)(h + 1);
	const char *why;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
		return mb_fail(err, EBADMSG, "the kernel's netlink answer is too short");
	if (!e->error)
		return 0;
	why = explanation(h);
	if (why)
		return mb_fail_sys(err, -e->error, "the kernel says '%s'", why);
	return mb_fail_sys(err, -e->error, "the kernel refuses");
}

/* One datagram.  Return: its length, 0 when none waits, or -errno, told. */
static ssize_t take(struct mb_nl *nl, void *buf, size_t size, int flags, struct mb_err *err)
{
	struct sockaddr_nl from = {0};
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	do {
		n = recvmsg(nl->fd, &m, flags);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		return mb_fail_sys(err, errno, "cannot read a netlink answer");
	if (m.msg_flags & MSG_TRUNC)
		return mb_fail(err, EMSGSIZE, "the kernel's netlink answer is too long");
	return n;
}

int mb_nl_send(struct mb_nl *nl, struct mb_nl_batch *b, size_t *ret_failed, struct mb_err *err)
{
	_Alignas(struct nlmsghdr) unsigned char buf[ANSWER_BYTES];
	uint32_t base, acked, n_messages = b->n_messages;
	bool done = false;
	int first = 0, r;

	r = transmit(nl, b, &base, &acked, err);
	mb_nl_batch_reset(b);
	while (!r && !done) {
		ssize_t n = take(nl, buf, sizeof(buf), MSG_DONTWAIT, first ? NULL : err);
		int left = (int)n;

		if (n <= 0) {
			r = (int)n;
			break;
		}
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, (uint32_t)left);
		     h = NLMSG_NEXT(h, left)) {
			uint32_t number = h->nlmsg_seq - base;

			if (h->nlmsg_type != NLMSG_ERROR || number >= n_messages)
				continue;
			if (!first) {
				first = outcome(h, err);
				if (first && ret_failed)
					*ret_failed = number;
			}
			done = done || h->nlmsg_seq == acked;
		}
	}
	if (first || r)
		return first ? first : r;
	if (!done)
		return mb_fail(err, EIO, "the kernel did not answer a netlink request");
	return 0;
}

struct dump {
	mb_nl_each *each;
	void *arg;
	uint32_t seq;
	bool done, interrupted;
};

static int dump_one(struct dump *d, const struct nlmsghdr *h, struct mb_err *err)
{
	int r;

	if (h->nlmsg_seq != d->seq)
		return 0;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		d->interrupted = true;
	if (h->nlmsg_type == NLMSG_DONE) {
		d->done = true;
		return 0;
	}
	if (h->nlmsg_type == NLMSG_ERROR) {
		d->done = true;
		return outcome(h, err);
	}
	r = d->each(h, d->arg);
	return r < 0 ? mb_fail_sys(err, -r, "cannot read a netlink answer") : 0;
}

int mb_nl_dump(struct mb_nl *nl, struct mb_nl_batch *b, mb_nl_each *each, void *arg,
               struct mb_err *err)
{
	MB_AUTO_FREE unsigned char *buf = mb_malloc(DUMP_BYTES);
	struct dump d = {.each = each, .arg = arg};
	uint32_t base;
	size_t total = 0;
	int r;

	r = transmit(nl, b, &base, &d.seq, err);
	mb_nl_batch_reset(b);
	while (!r && !d.done) {
		ssize_t n = take(nl, buf, DUMP_BYTES, 0, err);
		int left = (int)n;

		if (n < 0)
			return (int)n;
		total += (size_t)n;
		if (total > DUMP_BYTES_MAX)
			return mb_fail(err, E2BIG, "a netlink dump does not end");
		for (struct nlmsghdr *h = (void *)buf; !r && NLMSG_OK(h, (uint32_t)left);
		     h = NLMSG_NEXT(h, left))
			r = dump_one(&d, h, err);
	}
	if (!r && d.interrupted)
		return mb_fail(err, EAGAIN, "the kernel's tables changed while they were read");
	return r;
}

int mb_nl_listen(struct mb_nl *nl, int group, struct mb_err *err)
{
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	const int size = EVENT_BUFFER_BYTES;

	/* Without a number of its own it would pass for the sender, the kernel, and get nothing. */
	if (bind(nl->fd, (const struct sockaddr *)&any, sizeof(any)) < 0 && errno != EINVAL)
		return mb_fail_sys(err, errno, "cannot bind a netlink socket");
	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return mb_fail_sys(err, errno, "cannot listen to the kernel's events");
	if (setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

int mb_nl_receive(struct mb_nl *nl, mb_nl_each *each, void *arg, struct mb_err *err)
{
	MB_AUTO_FREE unsigned char *buf = mb_malloc(DUMP_BYTES);
	bool overrun = false;
	int r = 0;

	while (!r) {
		struct mb_err told = MB_ERR_INIT;
		ssize_t n = take(nl, buf, DUMP_BYTES, MSG_DONTWAIT, &told);
		int left = (int)n;

		if (n == -ENOBUFS) {
			overrun = true;
			continue;
		}
		if (n < 0 && err)
			*err = told;
		if (n <= 0)
			return n < 0 ? (int)n : overrun ? MB_NL_OVERRUN : 0;
		for (struct nlmsghdr *h = (void *)buf; !r && NLMSG_OK(h, (uint32_t)left);
		     h = NLMSG_NEXT(h, left))
			r = each(h, arg);
	}
	return mb_fail_sys(err, -r, "cannot read an event of the kernel");
}
