/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/neighbour.h>
#include <linux/netlink.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/walk_priv.h"

/* ---- interfaces inside ---------------------------------------------------------------- */

struct wanted {
	const struct mb_net_addr *addr;
	int index;
	bool found;
};

static int each_addr(const struct mb_nl_addr *a, void *arg)
{
	struct wanted *w = arg;

	w->found = w->found || (a->index == w->index && a->family == w->addr->family &&
	                        memcmp(a->addr, w->addr->b, mb_net_addr_len(w->addr)) == 0);
	return 0;
}

static void tell_no_interface(struct mb_net_way *w, const char *step,
                              const struct mb_net_way_end *end)
{
	const char *name = end->party.name, *network = end->e->network;

	mb_net_way_fault(w, step, "%s has no interface '%s' (network '%s')", name, end->e->ifname,
	                 network);
	if (end->record->cni.name)
		mb_net_way_mend(w, "mybox restart %s", name);
	else
		mb_net_way_mend(w, "mybox network disconnect %s %s && mybox network connect %s %s",
		                network, name, network, name);
}

/* The interface of @end is there, up, and has its address. */
static int check_interface(struct mb_net_way *w, const char *step, struct mb_net_way_end *end,
                           struct mb_err *err)
{
	const struct mb_net_endpoint *e = end->e;
	char text[MB_NET_ADDR_TEXT];
	struct wanted q = {.addr = &end->addr};
	unsigned int prefix = end->addr.family == AF_INET6 ? e->prefix6 : e->prefix4;
	int pid = end->party.pid, r;

	r = mb_net_netns_sock(end->party.netns_fd, NETLINK_ROUTE, &end->route, err);
	if (!r)
		r = mb_nl_link_find(&end->route, e->ifname, &end->link, err);
	if (r == MB_NL_ABSENT) {
		tell_no_interface(w, step, end);
		return 0;
	}
	q.index = end->link.index;
	if (!r)
		r = mb_nl_addr_dump(&end->route, end->addr.family, each_addr, &q, err);
	if (r)
		return r;
	mb_net_addr_format(&end->addr, text);
	if (!(end->link.flags & IFF_UP)) {
		mb_net_way_fault(w, step, "interface '%s' of %s is down", e->ifname,
		                 end->party.name);
		mb_net_way_mend(w, "nsenter -t %d -n ip link set %s up", pid, e->ifname);
	} else if (!q.found) {
		mb_net_way_fault(w, step, "interface '%s' of %s does not have its address %s",
		                 e->ifname, end->party.name, text);
		mb_net_way_mend(w, "nsenter -t %d -n ip addr add %s/%u dev %s", pid, text, prefix,
		                e->ifname);
	} else {
		mb_net_way_ok(w, step, "'%s' of %s is up and has %s", e->ifname, end->party.name,
		              text);
	}
	return 0;
}

int mb_net_way_interface(struct mb_net_way *w, struct mb_err *err)
{
	return check_interface(w, "interface", &w->from, err);
}

int mb_net_way_address(struct mb_net_way *w, struct mb_err *err)
{
	return w->to.e ? check_interface(w, "address", &w->to, err) : 0;
}

/* ---- routes --------------------------------------------------------------------------- */

static const char *gateway_of(const struct mb_net_endpoint *e, int family)
{
	return family == AF_INET6 ? e->gw6 : e->gw4;
}

static const char *type_of_refusal(int why)
{
	return why == EINVAL ? "blackhole" : why == EACCES ? "prohibit" : "unreachable";
}

/* What is wrong with the way from @end to @dst, and the command for it. */
static void tell_no_route(struct mb_net_way *w, const char *step, const struct mb_net_way_end *end,
                          const struct mb_net_addr *dst, int why)
{
	const char *kind = type_of_refusal(why), *gateway = gateway_of(end->e, dst->family);
	char text[MB_NET_ADDR_TEXT];
	int pid = end->party.pid;

	mb_net_addr_format(dst, text);
	if (why != ENETUNREACH) {
		mb_net_way_fault(w, step, "%s has a route of type '%s' for %s", end->party.name,
		                 kind, text);
		mb_net_way_mend(w, "nsenter -t %d -n ip -%c route flush type %s", pid,
		                dst->family == AF_INET6 ? '6' : '4', kind);
		return;
	}
	mb_net_way_fault(w, step, "%s has no route to %s", end->party.name, text);
	if (end == &w->from && (w->kind == MB_NET_WAY_NEIGHBOUR || w->kind == MB_NET_WAY_REMOTE))
		mb_net_way_mend(w, "nsenter -t %d -n ip route add %s dev %s", pid, text,
		                end->e->ifname);
	else if (end->e->gateway && gateway)
		mb_net_way_mend(w, "nsenter -t %d -n ip route add default via %s dev %s", pid,
		                gateway, end->e->ifname);
	else
		mb_net_way_mend(w, "mybox network connect " MB_NET_DEFAULT " %s", end->party.name);
}

