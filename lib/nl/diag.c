/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nl/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>

#include "core/err.h"
#include "core/own.h"
#include "nl/batch.h"

enum { V4_BYTES = 4, V6_BYTES = 16, V4_AT = 12 /* in a mapped address */, LISTENING = 10 };

static bool is_any6(const uint8_t a[16])
{
	static const uint8_t zero[V6_BYTES];

	return memcmp(a, zero, V6_BYTES) == 0;
}

/* ::ffff:10.0.0.1 is 10.0.0.1 to everybody else. */
static bool is_mapped(const uint8_t a[16])
{
	static const uint8_t prefix[V4_AT] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(a, prefix, V4_AT) == 0;
}

static void unmap(struct mb_nl_socket *s)
{
	if (s->family != AF_INET6 || !is_mapped(s->local) ||
	    (!is_mapped(s->remote) && !is_any6(s->remote)))
		return;
	s->family = AF_INET;
	memmove(s->local, s->local + V4_AT, V4_BYTES);
	memmove(s->remote, s->remote + V4_AT, V4_BYTES);
	memset(s->local + V4_BYTES, 0, V6_BYTES - V4_BYTES);
	memset(s->remote + V4_BYTES, 0, V6_BYTES - V4_BYTES);
}

/* Kernels before 4.2 know no such counters: their answer is shorter. */
static void read_info(const struct nlattr *a, struct mb_nl_socket *s)
{
	const size_t need = offsetof(struct tcp_info, tcpi_segs_in) + sizeof(uint32_t);
	const void *p = mb_nl_data(a, need);
	struct tcp_info info = {0};
	size_t n = mb_nl_data_len(a);

	if (!p)
		return;
	memcpy(&info, p, n < sizeof(info) ? n : sizeof(info));
	s->has_bytes = true;
	s->received_bytes = info.tcpi_bytes_received;
	s->acked_bytes = info.tcpi_bytes_acked;
	s->received_segments = info.tcpi_segs_in;
	s->sent_segments = info.tcpi_segs_out;
}

bool mb_nl_diag_read(const struct nlmsghdr *h, uint8_t proto, struct mb_nl_socket *ret)
{
	const struct nlattr *at[INET_DIAG_SKV6ONLY + 1];
	const struct inet_diag_msg *m = (const void *)(h + 1);
	const size_t head = NLMSG_SPACE(sizeof(*m));
	struct mb_nl_socket s = {.proto = proto};

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) ||
	    (m->idiag_family != AF_INET && m->idiag_family != AF_INET6))
		return false;
	if (mb_nl_parse((const char *)h + head, h->nlmsg_len > head ? h->nlmsg_len - head : 0, at,
	                INET_DIAG_SKV6ONLY) < 0)
		return false;
	s.family = m->idiag_family;
	s.is_v6 = s.family == AF_INET6;
	s.state = m->idiag_state;
	memcpy(s.local, m->id.idiag_src, s.is_v6 ? V6_BYTES : V4_BYTES);
	memcpy(s.remote, m->id.idiag_dst, s.is_v6 ? V6_BYTES : V4_BYTES);
	s.local_port = ntohs(m->id.idiag_sport);
	s.remote_port = ntohs(m->id.idiag_dport);
	s.v6_only = s.is_v6 && is_any6(s.local) && mb_nl_u8(at[INET_DIAG_SKV6ONLY], 0) != 0;
	if (s.state == LISTENING) {
		s.waiting = m->idiag_rqueue;
		s.backlog = m->idiag_wqueue;
	} else if (proto == IPPROTO_TCP) {
		read_info(at[INET_DIAG_INFO], &s);
	}
	unmap(&s);
	*ret = s;
	return true;
}

struct reader {
	mb_nl_socket_each *each;
	void *arg;
	uint8_t proto;
};

static int each_message(const struct nlmsghdr *h, void *arg)
{
	struct reader *reader = arg;
	struct mb_nl_socket s;

	return mb_nl_diag_read(h, reader->proto, &s) ? reader->each(&s, reader->arg) : 0;
}

int mb_nl_diag_dump(struct mb_nl *nl, uint8_t proto, uint32_t states, mb_nl_socket_each *each,
                    void *arg, struct mb_err *err)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct reader reader = {.each = each, .arg = arg, .proto = proto};

	for (size_t i = 0; i < MB_N(families); i++) {
		MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
		struct inet_diag_req_v2 q = {.sdiag_family = families[i],
		                             .sdiag_protocol = proto,
		                             .idiag_states = states,
		                             .idiag_ext = 1 << (INET_DIAG_INFO - 1)};
		struct mb_err told = MB_ERR_INIT;
		int r;

		mb_nl_message(&b, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &q, sizeof(q));
		r = mb_nl_dump(nl, &b, each_message, &reader, &told);
		if (r < 0 && r != -EAGAIN && r != -ENOENT && r != -EOPNOTSUPP) {
			if (err)
				*err = told;
			return mb_wrap(err, r, "cannot list sockets");
		}
	}
	return 0;
}
