/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet socket, because there is no address yet to have another kind with, and because what is
 * in the container may have port 68. */
#include "net/dhcp_talk.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/id.h"
#include "core/own.h"
#include "nl/route.h"
#include "nl/sock.h"
#include "sys/interrupt.h"

enum {
	NSEC_PER_MS = 1000000,
	ALL_MS = 10000,    /* until nobody is there */
	TRY_MS = 1000,     /* the first wait; each next is a second longer */
	CONFIRM_TRIES = 2, /* of a request */
	RENEW_TRIES = 3,
	FRAME_BYTES = 2048,
};

static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Only UDP to a client's port: other frames of the link are not to wake us. */
static int attach_filter(int fd)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 8),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MB_NET_DHCP_CLIENT_PORT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME_BYTES),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {.len = MB_N(code),
	                                   .filter = (struct sock_filter *)(uintptr_t)code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int open_packet(int index, bool deaf, struct mb_net_dhcp_talk *t, struct mb_err *err)
{
	const struct sockaddr_ll where = {.sll_family = AF_PACKET,
	                                  .sll_protocol = deaf ? 0 : htons(ETH_P_IP),
	                                  .sll_ifindex = index};

	/* It hears nothing before it is bound. */
	t->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0 || attach_filter(t->fd) < 0 ||
	    bind(t->fd, (const struct sockaddr *)&where, sizeof(where)) < 0)
		return mb_fail_sys(err, errno, "cannot open a packet socket");
	return 0;
}

/* An answer to our own address would be told to be nobody's, if nobody had the port. */
static int open_deaf(const char *ifname)
{
	const struct sockaddr_in any = {.sin_family = AF_INET,
	                                .sin_port = htons(MB_NET_DHCP_CLIENT_PORT)};
	MB_AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) < 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return -1;
	return mb_take_fd(&fd);
}

int mb_net_dhcp_talk_open(const char *ifname, bool deaf, struct mb_net_dhcp_talk *ret,
                          struct mb_err *err)
{
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	struct mb_nl_link link;
	int r = mb_nl_open(&nl, NETLINK_ROUTE, err);

	if (!r)
		r = mb_nl_link_find(&nl, ifname, &link, err);
	if (r == MB_NL_ABSENT)
		return mb_fail(err, ENODEV, "interface '%s' not found", ifname);
	if (!r)
		r = open_packet(link.index, deaf, ret, err);
	if (!r && !deaf)
		r = mb_sys_interrupt_open(&ret->stop_fd, err);
	if (r)
		return r;
	memcpy(ret->mac, link.mac, sizeof(ret->mac));
	ret->mtu = link.mtu;
	if (!deaf)
		ret->deaf_fd = open_deaf(ifname);
	return 0;
}

void mb_net_dhcp_talk_done(struct mb_net_dhcp_talk *t)
{
	mb_close(&t->fd);
	mb_close(&t->stop_fd);
	mb_close(&t->deaf_fd);
}

static void query_of(const struct mb_net_dhcp_talk *t, enum mb_net_dhcp_type type,
                     struct mb_net_dhcp_query *q)
{
	*q = (struct mb_net_dhcp_query){
		.type = type, .hostname = t->hostname, .broadcast = t->broadcast};
	memcpy(q->mac, t->mac, sizeof(q->mac));
	memcpy(q->id, t->id, sizeof(q->id));
	mb_random(&q->xid, sizeof(q->xid));
}

/* @to NULL: everybody, from nobody; else one who has sent us something. */
static size_t frame_of(const struct mb_net_dhcp_query *q, const struct mb_net_dhcp_lease *to,
                       uint8_t buf[MB_NET_DHCP_FRAME_MAX])
{
	uint8_t message[MB_NET_DHCP_MESSAGE_MAX];
	struct mb_net_dhcp_ends ends = {.to = {255, 255, 255, 255}};
	size_t n = mb_net_dhcp_format(q, message);

	memcpy(ends.from_mac, q->mac, sizeof(ends.from_mac));
	memcpy(ends.to_mac, to ? to->server_mac : everybody, sizeof(ends.to_mac));
	memcpy(ends.from, q->own, sizeof(ends.from));
	if (to)
		memcpy(ends.to, to->is.server, sizeof(ends.to));
	return mb_net_dhcp_frame(&ends, message, n, buf);
}