static bool same_link(const struct mb_net_way *w)
{
	return (w->kind != MB_NET_WAY_NEIGHBOUR && w->kind != MB_NET_WAY_REMOTE) ||
	       w->way.index == w->from.link.index;
}

int mb_net_way_route(struct mb_net_way *w, struct mb_err *err)
{
	char text[MB_NET_ADDR_TEXT], via[MB_NET_ADDR_TEXT];
	struct mb_net_addr gateway = {.family = w->dst.family};
	int why = 0, r;

	r = mb_nl_route_get(&w->from.route, w->dst.family, w->dst.b, &w->way, &why, err);
	if (r == MB_NL_ABSENT)
		tell_no_route(w, "route", &w->from, &w->dst, why);
	if (r)
		return r > 0 ? 0 : r;
	mb_net_addr_format(&w->dst, text);
	if (!same_link(w)) {
		mb_net_way_fault(w, "route", "%s does not send to %s by '%s' but elsewhere",
		                 mb_net_way_from(w), text, w->from.e->ifname);
		mb_net_way_mend(w, "nsenter -t %d -n ip route replace %s dev %s", w->from.party.pid,
		                text, w->from.e->ifname);
		return 0;
	}
	memcpy(gateway.b, w->way.gateway, sizeof(gateway.b));
	if (w->way.has_gateway)
		mb_net_way_ok(w, "route", "%s goes by %s", text, mb_net_addr_format(&gateway, via));
	else
		mb_net_way_ok(w, "route", "%s is on the link '%s'", text, w->from.link.name);
	return 0;
}

/* What answers also needs a way. */
int mb_net_way_back(struct mb_net_way *w, struct mb_err *err)
{
	struct mb_nl_way way;
	int why = 0, r;

	if (!w->to.e)
		return 0;
	r = mb_nl_route_get(&w->to.route, w->from.addr.family, w->from.addr.b, &way, &why, err);
	if (r == MB_NL_ABSENT) {
		tell_no_route(w, "way back", &w->to, &w->from.addr, why);
		return 0;
	}
	if (!r)
		mb_net_way_ok(w, "way back", "%s has a route to %s", mb_net_way_to(w),
		              mb_net_way_from(w));
	return r;
}

/* ---- the host's side ------------------------------------------------------------------ */

/* The host's end of the pair is up and in its bridge. */
static int check_cable(struct mb_net_way *w, const struct mb_net_way_end *end,
                       struct mb_nl_link *ret_bridge, uint32_t *ret_mtu, struct mb_err *err)
{
	const struct mb_net_endpoint *e = end->e;
	struct mb_nl_link port = {0};
	int r;

	r = mb_nl_link_find(&w->net->route, e->bridge, ret_bridge, err);
	if (r == MB_NL_ABSENT) {
		mb_net_way_fault(w, "bridge", "bridge '%s' of network '%s' is missing", e->bridge,
		                 e->network);
		mb_net_way_mend(w, "mybox network reload");
		return 0;
	}
	if (!r)
		r = mb_nl_link_find(&w->net->route, e->host_ifname, &port, err);
	if (r < 0)
		return r;
	if (r == MB_NL_ABSENT) {
		mb_net_way_fault(w, "bridge",
		                 "interface '%s', the host's end of %s's '%s', is missing",
		                 e->host_ifname, end->party.name, e->ifname);
		mb_net_way_mend(w, "mybox restart %s", end->party.name);
	} else if (!(ret_bridge->flags & IFF_UP)) {
		mb_net_way_fault(w, "bridge", "bridge '%s' of network '%s' is down", e->bridge,
		                 e->network);
		mb_net_way_mend(w, "ip link set %s up", e->bridge);
	} else if (port.master != ret_bridge->index &&
	           !mb_net_policy_is_on(w->net, e->network_id)) {
		mb_net_way_fault(
			w, "bridge",
			"interface '%s', the host's end of %s's '%s', is not in bridge '%s'",
			e->host_ifname, end->party.name, e->ifname, e->bridge);
		mb_net_way_mend(w, "ip link set %s master %s", e->host_ifname, e->bridge);
	} else if (!(port.flags & IFF_UP)) {
		mb_net_way_fault(w, "bridge",
		                 "interface '%s', the host's end of %s's '%s', is down",
		                 e->host_ifname, end->party.name, e->ifname);
		mb_net_way_mend(w, "ip link set %s up", e->host_ifname);
	}
	*ret_mtu = port.mtu;
	return 0;
}

