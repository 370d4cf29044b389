/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/flows.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "core/own.h"
#include "net/book.h"
#include "nl/conntrack.h"

static void peer_done(struct mb_net_peer *p)
{
	free(p->id);
	free(p->name);
	free(p->network_id);
	free(p->network);
	*p = (struct mb_net_peer){0};
}

void mb_net_flow_done(struct mb_net_flow *f)
{
	peer_done(&f->from);
	peer_done(&f->to);
	*f = (struct mb_net_flow){0};
}

void mb_net_flows_done(struct mb_net_flows *flows)
{
	for (size_t i = 0; i < flows->n; i++)
		mb_net_flow_done(&flows->v[i]);
	free(flows->v);
	*flows = (struct mb_net_flows){0};
}

static int compare_peers(const struct mb_net_peer *a, const struct mb_net_peer *b)
{
	int r;

	if (a->addr.family != b->addr.family)
		return a->addr.family < b->addr.family ? -1 : 1;
	r = memcmp(a->addr.b, b->addr.b, sizeof(a->addr.b));
	return r ? r : (a->port > b->port) - (a->port < b->port);
}

int mb_net_flow_compare(const struct mb_net_flow *a, const struct mb_net_flow *b)
{
	int r = (a->proto > b->proto) - (a->proto < b->proto);

	if (!r)
		r = compare_peers(&a->to, &b->to);
	return r ? r : compare_peers(&a->from, &b->from);
}

