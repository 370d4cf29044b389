/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nl/conntrack.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "core/err.h"
#include "core/own.h"
#include "nl/batch.h"

enum {
	FORGET_MAX = 1 << 20,
	/* Bits of CTA_FILTER_ORIG_FLAGS as the kernel numbers them: which members of the tuple
	 * the filter looks at. */
	FILTER_PROTO_NUM = 1 << 3,
};

struct entry {
	uint8_t tuple[128]; /* CTA_TUPLE_ORIG as the kernel gave it */
	uint32_t tuple_len, id;
	uint8_t family;
};

struct search {
	const uint16_t *ports;
	size_t n_ports;
	const uint8_t *addr; /* NULL: by ports */
	int family;
	struct entry *v;
	size_t n, cap;
};

static void message(struct mb_nl_batch *b, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nfgenmsg g = {.nfgen_family = family, .version = NFNETLINK_V0};

	mb_nl_message(b, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags, &g, sizeof(g));
}

static bool is_wanted(const struct search *s, const struct nlattr *tuple)
{
	const struct nlattr *at[CTA_TUPLE_MAX + 1], *proto[CTA_PROTO_MAX + 1];
	uint16_t port;

	if (mb_nl_parse(mb_nl_data(tuple, 0), mb_nl_data_len(tuple), at, CTA_TUPLE_MAX) < 0 ||
	    !at[CTA_TUPLE_PROTO] ||
	    mb_nl_parse(mb_nl_data(at[CTA_TUPLE_PROTO], 0), mb_nl_data_len(at[CTA_TUPLE_PROTO]),
	                proto, CTA_PROTO_MAX) < 0)
		return false;
	if (mb_nl_u8(proto[CTA_PROTO_NUM], 0) != IPPROTO_UDP)
		return false;
	port = mb_nl_be16(proto[CTA_PROTO_DST_PORT], 0);
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

static bool has_address(const struct search *s, const struct nlmsghdr *h)
{
	size_t len = s->family == AF_INET ? 4 : 16;
	enum mb_nl_conn_event event;
	struct mb_nl_conn c;

	return mb_nl_conntrack_read(h, &c, &event) && c.family == s->family &&
	       (memcmp(c.orig.src, s->addr, len) == 0 || memcmp(c.orig.dst, s->addr, len) == 0 ||
	        memcmp(c.reply.src, s->addr, len) == 0 || memcmp(c.reply.dst, s->addr, len) == 0);
}

static int each_flow(const struct nlmsghdr *h, void *arg)
{
	const size_t head = NLMSG_SPACE(sizeof(struct nfgenmsg));
	const struct nlattr *at[CTA_MAX + 1];
	struct search *s = arg;
	struct entry *e;
	size_t len;

	if (h->nlmsg_len < head ||
	    mb_nl_parse((const char *)h + head, h->nlmsg_len - head, at, CTA_MAX) < 0 ||
	    !at[CTA_TUPLE_ORIG] ||
	    !(s->addr ? has_address(s, h) : is_wanted(s, at[CTA_TUPLE_ORIG])))
		return 0;
	len = mb_nl_data_len(at[CTA_TUPLE_ORIG]);
	if (len > sizeof(e->tuple) || s->n >= FORGET_MAX)
		return 0;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->v = mb_realloc(s->v, s->cap * sizeof(*s->v));
	}
	e = &s->v[s->n++];
	memcpy(e->tuple, mb_nl_data(at[CTA_TUPLE_ORIG], 0), len);
	e->family = ((const struct nfgenmsg *)(const void *)(h + 1))->nfgen_family;
	e->tuple_len = (uint32_t)len;
	e->id = mb_nl_u32(at[CTA_ID], 0);
	return 0;
}

static int search_all(struct mb_nl *nl, struct search *s, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	int r;

	message(&b, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	r = mb_nl_dump(nl, &b, each_flow, s, err);
	return r == -EAGAIN ? 0 : r;
}

/* A dump of UDP alone where the kernel can choose (5.8), of everything where it cannot. */
static int search_udp(struct mb_nl *nl, struct search *s, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	size_t nest, proto;
	int r;

	message(&b, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	nest = mb_nl_nest(&b, CTA_TUPLE_ORIG | NLA_F_NESTED);
	proto = mb_nl_nest(&b, CTA_TUPLE_PROTO | NLA_F_NESTED);
	mb_nl_put_u8(&b, CTA_PROTO_NUM, IPPROTO_UDP);
	mb_nl_nest_end(&b, proto);
	mb_nl_nest_end(&b, nest);
	nest = mb_nl_nest(&b, CTA_FILTER | NLA_F_NESTED);
	mb_nl_put_u32(&b, CTA_FILTER_ORIG_FLAGS, FILTER_PROTO_NUM);
	mb_nl_nest_end(&b, nest);
	r = mb_nl_dump(nl, &b, each_flow, s, NULL);
	return r == 0 || r == -EAGAIN ? 0 : search_all(nl, s, err);
}

/* What the search found, which is freed. */
static int forget(struct mb_nl *nl, const struct search *s, size_t *ret_n, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_FREE struct entry *owner = s->v;
	size_t done = 0;

	for (size_t i = 0; i < s->n; i++) {
		int r;

		message(&b, IPCTNL_MSG_CT_DELETE, 0, s->v[i].family);
		mb_nl_put(&b, CTA_TUPLE_ORIG | NLA_F_NESTED, s->v[i].tuple, s->v[i].tuple_len);
		if (s->v[i].id)
			mb_nl_put_u32(&b, CTA_ID, s->v[i].id);
		r = mb_nl_send(nl, &b, NULL, err);
		if (r < 0 && r != -ENOENT)
			return mb_wrap(err, r, "cannot forget a connection");
		done += r == 0;
	}
	if (ret_n)
		*ret_n = done;
	return 0;
}

int mb_nl_conntrack_forget_udp(struct mb_nl *nl, const uint16_t *ports, size_t n_ports,
                               size_t *ret_n, struct mb_err *err)
{
	struct search s = {.ports = ports, .n_ports = n_ports};
	int r = search_udp(nl, &s, err);

	if (r < 0) {
		free(s.v);
		return mb_wrap(err, r, "cannot read the connections");
	}
	return forget(nl, &s, ret_n, err);
}

int mb_nl_conntrack_forget_addr(struct mb_nl *nl, int family, const uint8_t *addr,
                                struct mb_err *err)
{
	struct search s = {.addr = addr, .family = family};
	int r = search_all(nl, &s, err);

	if (r < 0) {
		free(s.v);
		return mb_wrap(err, r, "cannot read the connections");
	}
	return forget(nl, &s, NULL, err);
}
