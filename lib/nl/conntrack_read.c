/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "core/err.h"
#include "nl/batch.h"
#include "nl/conntrack.h"

enum { V4_BYTES = 4, V6_BYTES = 16 };

static bool open_nest(const struct nlattr *a, const struct nlattr **at, size_t max)
{
	return a && mb_nl_parse(mb_nl_data(a, 0), mb_nl_data_len(a), at, max) == 0;
}

static bool copy_addr(const struct nlattr *a, size_t n, uint8_t out[16])
{
	const void *p = mb_nl_data(a, n);

	if (p)
		memcpy(out, p, n);
	return p != NULL;
}

static bool read_tuple(const struct nlattr *nest, int family, struct mb_nl_tuple *out,
                       uint8_t *ret_proto)
{
	const struct nlattr *at[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1], *l4[CTA_PROTO_MAX + 1];
	bool v4 = family == AF_INET;
	size_t n = v4 ? V4_BYTES : V6_BYTES;

	if (!open_nest(nest, at, CTA_TUPLE_MAX) || !open_nest(at[CTA_TUPLE_IP], ip, CTA_IP_MAX) ||
	    !open_nest(at[CTA_TUPLE_PROTO], l4, CTA_PROTO_MAX) ||
	    !copy_addr(ip[v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC], n, out->src) ||
	    !copy_addr(ip[v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST], n, out->dst))
		return false;
	*ret_proto = mb_nl_u8(l4[CTA_PROTO_NUM], 0);
	out->src_port = mb_nl_be16(l4[CTA_PROTO_SRC_PORT], 0);
	out->dst_port = mb_nl_be16(l4[CTA_PROTO_DST_PORT], 0);
	return true;
}

static uint8_t tcp_state(const struct nlattr *info)
{
	const struct nlattr *at[CTA_PROTOINFO_MAX + 1], *tcp[CTA_PROTOINFO_TCP_MAX + 1];

	if (!open_nest(info, at, CTA_PROTOINFO_MAX) ||
	    !open_nest(at[CTA_PROTOINFO_TCP], tcp, CTA_PROTOINFO_TCP_MAX))
		return 0;
	return mb_nl_u8(tcp[CTA_PROTOINFO_TCP_STATE], 0);
}

static bool read_counters(const struct nlattr *nest, uint64_t *bytes, uint64_t *packets)
{
	const struct nlattr *at[CTA_COUNTERS_MAX + 1];

	if (!open_nest(nest, at, CTA_COUNTERS_MAX) || !at[CTA_COUNTERS_BYTES])
		return false;
	*bytes = mb_nl_be64(at[CTA_COUNTERS_BYTES], 0);
	*packets = mb_nl_be64(at[CTA_COUNTERS_PACKETS], 0);
	return true;
}

static bool read_event(const struct nlmsghdr *h, enum mb_nl_conn_event *ret)
{
	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_CTNETLINK)
		return false;
	if ((h->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE) {
		*ret = MB_NL_CONN_END;
		return true;
	}
	if ((h->nlmsg_type & 0xff) != IPCTNL_MSG_CT_NEW)
		return false;
	/* An answer carries the number of the question; an event has none. */
	if (h->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL))
		*ret = MB_NL_CONN_NEW;
	else
		*ret = h->nlmsg_seq ? MB_NL_CONN_IS : MB_NL_CONN_CHANGED;
	return true;
}

bool mb_nl_conntrack_read(const struct nlmsghdr *h, struct mb_nl_conn *ret,
                          enum mb_nl_conn_event *ret_event)
{
	const size_t head = NLMSG_SPACE(sizeof(struct nfgenmsg));
	const struct nlattr *at[CTA_MAX + 1];
	struct mb_nl_conn c = {0};
	enum mb_nl_conn_event event;
	uint8_t again;

	if (h->nlmsg_len < head || !read_event(h, &event) ||
	    mb_nl_parse((const char *)h + head, h->nlmsg_len - head, at, CTA_MAX) < 0)
		return false;
	c.family = ((const struct nfgenmsg *)(const void *)(h + 1))->nfgen_family;
	if ((c.family != AF_INET && c.family != AF_INET6) ||
	    !read_tuple(at[CTA_TUPLE_ORIG], c.family, &c.orig, &c.proto) ||
	    !read_tuple(at[CTA_TUPLE_REPLY], c.family, &c.reply, &again) || again != c.proto)
		return false;
	c.id = mb_nl_be32(at[CTA_ID], 0);
	c.status = mb_nl_be32(at[CTA_STATUS], 0);
	c.tcp_state = tcp_state(at[CTA_PROTOINFO]);
	c.has_counters = read_counters(at[CTA_COUNTERS_ORIG], &c.orig_bytes, &c.orig_packets) &&
	                 read_counters(at[CTA_COUNTERS_REPLY], &c.reply_bytes, &c.reply_packets);
	*ret = c;
	*ret_event = event;
	return true;
}

struct reader {
	mb_nl_conn_each *each;
	void *arg;
};

static int each_message(const struct nlmsghdr *h, void *arg)
{
	struct reader *reader = arg;
	enum mb_nl_conn_event event;
	struct mb_nl_conn conn;

	return mb_nl_conntrack_read(h, &conn, &event) ? reader->each(&conn, event, reader->arg) : 0;
}

int mb_nl_conntrack_dump(struct mb_nl *nl, mb_nl_conn_each *each, void *arg, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct nfgenmsg g = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0};
	struct reader reader = {.each = each, .arg = arg};
	int r;

	mb_nl_message(&b, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP, &g,
	              sizeof(g));
	r = mb_nl_dump(nl, &b, each_message, &reader, err);
	/* Connections come and go while they are read: what was seen is what there is to see. */
	return r && r != -EAGAIN ? mb_wrap(err, r, "cannot read the connections") : 0;
}

int mb_nl_conntrack_listen(struct mb_nl *nl, struct mb_err *err)
{
	int r = mb_nl_listen(nl, NFNLGRP_CONNTRACK_NEW, err);

	return r ? r : mb_nl_listen(nl, NFNLGRP_CONNTRACK_DESTROY, err);
}

int mb_nl_conntrack_receive(struct mb_nl *nl, mb_nl_conn_each *each, void *arg, struct mb_err *err)
{
	struct reader reader = {.each = each, .arg = arg};

	return mb_nl_receive(nl, each_message, &reader, err);
}