/* The first place that is not before @like. */
static size_t place_of(const struct mb_net_flows *flows, const struct mb_net_flow *like)
{
	size_t lo = 0, hi = flows->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (mb_net_flow_compare(&flows->v[mid], like) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct mb_net_flow *mb_net_flows_find(const struct mb_net_flows *flows,
                                      const struct mb_net_flow *like)
{
	size_t at = place_of(flows, like);

	return at < flows->n && mb_net_flow_compare(&flows->v[at], like) == 0 ? &flows->v[at]
	                                                                      : NULL;
}

static void make_room(struct mb_net_flows *flows)
{
	if ((flows->n & (flows->n - 1)) == 0)
		flows->v = mb_realloc(flows->v, (flows->n ? flows->n * 2 : 1) * sizeof(*flows->v));
}

void mb_net_flows_add(struct mb_net_flows *flows, struct mb_net_flow *flow)
{
	make_room(flows);
	flows->v[flows->n++] = *flow;
	*flow = (struct mb_net_flow){0};
}

static int by_ends(const void *a, const void *b)
{
	return mb_net_flow_compare(a, b);
}

void mb_net_flows_sort(struct mb_net_flows *flows)
{
	if (flows->n)
		qsort(flows->v, flows->n, sizeof(*flows->v), by_ends);
}

void mb_net_flows_insert(struct mb_net_flows *flows, struct mb_net_flow *flow)
{
	size_t at = place_of(flows, flow);

	make_room(flows);
	memmove(&flows->v[at + 1], &flows->v[at], (flows->n - at) * sizeof(*flows->v));
	flows->n++;
	flows->v[at] = *flow;
	*flow = (struct mb_net_flow){0};
}

void mb_net_flows_remove(struct mb_net_flows *flows, size_t at)
{
	mb_net_flow_done(&flows->v[at]);
	flows->n--;
	memmove(&flows->v[at], &flows->v[at + 1], (flows->n - at) * sizeof(*flows->v));
}

/* ---- words ---------------------------------------------------------------------------- */

const char *mb_net_flow_proto(uint8_t proto, char buf[8])
{
	static const struct {
		uint8_t proto;
		const char *name;
	} known[] = {{IPPROTO_TCP, "tcp"},   {IPPROTO_UDP, "udp"},
	             {IPPROTO_ICMP, "icmp"}, {IPPROTO_ICMPV6, "icmpv6"},
	             {IPPROTO_SCTP, "sctp"}, {IPPROTO_DCCP, "dccp"},
	             {IPPROTO_GRE, "gre"},   {IPPROTO_UDPLITE, "udplite"}};

	for (size_t i = 0; i < MB_N(known); i++)
		if (known[i].proto == proto)
			return known[i].name;
	snprintf(buf, 8, "%u", proto);
	return buf;
}

const char *mb_net_peer_name(const struct mb_net_peer *p, char buf[MB_NET_ADDR_TEXT])
{
	if (p->name)
		return p->name;
	return p->is_host ? "host" : mb_net_addr_format(&p->addr, buf);
}

static const char *tcp_state(uint8_t state)
{
	static const char *const names[] = {
		[TCP_CONNTRACK_NONE] = "unknown",      [TCP_CONNTRACK_SYN_SENT] = "syn-sent",
		[TCP_CONNTRACK_SYN_RECV] = "syn-recv", [TCP_CONNTRACK_ESTABLISHED] = "established",
		[TCP_CONNTRACK_FIN_WAIT] = "fin-wait", [TCP_CONNTRACK_CLOSE_WAIT] = "close-wait",
		[TCP_CONNTRACK_LAST_ACK] = "last-ack", [TCP_CONNTRACK_TIME_WAIT] = "time-wait",
		[TCP_CONNTRACK_CLOSE] = "closed",      [TCP_CONNTRACK_SYN_SENT2] = "syn-sent",
	};

	return state < MB_N(names) ? names[state] : "unknown";
}

static void set_state(struct mb_net_flow *f, const struct mb_nl_conn *c)
{
	if (c->proto == IPPROTO_TCP) {
		f->state = tcp_state(c->tcp_state);
		f->is_closed = c->tcp_state == TCP_CONNTRACK_TIME_WAIT ||
		               c->tcp_state == TCP_CONNTRACK_CLOSE;
		return;
	}
	f->state = c->status & IPS_ASSURED      ? "assured"
	           : c->status & IPS_SEEN_REPLY ? "replied"
	                                        : "unreplied";
}

/* ---- connections ---------------------------------------------------------------------- */

static void set_addr(struct mb_net_addr *a, int family, const uint8_t bytes[16])
{
	*a = (struct mb_net_addr){.family = family};
	memcpy(a->b, bytes, mb_net_addr_len(a));
}

bool mb_net_peer_name_it(struct mb_net_book *book, struct mb_net_peer *p)
{
	const struct mb_net_book_entry *e = mb_net_book_find(book, &p->addr);

	if (!e)
		return false;
	p->is_host = !e->id && !e->is_remote;
	p->id = mb_strdup_or_null(e->id);
	p->name = mb_strdup_or_null(e->name);
	p->network_id = mb_strdup_or_null(e->network_id);
	p->network = mb_strdup_or_null(e->network);
	return p->id != NULL;
}

bool mb_net_flow_of_conn(struct mb_net_book *book, const struct mb_nl_conn *c,
                         struct mb_net_flow *ret)
{
	struct mb_net_flow f = {.proto = c->proto, .is_tracked = true};
	bool from, to;

	set_addr(&f.from.addr, c->family, c->orig.src);
	f.from.port = c->orig.src_port;
	set_addr(&f.to.addr, c->family, c->reply.src);
	f.to.port = c->reply.src_port;
	if (c->status & IPS_DST_NAT) {
		set_addr(&f.via, c->family, c->orig.dst);
		f.via_port = c->orig.dst_port;
	}
	if (c->status & IPS_SRC_NAT) {
		set_addr(&f.seen, c->family, c->reply.dst);
		f.seen_port = c->reply.dst_port;
	}
	from = mb_net_peer_name_it(book, &f.from);
	to = mb_net_peer_name_it(book, &f.to);
	if (!from && !to) {
		mb_net_flow_done(&f);
		return false;
	}
	set_state(&f, c);
	f.has_bytes = f.has_packets = c->has_counters;
	f.out_bytes = c->orig_bytes;
	f.in_bytes = c->reply_bytes;
	f.out_packets = c->orig_packets;
	f.in_packets = c->reply_packets;
	*ret = f;
	return true;
}
