/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/edges.h — flows added up: all connections of one to another's port are one edge; and
 * edges drawn as a graph. */
#ifndef MB_NET_EDGES_H
#define MB_NET_EDGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_net_flows;
struct mb_str;

struct mb_net_edge {
	char *from, *to; /* "web", "host", or an address */
	char *network;   /* of the one who answers, or else of the other; may be NULL */
	bool from_is_container, to_is_container;
	uint8_t proto;
	uint16_t port; /* of @to */
	size_t n;      /* connections */
	bool has_bytes;
	uint64_t out_bytes, in_bytes; /* out is from -> to */
	uint64_t out_rate, in_rate;   /* bytes per second, by mb_net_edges_rate() */
};
struct mb_net_edges {
	struct mb_net_edge *v; /* by from, to, protocol, port */
	size_t n;
};
#define MB_AUTO_NET_EDGES __attribute__((cleanup(mb_net_edges_done)))
void mb_net_edges_done(struct mb_net_edges *edges);
void mb_net_edges_of(const struct mb_net_flows *flows, struct mb_net_edges *ret);
/* What each connection of @now has carried since @before, added to its edge's rate; one that was
 * not there began with nothing, one that ended no longer counts. */
void mb_net_edges_rate(struct mb_net_edges *edges, const struct mb_net_flows *before,
                       const struct mb_net_flows *now, int64_t nsec);
/* The highest rate first, then the most bytes. */
void mb_net_edges_sort_by_rate(struct mb_net_edges *edges);

enum mb_net_graph_format {
	MB_NET_GRAPH_TEXT,
	MB_NET_GRAPH_DOT,
	MB_NET_GRAPH_MERMAID,
	MB_NET_GRAPH_SVG
};
/* Clients stand left of their servers in SVG, which is whole in itself. */
void mb_net_graph_draw(const struct mb_net_edges *edges, enum mb_net_graph_format format,
                       struct mb_str *out);

#endif