static int say(const struct mb_net_dhcp_talk *t, const struct mb_net_dhcp_query *q,
               const struct mb_net_dhcp_lease *to, struct mb_err *err)
{
	uint8_t frame[MB_NET_DHCP_FRAME_MAX];
	size_t n = frame_of(q, to, frame);

	/* What does not go out now may at the next try. */
	if (send(t->fd, frame, n, 0) < 0 && errno != ENOBUFS && errno != EAGAIN &&
	    errno != ENETDOWN)
		return mb_fail_sys(err, errno, "cannot ask for an address");
	return 0;
}

/* What there is to read, without waiting.  Return: whether it is an answer to @q. */
static bool is_taken(struct mb_net_dhcp_talk *t, const struct mb_net_dhcp_query *q,
                     struct mb_net_dhcp_lease *ret)
{
	uint8_t frame[FRAME_BYTES];
	const uint8_t *message;
	size_t size;
	ssize_t n = recv(t->fd, frame, sizeof(frame), 0);

	if (n <= 0 || !mb_net_dhcp_unframe(frame, (size_t)n, &message, &size, ret->server_mac))
		return false;
	t->has_heard = t->has_heard || mb_net_dhcp_is_for(message, size, q);
	return mb_net_dhcp_parse(message, size, q, &ret->is);
}

typedef bool fits(const struct mb_net_dhcp_query *q, const struct mb_net_dhcp_reply *r);

