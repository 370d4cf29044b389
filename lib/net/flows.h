/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/flows.h — who talks to whom: connections with an end in a container.
 *
 * Two views are put together.  Connection tracking sees what is routed or translated, with the
 * address that the client spoke to; sockets of the containers' namespaces show neighbours on one
 * bridge too, whose frames connection tracking never meets, and have counted their payload always.
 * A connection that both see is one flow.
 */
#ifndef MB_NET_FLOWS_H
#define MB_NET_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/net.h"

struct mb_err;
struct mb_net;
struct mb_net_book;
struct mb_nl_conn;
struct mb_nl_socket;

struct mb_net_peer {
	char *id, *name; /* of the container; NULL: none of ours */
	char *network_id, *network;
	bool is_host; /* an address of this machine */
	struct mb_net_addr addr;
	uint16_t port; /* 0: the protocol has none */
};
struct mb_net_flow {
	uint8_t proto;               /* IPPROTO_* */
	struct mb_net_peer from, to; /* who began; who really answers */
	/* What the client spoke to where that was translated (a published port); family 0: @to. */
	struct mb_net_addr via;
	uint16_t via_port;
	/* Whom the server takes for its client, where that is somebody else (the bridge, the host);
	 * family 0: @from. */
	struct mb_net_addr seen;
	uint16_t seen_port;
	const char *state; /* constant: "established", "time-wait", "unreplied", ... */
	bool is_closed;    /* over, only remembered */
	bool is_tracked;   /* seen by connection tracking */
	/* On the wire (connection tracking) or payload (sockets); out is from -> to. */
	bool has_bytes, has_packets;
	uint64_t out_bytes, in_bytes, out_packets, in_packets;
};
void mb_net_flow_done(struct mb_net_flow *flow);

struct mb_net_flows {
	struct mb_net_flow *v; /* in order of mb_net_flow_compare() */
	size_t n;
};
#define MB_AUTO_NET_FLOWS __attribute__((cleanup(mb_net_flows_done)))
void mb_net_flows_done(struct mb_net_flows *flows);
/* By protocol and both ends: 0 is the same connection. */
int mb_net_flow_compare(const struct mb_net_flow *a, const struct mb_net_flow *b);
/* The flow that compares equal; NULL when there is none. */
struct mb_net_flow *mb_net_flows_find(const struct mb_net_flows *flows,
                                      const struct mb_net_flow *like);
/* At the end, which is in order only after _sort; @flows owns it from then on. */
void mb_net_flows_add(struct mb_net_flows *flows, struct mb_net_flow *flow);
void mb_net_flows_sort(struct mb_net_flows *flows);
/* Where it belongs. */
void mb_net_flows_insert(struct mb_net_flows *flows, struct mb_net_flow *flow);
void mb_net_flows_remove(struct mb_net_flows *flows, size_t at);

/* "tcp", "udp", "icmp", ... or a number in @buf. */
const char *mb_net_flow_proto(uint8_t proto, char buf[8]);
/* "web", "host", or the address in @buf. */
const char *mb_net_peer_name(const struct mb_net_peer *peer, char buf[MB_NET_ADDR_TEXT]);

/* Name @peer by its address.  Return: whether it is a container's. */
bool mb_net_peer_name_it(struct mb_net_book *book, struct mb_net_peer *peer);
/* What a tracked connection is.  Return: whether one of its ends is a container of @book. */
bool mb_net_flow_of_conn(struct mb_net_book *book, const struct mb_nl_conn *conn,
                         struct mb_net_flow *ret);

/* Sockets as they were found, before they are put together. */
struct mb_net_found {
	struct mb_net_found_socket *v;
	size_t n;
};
void mb_net_found_add(struct mb_net_found *found, const char *container_id,
                      const struct mb_nl_socket *socket);
void mb_net_found_done(struct mb_net_found *found);
/* Give those of @flows that @found knows too what the sockets counted, and add what sockets alone
 * know.  Both are sorted after. */
void mb_net_flows_merge(struct mb_net_flows *flows, struct mb_net_book *book,
                        struct mb_net_found *found);

/* All flows there are now. */
int mb_net_flows_read(struct mb_net *net, struct mb_net_book *book, mb_net_netns_open *open,
                      void *arg, struct mb_net_flows *ret, struct mb_err *err);

/* nf_conntrack_acct: connections that begin from now on are counted.  Return: 0 or -errno, told. */
int mb_net_flows_count(struct mb_err *err);
/* Whether they are. */
bool mb_net_flows_are_counted(void);

#endif