int mb_net_way_cable(struct mb_net_way *w, struct mb_err *err)
{
	struct mb_nl_link other;
	uint32_t mtu;
	int r;

	if (mb_net_is_upper(w->from.e->driver))
		return 0;
	r = mb_net_route_sock(w->net, err);
	if (!r)
		r = check_cable(w, &w->from, &w->bridge, &mtu, err);
	if (!r && w->to.e && mb_net_walk_is_ok(w->out))
		r = check_cable(w, &w->to, &other, &mtu, err);
	if (!r && mb_net_walk_is_ok(w->out))
		mb_net_way_ok(w, "bridge", "%s is up and has its ports", w->from.e->bridge);
	return r;
}

/* The container sends it to the host, and not to a neighbour that it has a route by. */
static bool is_by_host(const struct mb_net_way *w)
{
	const char *text = gateway_of(w->from.e, w->dst.family);
	struct mb_net_addr gateway;

	return w->way.has_gateway && text && mb_net_addr_parse(text, &gateway) == 0 &&
	       memcmp(gateway.b, w->way.gateway, mb_net_addr_len(&gateway)) == 0;
}

/* It leaves by a router of somebody else's on the bridge. */
static bool has_other_router(const struct mb_net_way *w)
{
	return w->kind != MB_NET_WAY_NEIGHBOUR && w->network &&
	       (w->dst.family == AF_INET6 ? w->network->bare6 : w->network->bare4);
}

/* What leaves this host goes on as the host itself would send it. */
int mb_net_way_uplink(struct mb_net_way *w, struct mb_err *err)
{
	struct mb_net_addr gateway = {.family = w->dst.family};
	char text[MB_NET_ADDR_TEXT], via[MB_NET_ADDR_TEXT];
	char name[IF_NAMESIZE] = "?";
	struct mb_nl_way way;
	int why = 0, r;

	if (w->kind != MB_NET_WAY_OUTSIDE || !is_by_host(w) || mb_net_is_upper(w->from.e->driver) ||
	    has_other_router(w))
		return 0;
	mb_net_addr_format(&w->dst, text);
	r = mb_nl_route_get(&w->net->route, w->dst.family, w->dst.b, &way, &why, err);
	if (r == MB_NL_ABSENT && why == ENETUNREACH) {
		mb_net_way_fault(w, "uplink", "this host has no route to %s", text);
		mb_net_way_mend(w, "ip -%c route add default via ROUTER, for a router it can reach",
		                w->dst.family == AF_INET6 ? '6' : '4');
	} else if (r == MB_NL_ABSENT) {
		mb_net_way_fault(w, "uplink", "this host has a route of type '%s' for %s",
		                 type_of_refusal(why), text);
		mb_net_way_mend(w, "ip -%c route flush type %s",
		                w->dst.family == AF_INET6 ? '6' : '4', type_of_refusal(why));
	}
	if (r)
		return r > 0 ? 0 : r;
	if_indextoname((unsigned)way.index, name);
	memcpy(gateway.b, way.gateway, sizeof(gateway.b));
	if (way.has_gateway)
		mb_net_way_ok(w, "uplink", "%s goes by '%s' to %s", text, name,
		              mb_net_addr_format(&gateway, via));
	else
		mb_net_way_ok(w, "uplink", "%s is on the link '%s'", text, name);
	return 0;
}

/* ---- neighbours ----------------------------------------------------------------------- */

struct next_hop {
	struct mb_net_addr addr;
	int index;
	struct mb_nl_neigh found;
};

static int each_neigh(const struct mb_nl_neigh *n, void *arg)
{
	struct next_hop *q = arg;

	if (n->index == q->index && n->family == q->addr.family &&
	    memcmp(n->addr, q->addr.b, mb_net_addr_len(&q->addr)) == 0)
		q->found = *n;
	return 0;
}