/* Until something @is_it comes, or @until (CLOCK_MONOTONIC).  All else is passed over. */
static int hear(struct mb_net_dhcp_talk *t, const struct mb_net_dhcp_query *q, fits *is_it,
                int64_t until, struct mb_net_dhcp_lease *ret, struct mb_err *err)
{
	for (;;) {
		struct pollfd fds[] = {{.fd = t->fd, .events = POLLIN},
		                       {.fd = t->stop_fd, .events = POLLIN}};
		int64_t left = (until - mb_monotonic_nsec() + NSEC_PER_MS - 1) / NSEC_PER_MS;

		if (left <= 0)
			return MB_NET_DHCP_SILENT;
		if (poll(fds, MB_N(fds), (int)left) < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot wait for a DHCP server");
		if (fds[1].revents)
			return mb_fail(err, EINTR, "interrupted");
		if (fds[0].revents && is_taken(t, q, ret) && is_it(q, &ret->is))
			return 0;
	}
}

static bool is_offer(const struct mb_net_dhcp_query *q, const struct mb_net_dhcp_reply *r)
{
	(void)q;
	return r->type == MB_NET_DHCP_OFFER;
}

/* Of what was asked for, by who was asked, if it was one alone. */
static bool is_decision(const struct mb_net_dhcp_query *q, const struct mb_net_dhcp_reply *r)
{
	static const uint8_t nobody[4];
	const uint8_t *address = memcmp(q->own, nobody, 4) != 0 ? q->own : q->wanted;

	if (memcmp(q->server, nobody, 4) != 0 && memcmp(q->server, r->server, 4) != 0)
		return false;
	return r->type == MB_NET_DHCP_NAK ||
	       (r->type == MB_NET_DHCP_ACK && memcmp(r->own, address, 4) == 0);
}

/* Ask so many times, and never after @end.  The answer is in *@ret. */
static int ask(struct mb_net_dhcp_talk *t, const struct mb_net_dhcp_query *q,
               const struct mb_net_dhcp_lease *to, int tries, int64_t end,
               struct mb_net_dhcp_lease *ret, struct mb_err *err)
{
	int64_t now = mb_monotonic_nsec(), begun = mb_boottime_nsec();
	int r = MB_NET_DHCP_SILENT;

	for (int i = 1; r == MB_NET_DHCP_SILENT && i <= tries && now < end; i++) {
		int64_t until = now + (int64_t)i * TRY_MS * NSEC_PER_MS;

		r = say(t, q, to, err);
		if (!r)
			r = hear(t, q, is_decision, until < end ? until : end, ret, err);
		now = mb_monotonic_nsec();
	}
	ret->begun = begun;
	if (!r && ret->is.type == MB_NET_DHCP_NAK)
		return MB_NET_DHCP_REFUSED;
	return r;
}

static int confirm(struct mb_net_dhcp_talk *t, const struct mb_net_dhcp_lease *offer, uint32_t xid,
                   int64_t end, struct mb_net_dhcp_lease *ret, struct mb_err *err)
{
	struct mb_net_dhcp_query q;

	query_of(t, MB_NET_DHCP_REQUEST, &q);
	q.xid = xid;
	memcpy(q.wanted, offer->is.own, sizeof(q.wanted));
	memcpy(q.server, offer->is.server, sizeof(q.server));
	return ask(t, &q, NULL, CONFIRM_TRIES, end, ret, err);
}

static bool is_nothing(const struct mb_net_dhcp_query *q, const struct mb_net_dhcp_reply *r)
{
	(void)q;
	(void)r;
	return false;
}

int mb_net_dhcp_acquire(struct mb_net_dhcp_talk *t, const uint8_t wanted[4],
                        struct mb_net_dhcp_lease *ret, struct mb_err *err)
{
	int64_t now = mb_monotonic_nsec(), end = now + (int64_t)ALL_MS * NSEC_PER_MS;
	struct mb_net_dhcp_lease heard;
	struct mb_net_dhcp_query q;
	int r = MB_NET_DHCP_SILENT;

	query_of(t, MB_NET_DHCP_DISCOVER, &q);
	memcpy(q.wanted, wanted, sizeof(q.wanted));
	for (int i = 1; now < end; i++) {
		int64_t until = now + (int64_t)i * TRY_MS * NSEC_PER_MS;

		until = until < end ? until : end;
		r = say(t, &q, NULL, err);
		if (!r)
			r = hear(t, &q, is_offer, until, &heard, err);
		if (!r) {
			r = confirm(t, &heard, q.xid, end, ret, err);
			t->has_heard = t->has_heard || r;
			memset(q.wanted, 0, sizeof(q.wanted));
			/* One that offers and refuses is not to keep us busy. */
			if (r == MB_NET_DHCP_REFUSED)
				r = hear(t, &q, is_nothing, until, &heard, err);
		}
		if (r != MB_NET_DHCP_SILENT)
			return r;
		now = mb_monotonic_nsec();
	}
	return MB_NET_DHCP_SILENT;
}

int mb_net_dhcp_renew(struct mb_net_dhcp_talk *t, const struct mb_net_dhcp_lease *old, bool all,
                      int64_t until, struct mb_net_dhcp_lease *ret, struct mb_err *err)
{
	int64_t end = mb_monotonic_nsec() + until - mb_boottime_nsec();
	struct mb_net_dhcp_query q;

	query_of(t, MB_NET_DHCP_REQUEST, &q);
	memcpy(q.own, old->is.own, sizeof(q.own));
	return ask(t, &q, all ? NULL : old, RENEW_TRIES, end, ret, err);
}

size_t mb_net_dhcp_farewell(const struct mb_net_dhcp_talk *t, const struct mb_net_dhcp_lease *lease,
                            uint8_t buf[MB_NET_DHCP_FRAME_MAX])
{
	struct mb_net_dhcp_query q;

	query_of(t, MB_NET_DHCP_RELEASE, &q);
	q.broadcast = false;
	memcpy(q.own, lease->is.own, sizeof(q.own));
	memcpy(q.server, lease->is.server, sizeof(q.server));
	return frame_of(&q, lease, buf);
}
