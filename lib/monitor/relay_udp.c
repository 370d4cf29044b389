/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams: for each one who asks, a socket whose answers are theirs. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/relay.h"

enum {
	DATAGRAM = 64 << 10,
	AT_ONCE = 32,
	EVENTS = 32,
	ASKED = MB_MONITOR_RELAY_PEERS, /* index of the published socket's events */
	NSEC_PER_MS = 1000000,
};

struct peer {
	int fd; /* to the container; 0: free slot */
	struct sockaddr_in6 who;
	int64_t heard; /* CLOCK_MONOTONIC */
};

static struct {
	const struct mb_monitor_relay_job *job;
	int epoll;
	unsigned n;
	unsigned first; /* the address that does not refuse */
	struct peer peer[MB_MONITOR_RELAY_PEERS];
	char datagram[DATAGRAM];
} relay;

static int watch(int fd, unsigned index)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = index};

	return epoll_ctl(relay.epoll, EPOLL_CTL_ADD, fd, &e);
}

static void forget(struct peer *p)
{
	close(p->fd);
	p->fd = 0;
	relay.n--;
}

static bool is_same(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
	return a->sin6_port == b->sin6_port &&
	       memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0;
}

/* Return: the one that is there, or a free slot. */
static struct peer *find(const struct sockaddr_in6 *who)
{
	struct peer *free_one = NULL, *oldest = relay.peer;

	for (struct peer *p = relay.peer; p < relay.peer + MB_MONITOR_RELAY_PEERS; p++) {
		if (p->fd && is_same(&p->who, who))
			return p;
		if (!p->fd)
			free_one = p;
		else if (p->heard < oldest->heard)
			oldest = p;
	}
	if (free_one)
		return free_one;
	forget(oldest);
	return oldest;
}

static bool open_peer(struct peer *p, const struct sockaddr_in6 *who)
{
	union mb_monitor_relay_address to[2];
	unsigned n = mb_monitor_relay_addresses(relay.job, to);
	int fd = n ? mb_monitor_relay_connect(&to[relay.first % n], SOCK_DGRAM) : -1;

	if (fd < 0)
		return false;
	if (watch(fd, (unsigned)(p - relay.peer)) < 0) {
		close(fd);
		return false;
	}
	*p = (struct peer){.fd = fd, .who = *who, .heard = mb_monotonic_nsec()};
	relay.n++;
	return true;
}

/* A server may have the other address alone. */
static bool refused(struct peer *p)
{
	relay.first++;
	forget(p);
	return true;
}

/* Return: bytes of a datagram that was sent to [::1]; 0: of another, or an empty one; or -1. */
static ssize_t receive(struct sockaddr_in6 *who)
{
	struct iovec part = {relay.datagram, sizeof(relay.datagram)};
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {.msg_name = who,
	                     .msg_namelen = sizeof(*who),
	                     .msg_iov = &part,
	                     .msg_iovlen = 1,
	                     .msg_control = &control,
	                     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(relay.job->fd, &msg, 0);

	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		struct in6_pktinfo info;

		if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		return IN6_IS_ADDR_LOOPBACK(&info.ipi6_addr) ? n : 0;
	}
	return n < 0 ? -1 : 0;
}

static void on_asked(void)
{
	for (int i = 0; i < AT_ONCE; i++) {
		struct sockaddr_in6 who = {0};
		ssize_t n = receive(&who);
		struct peer *p;

		if (n < 0)
			return;
		if (n == 0)
			continue;
		p = find(&who);
		if (!p->fd && !open_peer(p, &who))
			continue;
		p->heard = mb_monotonic_nsec();
		if (send(p->fd, relay.datagram, (size_t)n, MSG_NOSIGNAL) < 0 &&
		    errno == ECONNREFUSED && refused(p) && open_peer(p, &who))
			(void)send(p->fd, relay.datagram, (size_t)n, MSG_NOSIGNAL);
	}
}

static void on_answer(struct peer *p)
{
	for (int i = 0; p->fd && i < AT_ONCE; i++) {
		ssize_t n = recv(p->fd, relay.datagram, sizeof(relay.datagram), 0);

		if (n < 0 && errno == ECONNREFUSED) {
			(void)refused(p);
		} else if (n < 0) {
			return;
		} else {
			p->heard = mb_monotonic_nsec();
			(void)sendto(relay.job->fd, relay.datagram, (size_t)n, MSG_NOSIGNAL,
			             (const struct sockaddr *)&p->who, sizeof(p->who));
		}
	}
}

static void forget_quiet(void)
{
	int64_t since = mb_monotonic_nsec() - (int64_t)MB_MONITOR_RELAY_PEER_MS * NSEC_PER_MS;

	for (struct peer *p = relay.peer; p < relay.peer + MB_MONITOR_RELAY_PEERS; p++)
		if (p->fd && p->heard < since)
			forget(p);
}

void mb_monitor_relay_udp(const struct mb_monitor_relay_job *job)
{
	struct epoll_event events[EVENTS];
	const int one = 1;

	relay.job = job;
	relay.epoll = epoll_create1(EPOLL_CLOEXEC);
	setsockopt(job->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	if (relay.epoll < 0 || watch(job->fd, ASKED) < 0)
		_exit(1);
	for (;;) {
		int n = epoll_wait(relay.epoll, events, EVENTS, MB_MONITOR_RELAY_IDLE_MS);

		for (int i = 0; i < n; i++) {
			if (events[i].data.u32 == ASKED)
				on_asked();
			else
				on_answer(&relay.peer[events[i].data.u32]);
		}
		if (n == 0)
			forget_quiet();
		if (n == 0 && !relay.n)
			_exit(0);
	}
}