/* Whoever it is has it on another host, of which this one knows nothing. */
static bool is_beyond_tunnel(const struct mb_net_way *w)
{
	return w->kind == MB_NET_WAY_OUTSIDE && !w->way.has_gateway &&
	       mb_net_is_overlay(w->from.e->driver);
}

/* Nothing known of it yet is fine: the kernel will ask. */
int mb_net_way_neighbour(struct mb_net_way *w, struct mb_err *err)
{
	struct next_hop hop = {.addr = w->dst, .index = w->way.index};
	uint8_t expected[MB_NET_MAC_BYTES];
	char text[MB_NET_ADDR_TEXT], mac[MB_NET_MAC_TEXT];
	int r;

	if (mb_net_policy_is_on(w->net, w->from.e->network_id)) {
		mb_net_way_ok(w, "neighbour", "the host answers for all of network '%s'",
		              w->from.e->network);
		return 0;
	}
	if (w->way.has_gateway)
		memcpy(hop.addr.b, w->way.gateway, sizeof(hop.addr.b));
	/* Who the router is, where it is not the host, only the wire knows. */
	if (mb_net_is_upper(w->from.e->driver) || has_other_router(w))
		return 0;
	memcpy(expected, w->bridge.mac, sizeof(expected));
	if (w->kind == MB_NET_WAY_NEIGHBOUR &&
	    (!w->to.e->mac || mb_net_mac_parse(w->to.e->mac, expected) < 0))
		return 0;
	r = mb_nl_neigh_dump(&w->from.route, hop.addr.family, each_neigh, &hop, err);
	if (r)
		return r;
	mb_net_addr_format(&hop.addr, text);
	if (is_beyond_tunnel(w)) {
		mb_net_way_ok(w, "neighbour", "%s is beyond the tunnel, %s", text,
		              hop.found.has_mac ? mb_net_mac_format(hop.found.mac, mac)
		                                : "not asked for yet");
		return 0;
	}
	if (hop.found.has_mac && memcmp(hop.found.mac, expected, sizeof(expected)) != 0) {
		mb_net_way_fault(w, "neighbour",
		                 "%s takes %s for the owner of %s: a stale entry, or another one "
		                 "answers for it",
		                 mb_net_way_from(w), mb_net_mac_format(hop.found.mac, mac), text);
		mb_net_way_mend(w, "nsenter -t %d -n ip neigh del %s dev %s", w->from.party.pid,
		                text, w->from.link.name);
		return 0;
	}
	mb_net_way_ok(w, "neighbour", "%s is %s%s", text, mb_net_mac_format(expected, mac),
	              hop.found.has_mac ? "" : " (not asked for yet)");
	return 0;
}

/* ---- size ----------------------------------------------------------------------------- */

static void tell_mtu(struct mb_net_way *w, const struct mb_net_way_end *end, uint32_t mtu,
                     uint32_t least)
{
	mb_net_way_fault(w, "mtu",
	                 "'%s' of %s sends packets of %u bytes, but the way takes %u: longer ones "
	                 "vanish",
	                 end->e->ifname, end->party.name, mtu, least);
	mb_net_way_mend(w, "nsenter -t %d -n ip link set %s mtu %u", end->party.pid, end->e->ifname,
	                least);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a && a < b ? a : b;
}

/* A bridge has no way to say that a packet is too long for its next port. */
int mb_net_way_mtu(struct mb_net_way *w, struct mb_err *err)
{
	struct mb_nl_link bridge = {0}, other = {0};
	uint32_t least = w->from.link.mtu, port = 0;
	int r;

	if (mb_net_is_upper(w->from.e->driver))
		return 0;
	r = check_cable(w, &w->from, &bridge, &port, err);
	least = smaller(port, least);
	if (!r)
		least = smaller(bridge.mtu, least);
	if (!r && w->to.e) {
		r = check_cable(w, &w->to, &other, &port, err);
		least = smaller(port, smaller(other.mtu, smaller(w->to.link.mtu, least)));
	}
	if (r || !mb_net_walk_is_ok(w->out))
		return r;
	if (w->from.link.mtu > least)
		tell_mtu(w, &w->from, w->from.link.mtu, least);
	else if (w->to.e && w->to.link.mtu > least)
		tell_mtu(w, &w->to, w->to.link.mtu, least);
	else
		mb_net_way_ok(w, "mtu", "%u bytes everywhere", least);
	return 0;
}
