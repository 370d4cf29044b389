/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/str.h"
#include "net/endpoint.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "nl/route.h"

/* A routed endpoint: its host end stands alone, answers for every address of the network (proxy
 * ARP) and has the gateway's; the host has a route to it.  Neighbours meet in the host's
 * forwarding, where the policy is. */
enum { V4_BITS = 32, V6_BITS = 128 };

static const struct {
	const char *path; /* %s: the interface */
	const char *routed, *bridged;
} sysctls[] =
	{
		{"/proc/sys/net/ipv4/conf/%s/forwarding", "1", NULL},
		{"/proc/sys/net/ipv4/conf/%s/proxy_arp", "1", "0"},
		{"/proc/sys/net/ipv4/neigh/%s/proxy_delay", "0", NULL},
		/* Ports of 127.0.0.1; as at the bridge, the firewall drops these addresses on the
                   wire. */
		{"/proc/sys/net/ipv4/conf/%s/route_localnet", "1", "0"},
},
  sysctls6[] = {
	  {"/proc/sys/net/ipv6/conf/%s/accept_ra", "0", NULL},
	  {"/proc/sys/net/ipv6/conf/%s/forwarding", "1", NULL},
};

static int set_sysctl(const char *path, const char *ifname, const char *value, struct mb_err *err)
{
	const char *rest = strstr(path, "%s");
	int r = value ? mb_net_sysctl(value, "%.*s%s%s", (int)(rest - path), path, ifname, rest + 2)
	              : 0;

	return r ? mb_fail_sys(err, -r, "cannot set up interface '%s' for a policy", ifname) : 0;
}

static int set_sysctls(const struct mb_net_endpoint *e, bool on, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < MB_N(sysctls); i++)
		r = set_sysctl(sysctls[i].path, e->host_ifname,
		               on ? sysctls[i].routed : sysctls[i].bridged, err);
	if (!e->ip6) {
		(void)mb_net_sysctl("1", "/proc/sys/net/ipv6/conf/%s/disable_ipv6", e->host_ifname);
		return r;
	}
	for (size_t i = 0; !r && i < MB_N(sysctls6); i++)
		r = set_sysctl(sysctls6[i].path, e->host_ifname,
		               on ? sysctls6[i].routed : sysctls6[i].bridged, err);
	return r;
}

/* The gateway's address and the way to the container, at the host end. */
static void put_host_end(struct mb_nl_batch *b, const char *gateway, const char *address, int index,
                         bool on)
{
	struct mb_net_addr gw, to;
	struct mb_nl_route route = {.index = index};
	unsigned int bits;

	if (!address || !gateway || mb_net_addr_parse(gateway, &gw) < 0 ||
	    mb_net_addr_parse(address, &to) < 0)
		return;
	bits = to.family == AF_INET ? V4_BITS : V6_BITS;
	route.family = to.family;
	route.dst = to.b;
	route.prefix = bits;
	if (on) {
		mb_nl_addr_add(b, gw.family, gw.b, bits, index, gw.family == AF_INET6);
		/* That of a life before may lead by its interface still, and goes with that. */
		mb_nl_route_put(b, &route);
	} else {
		mb_nl_route_del(b, &route);
		mb_nl_addr_del(b, gw.family, gw.b, bits, index);
	}
}

static int set_host_end(struct mb_net *net, const struct mb_net_network *n,
                        const struct mb_net_endpoint *e, int index, bool on, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	int r;

	put_host_end(&b, n->v4.gateway, e->ip4, index, on);
	put_host_end(&b, n->v6.gateway, e->ip6, index, on);
	if (!b.n_messages)
		return 0;
	r = mb_nl_send(&net->route, &b, NULL, err);
	/* The others of the batch have been worked off all the same. */
	return r == -EEXIST || (!on && (r == -ESRCH || r == -EADDRNOTAVAIL)) ? 0 : r;
}

int mb_net_routed_up(struct mb_net *net, const struct mb_net_network *n, struct mb_net_endpoint *e,
                     int index, struct mb_err *err)
{
	int r = set_sysctls(e, true, err);

	if (!r)
		r = set_host_end(net, n, e, index, true, err);
	e->routed = r == 0;
	mb_strset(&e->hop6, n->v6.gateway);
	return r;
}

