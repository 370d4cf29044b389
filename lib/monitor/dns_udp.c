/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions and answers by UDP, those of upstreams too. */
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/id.h"
#include "core/own.h"
#include "monitor/dns.h"
#include "monitor/dns_learn.h"
#include "monitor/source.h"

enum { AT_ONCE = 16, PORT = 53 };

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* Send from the address that was asked, and through a raw socket also from the port: the asker
 * wrote to port 53, not to the one that the socket has. */
static void answer(struct mb_dns *d, const struct sockaddr_in *asker, uint8_t *bytes, size_t n)
{
	bool raw = d->fd[MB_MONITOR_DNS_RAW] >= 0;
	struct sockaddr_in to = *asker;
	struct udphdr udp = {.source = htons(PORT),
	                     .dest = asker->sin_port,
	                     .len = htons((uint16_t)(n + sizeof(udp)))};
	struct iovec iov[2] = {{&udp, sizeof(udp)}, {bytes, n}};
	struct in_pktinfo from = {.ipi_spec_dst = d->own};
	union control control = {0};
	struct msghdr msg = {.msg_name = &to,
	                     .msg_namelen = sizeof(to),
	                     .msg_iov = raw ? iov : iov + 1,
	                     .msg_iovlen = raw ? 2 : 1,
	                     .msg_control = control.bytes,
	                     .msg_controllen = sizeof(control.bytes)};

	control.align.cmsg_level = IPPROTO_IP;
	control.align.cmsg_type = IP_PKTINFO;
	control.align.cmsg_len = CMSG_LEN(sizeof(from));
	memcpy(CMSG_DATA(&control.align), &from, sizeof(from));
	if (raw)
		to.sin_port = 0;
	if (sendmsg(d->fd[raw ? MB_MONITOR_DNS_RAW : MB_MONITOR_DNS_UDP], &msg,
	            MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		d->n_dropped++;
}

static void release(struct mb_dns *d, struct mb_dns_forward *f)
{
	if (!f->fd)
		return;
	close(f->fd);
	f->fd = 0;
	d->n_forwards--;
}

static int ask(struct mb_dns *d, struct mb_dns_forward *f, const union mb_dns_address *upstream)
{
	uint8_t query[MB_DNS_QUERY_MAX];
	MB_AUTO_CLOSE int fd =
		socket(upstream->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t n;

	if (fd < 0 || connect(fd, &upstream->any, mb_dns_upstream_size(upstream)) < 0)
		return -errno;
	mb_random(&f->id, sizeof(f->id));
	n = mb_dns_question_format(&f->q, f->id, query);
	if (send(fd, query, n, MSG_NOSIGNAL) != (ssize_t)n)
		return -errno;
	if (mb_dns_watch(d, fd, MB_MONITOR_FROM_DNS_UPSTREAM, (size_t)(f - d->forward), EPOLLIN,
	                 false) < 0)
		return -EIO;
	f->fd = mb_take_fd(&fd);
	f->deadline = mb_monotonic_nsec() + MB_DNS_UDP_TRY_MS * 1000000ll;
	d->n_forwards++;
	return 0;
}

/* Ask the next upstream that takes the question, or give up. */
static void ask_next(struct mb_dns *d, struct mb_dns_forward *f)
{
	const struct mb_dns_upstreams *u = mb_dns_upstreams_now(d);

	release(d, f);
	while (++f->attempt < u->n)
		if (ask(d, f, &u->at[f->attempt]) == 0)
			return;
	answer(d, &f->asker, d->reply, mb_dns_answer_rcode(&f->q, MB_DNS_SERVFAIL, d->reply));
}

static void forward(struct mb_dns *d, const struct mb_dns_question *q,
                    const struct sockaddr_in *asker)
{
	for (size_t i = 0; i < MB_DNS_FORWARDS; i++) {
		struct mb_dns_forward *f = &d->forward[i];

		if (f->fd)
			continue;
		f->q = *q;
		f->asker = *asker;
		f->attempt = UINT32_MAX;
		d->n_forwarded++;
		ask_next(d, f);
		return;
	}
	d->n_dropped++;
}

static void on_query(struct mb_dns *d, const uint8_t *packet, size_t n,
                     const struct sockaddr_in *asker)
{
	struct mb_dns_question q;
	enum mb_dns_rcode rcode;
	size_t size = 0;
	int r = mb_dns_question_parse(packet, n, &q, &rcode);

	d->n_queries++;
	if (r == MB_DNS_DROP)
		return;
	if (r == MB_DNS_ANSWER_RCODE)
		size = mb_dns_answer_rcode(&q, rcode, d->reply);
	else if (mb_dns_answer(d, &q, d->reply, mb_dns_question_limit(&q), &size) == MB_DNS_FORWARD)
		forward(d, &q, asker);
	if (size)
		answer(d, asker, d->reply, size);
}

void mb_dns_udp_read(struct mb_dns *d)
{
	uint8_t packet[2048];

	for (int i = 0; i < AT_ONCE && d->fd[MB_MONITOR_DNS_UDP] >= 0; i++) {
		struct sockaddr_in asker;
		socklen_t size = sizeof(asker);
		ssize_t n = recvfrom(d->fd[MB_MONITOR_DNS_UDP], packet, sizeof(packet), 0,
		                     (struct sockaddr *)&asker, &size);

		if (n < 0)
			return;
		/* An answer to a port 53 would be a question to itself. */
		if (size == sizeof(asker) && asker.sin_family == AF_INET && asker.sin_port != 0)
			on_query(d, packet, (size_t)n, &asker);
	}
}

static bool is_worth_another(enum mb_dns_rcode rcode)
{
	return rcode == MB_DNS_SERVFAIL || rcode == MB_DNS_REFUSED || rcode == MB_DNS_NOTIMP;
}

void mb_dns_udp_response(struct mb_dns *d, struct mb_dns_forward *f)
{
	ssize_t n = recv(f->fd, d->reply, sizeof(d->reply), MSG_TRUNC);
	size_t left = d->upstreams.n;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		ask_next(d, f);
		return;
	}
	/* What does not fit was sent by somebody who guesses: the real answer may still come. */
	if ((size_t)n > sizeof(d->reply) ||
	    !mb_dns_response_fits(d->reply, (size_t)n, f->id, &f->q))
		return;
	if (is_worth_another(mb_dns_response_rcode(d->reply)) && f->attempt + 1 < left) {
		ask_next(d, f);
		return;
	}
	mb_dns_response_adopt(d->reply, &f->q);
	mb_dns_learn(d, &f->q, d->reply, (size_t)n);
	answer(d, &f->asker, d->reply, (size_t)n);
	release(d, f);
}

void mb_dns_udp_expire(struct mb_dns *d, int64_t now)
{
	for (size_t i = 0; i < MB_DNS_FORWARDS; i++)
		if (d->forward[i].fd && now >= d->forward[i].deadline)
			ask_next(d, &d->forward[i]);
}

void mb_dns_udp_close(struct mb_dns *d)
{
	for (size_t i = 0; d->n_forwards && i < MB_DNS_FORWARDS; i++)
		release(d, &d->forward[i]);
}