void mb_net_routed_put_routes(struct mb_nl_batch *b, const struct mb_net_endpoint *e, int index,
                              bool on)
{
	struct mb_net_addr hop, own;
	struct mb_net_prefix subnet;
	struct mb_nl_route direct = {.family = AF_INET6, .index = index};
	struct mb_nl_route to_hop = {.family = AF_INET6, .index = index, .prefix = V6_BITS};
	struct mb_nl_route by_hop = {.family = AF_INET6, .index = index};

	/* IPv4 goes by proxy ARP. */
	if (!e->ip6 || !e->hop6 || mb_net_addr_parse(e->hop6, &hop) < 0 ||
	    mb_net_addr_parse(e->ip6, &own) < 0)
		return;
	mb_net_prefix_set(&subnet, &own, e->prefix6);
	direct.dst = by_hop.dst = subnet.addr.b;
	direct.prefix = by_hop.prefix = subnet.bits;
	to_hop.dst = by_hop.gateway = hop.b;
	if (on) {
		mb_nl_route_del(b, &direct);
		mb_nl_route_add(b, &to_hop);
		mb_nl_route_add(b, &by_hop);
	} else {
		mb_nl_route_del(b, &by_hop);
		mb_nl_route_del(b, &to_hop);
		mb_nl_route_add(b, &direct);
	}
}

/* ---- while it runs -------------------------------------------------------------------- */

/* Forget whom it knew on the link, and change the routes. */
static int settle_inside(const struct mb_net_endpoint *e, bool on, int netns_fd, struct mb_err *err)
{
	__attribute__((cleanup(mb_net_netns_leave))) int home = -1;
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	struct mb_nl_link link;
	int r;

	r = mb_net_netns_enter(netns_fd, &home, err);
	if (!r)
		r = mb_nl_open(&nl, NETLINK_ROUTE, err);
	if (!r)
		r = mb_nl_link_find(&nl, e->ifname, &link, err);
	if (r)
		return r < 0 ? r : 0;
	mb_net_routed_put_routes(&b, e, link.index, on);
	mb_nl_link_set_arp(&b, link.index, false);
	mb_nl_link_set_arp(&b, link.index, true);
	r = mb_nl_send(&nl, &b, NULL, err);
	/* They may have been changed already. */
	return r == -EEXIST || r == -ESRCH ? 0 : r;
}

/* Out of the bridge first, and into it last: in between nobody is reached past the policy. */
static int settle_host(struct mb_net *net, const struct mb_net_network *n,
                       const struct mb_net_sandbox *s, struct mb_net_endpoint *e, bool on,
                       const struct mb_nl_link *link, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	bool hairpin = s->n_bindings && mb_net_hairpin_is_needed();
	int r;

	if (on) {
		mb_nl_link_set_master(&b, link->index, 0);
		r = mb_nl_send(&net->route, &b, NULL, err);
		return r ? r : mb_net_routed_up(net, n, e, link->index, err);
	}
	r = set_sysctls(e, false, err);
	if (!r)
		r = set_host_end(net, n, e, link->index, false, err);
	if (r)
		return r;
	mb_nl_link_set_master(&b, link->index, mb_net_bridge_index(net, n->id));
	if (hairpin || e->isolated)
		mb_nl_port_set(&b, link->index, hairpin, e->isolated);
	e->routed = false;
	mb_strset(&e->hop6, n->v6.gateway);
	return mb_nl_send(&net->route, &b, NULL, err);
}

int mb_net_routed_settle(struct mb_net *net, const struct mb_net_network *n,
                         const struct mb_net_sandbox *s, struct mb_net_endpoint *e, bool on,
                         int netns_fd, struct mb_err *err)
{
	struct mb_nl_link link;
	int r;

	r = mb_net_route_sock(net, err);
	if (!r)
		r = mb_nl_link_find(&net->route, e->host_ifname, &link, err);
	if (r == MB_NL_ABSENT)
		return 0;
	if (!r)
		r = settle_host(net, n, s, e, on, &link, err);
	if (!r && netns_fd >= 0)
		r = settle_inside(e, on, netns_fd, err);
	return r ? mb_wrap(err, r, "cannot move container %s %s the bridge of network %s",
	                   s->container_name, on ? "out of" : "into", n->name)
	         : 0;
}

int mb_net_routed_recheck(struct mb_net *net, struct mb_net_sandbox *s, size_t first, size_t n,
                          int netns_fd, struct mb_err *err)
{
	int r = 0;

	for (size_t i = first; !r && i < first + n; i++) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *network = NULL;
		struct mb_net_endpoint *e = &s->endpoints[i];
		bool on = mb_net_policy_is_on(net, e->network_id);

		if (on == e->routed)
			continue;
		r = mb_net_doc_read(net, e->network_id, &network, err);
		if (!r)
			r = mb_net_routed_settle(net, network, s, e, on, netns_fd, err);
	}
	return r;
}
