/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nl/route.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>

enum { IPV4_BYTES = 4, IPV6_BYTES = 16, MAC_BYTES = 6 };

static size_t addr_len(int family)
{
	return family == AF_INET ? IPV4_BYTES : IPV6_BYTES;
}

/* ifinfomsg, and the name where there is no index. */
static void link_message(struct mb_nl_batch *b, uint16_t type, uint16_t flags,
                         const struct ifinfomsg *i, const char *name)
{
	mb_nl_message(b, type, flags, i, sizeof(*i));
	if (!i->ifi_index && name)
		mb_nl_put_str(b, IFLA_IFNAME, name);
}

static void put_one_queue(struct mb_nl_batch *b)
{
	mb_nl_put_u32(b, IFLA_NUM_TX_QUEUES, 1);
	mb_nl_put_u32(b, IFLA_NUM_RX_QUEUES, 1);
}

/* One that is made, up. */
static void new_link(struct mb_nl_batch *b, int index, const char *name)
{
	struct ifinfomsg i = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	mb_nl_message(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof(i));
	mb_nl_put_str(b, IFLA_IFNAME, name);
}

static void put_place(struct mb_nl_batch *b, int master, uint32_t mtu, uint32_t group)
{
	if (master)
		mb_nl_put_u32(b, IFLA_MASTER, (uint32_t)master);
	if (mtu)
		mb_nl_put_u32(b, IFLA_MTU, mtu);
	if (group)
		mb_nl_put_u32(b, IFLA_GROUP, group);
}

void mb_nl_veth_add(struct mb_nl_batch *b, const struct mb_nl_veth *v)
{
	struct ifinfomsg peer = {.ifi_index = v->peer_index};
	size_t info, data, other;

	new_link(b, v->index, v->name);
	put_place(b, v->master, v->mtu, v->group);
	if (v->mac)
		mb_nl_put(b, IFLA_ADDRESS, v->mac, MAC_BYTES);
	put_one_queue(b);
	info = mb_nl_nest(b, IFLA_LINKINFO);
	mb_nl_put(b, IFLA_INFO_KIND, "veth", 4);
	data = mb_nl_nest(b, IFLA_INFO_DATA);
	other = mb_nl_nest(b, VETH_INFO_PEER);
	mb_nl_put_raw(b, &peer, sizeof(peer));
	mb_nl_put_str(b, IFLA_IFNAME, v->peer_name);
	mb_nl_put_u32(b, IFLA_NET_NS_FD, (uint32_t)v->peer_netns_fd);
	if (v->peer_mac)
		mb_nl_put(b, IFLA_ADDRESS, v->peer_mac, MAC_BYTES);
	if (v->mtu)
		mb_nl_put_u32(b, IFLA_MTU, v->mtu);
	put_one_queue(b);
	mb_nl_nest_end(b, other);
	mb_nl_nest_end(b, data);
	mb_nl_nest_end(b, info);
}

void mb_nl_bridge_add(struct mb_nl_batch *b, const char *name, uint32_t mtu, const uint8_t *mac,
                      int index)
{
	size_t info;

	new_link(b, index, name);
	put_place(b, 0, mtu, 0);
	if (mac)
		mb_nl_put(b, IFLA_ADDRESS, mac, MAC_BYTES);
	info = mb_nl_nest(b, IFLA_LINKINFO);
	mb_nl_put(b, IFLA_INFO_KIND, "bridge", 6);
	mb_nl_nest_end(b, info);
}

void mb_nl_bridge_set_vlan(struct mb_nl_batch *b, int index, uint16_t vlan)
{
	struct ifinfomsg i = {.ifi_index = index};
	size_t info, data;

	mb_nl_message(b, RTM_NEWLINK, 0, &i, sizeof(i));
	info = mb_nl_nest(b, IFLA_LINKINFO);
	mb_nl_put(b, IFLA_INFO_KIND, "bridge", 6);
	data = mb_nl_nest(b, IFLA_INFO_DATA);
	mb_nl_put_u8(b, IFLA_BR_VLAN_FILTERING, 1);
	mb_nl_put_u16(b, IFLA_BR_VLAN_DEFAULT_PVID, vlan);
	mb_nl_nest_end(b, data);
	mb_nl_nest_end(b, info);
}

void mb_nl_upper_add(struct mb_nl_batch *b, const struct mb_nl_upper *u)
{
	struct ifinfomsg i = {.ifi_index = u->index};
	bool is_ipvlan = strcmp(u->kind, "ipvlan") == 0, is_vlan = strcmp(u->kind, "vlan") == 0;
	size_t info, data;

	mb_nl_message(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof(i));
	mb_nl_put_str(b, IFLA_IFNAME, u->name);
	mb_nl_put_u32(b, IFLA_LINK, (uint32_t)u->parent);
	if (u->netns_fd >= 0)
		mb_nl_put_u32(b, IFLA_NET_NS_FD, (uint32_t)u->netns_fd);
	if (u->mac)
		mb_nl_put(b, IFLA_ADDRESS, u->mac, MAC_BYTES);
	if (u->mtu)
		mb_nl_put_u32(b, IFLA_MTU, u->mtu);
	info = mb_nl_nest(b, IFLA_LINKINFO);
	mb_nl_put(b, IFLA_INFO_KIND, u->kind, strlen(u->kind));
	data = mb_nl_nest(b, IFLA_INFO_DATA);
	if (is_vlan) {
		mb_nl_put_u16(b, IFLA_VLAN_ID, (uint16_t)u->mode);
	} else if (is_ipvlan) {
		uint16_t mode = (uint16_t)u->mode, flags = (uint16_t)u->flags;

		mb_nl_put(b, IFLA_IPVLAN_MODE, &mode, sizeof(mode));
		mb_nl_put(b, IFLA_IPVLAN_FLAGS, &flags, sizeof(flags));
	} else {
		mb_nl_put_u32(b, IFLA_MACVLAN_MODE, u->mode);
	}
	mb_nl_nest_end(b, data);
	mb_nl_nest_end(b, info);
}

void mb_nl_wireguard_add(struct mb_nl_batch *b, const char *name, int index, uint32_t mtu,
                         uint32_t group)
{
	const struct ifinfomsg i = {.ifi_index = index};
	size_t info;

	mb_nl_message(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof(i));
	mb_nl_put_str(b, IFLA_IFNAME, name);
	put_place(b, 0, mtu, group);
	info = mb_nl_nest(b, IFLA_LINKINFO);
	mb_nl_put(b, IFLA_INFO_KIND, "wireguard", 9);
	mb_nl_nest_end(b, info);
}

void mb_nl_vxlan_add(struct mb_nl_batch *b, const struct mb_nl_vxlan *v)
{
	size_t info, data;

	new_link(b, v->index, v->name);
	put_place(b, v->master, v->mtu, v->group);
	info = mb_nl_nest(b, IFLA_LINKINFO);
	mb_nl_put(b, IFLA_INFO_KIND, "vxlan", 5);
	data = mb_nl_nest(b, IFLA_INFO_DATA);
	mb_nl_put_u32(b, IFLA_VXLAN_ID, v->id);
	if (v->link)
		mb_nl_put_u32(b, IFLA_VXLAN_LINK, (uint32_t)v->link);
	mb_nl_put(b, v->family == AF_INET ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, v->local,
	          addr_len(v->family));
	mb_nl_put_be16(b, IFLA_VXLAN_PORT, v->port);
	mb_nl_put_u8(b, IFLA_VXLAN_LEARNING, v->learning);
	mb_nl_put_u8(b, IFLA_VXLAN_PROXY, v->proxy);
	mb_nl_nest_end(b, data);
	mb_nl_nest_end(b, info);
}

void mb_nl_link_set_up(struct mb_nl_batch *b, int index, const char *name_if_no_index)
{
	struct ifinfomsg i = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	link_message(b, RTM_NEWLINK, 0, &i, name_if_no_index);
}

void mb_nl_link_set_alias(struct mb_nl_batch *b, int index, const char *name_if_no_index,
                          const char *alias)
{
	struct ifinfomsg i = {.ifi_index = index};

	link_message(b, RTM_NEWLINK, 0, &i, name_if_no_index);
	mb_nl_put(b, IFLA_IFALIAS, alias, strlen(alias));
}

void mb_nl_link_set_name(struct mb_nl_batch *b, int index, const char *name)
{
	struct ifinfomsg i = {.ifi_index = index};

	link_message(b, RTM_NEWLINK, 0, &i, NULL);
	mb_nl_put_str(b, IFLA_IFNAME, name);
}

void mb_nl_link_move(struct mb_nl_batch *b, int index, int netns_fd, const char *name)
{
	mb_nl_link_set_name(b, index, name);
	mb_nl_put_u32(b, IFLA_NET_NS_FD, (uint32_t)netns_fd);
}

void mb_nl_link_set_group(struct mb_nl_batch *b, int index, uint32_t group)
{
	struct ifinfomsg i = {.ifi_index = index};

	link_message(b, RTM_NEWLINK, 0, &i, NULL);
	mb_nl_put_u32(b, IFLA_GROUP, group);
}

void mb_nl_link_set_master(struct mb_nl_batch *b, int index, int master)
{
	struct ifinfomsg i = {.ifi_index = index};

	link_message(b, RTM_NEWLINK, 0, &i, NULL);
	mb_nl_put_u32(b, IFLA_MASTER, (uint32_t)master);
}

void mb_nl_link_set_arp(struct mb_nl_batch *b, int index, bool on)
{
	struct ifinfomsg i = {
		.ifi_index = index, .ifi_flags = on ? 0 : IFF_NOARP, .ifi_change = IFF_NOARP};

	link_message(b, RTM_NEWLINK, 0, &i, NULL);
}

void mb_nl_link_set_mac(struct mb_nl_batch *b, int index, const uint8_t mac[MAC_BYTES])
{
	struct ifinfomsg i = {.ifi_index = index};

	link_message(b, RTM_NEWLINK, 0, &i, NULL);
	mb_nl_put(b, IFLA_ADDRESS, mac, MAC_BYTES);
}

void mb_nl_link_set_mtu(struct mb_nl_batch *b, int index, uint32_t mtu)
{
	struct ifinfomsg i = {.ifi_index = index};

	link_message(b, RTM_NEWLINK, 0, &i, NULL);
	mb_nl_put_u32(b, IFLA_MTU, mtu);
}

void mb_nl_port_set(struct mb_nl_batch *b, int index, bool hairpin, bool isolated)
{
	struct ifinfomsg i = {.ifi_family = AF_BRIDGE, .ifi_index = index};
	size_t port;

	mb_nl_message(b, RTM_SETLINK, 0, &i, sizeof(i));
	port = mb_nl_nest(b, IFLA_PROTINFO | NLA_F_NESTED);
	mb_nl_put_u8(b, IFLA_BRPORT_MODE, hairpin);
	mb_nl_put_u8(b, IFLA_BRPORT_ISOLATED, isolated);
	mb_nl_nest_end(b, port);
}

void mb_nl_port_set_tunnel(struct mb_nl_batch *b, int index, const struct mb_nl_tunnel_port *p)
{
	struct ifinfomsg i = {.ifi_family = AF_BRIDGE, .ifi_index = index};
	size_t port;

	mb_nl_message(b, RTM_SETLINK, 0, &i, sizeof(i));
	port = mb_nl_nest(b, IFLA_PROTINFO | NLA_F_NESTED);
	mb_nl_put_u8(b, IFLA_BRPORT_LEARNING, p->learning);
	mb_nl_put_u8(b, IFLA_BRPORT_NEIGH_SUPPRESS, p->suppress);
	mb_nl_put_u8(b, IFLA_BRPORT_ISOLATED, p->isolated);
	mb_nl_nest_end(b, port);
}

void mb_nl_link_del(struct mb_nl_batch *b, int index, const char *name_if_no_index)
{
	struct ifinfomsg i = {.ifi_index = index};

	link_message(b, RTM_DELLINK, 0, &i, name_if_no_index);
}

static void addr_message(struct mb_nl_batch *b, uint16_t type, uint16_t flags,
                         const struct ifaddrmsg *i, const void *addr)
{
	size_t len = addr_len(i->ifa_family);

	mb_nl_message(b, type, flags, i, sizeof(*i));
	mb_nl_put(b, IFA_LOCAL, addr, len);
	mb_nl_put(b, IFA_ADDRESS, addr, len);
}

/* The last address of an IPv4 subnet. */
static void broadcast_of(const uint8_t *addr, unsigned int prefix, uint8_t out[IPV4_BYTES])
{
	for (unsigned int i = 0; i < IPV4_BYTES; i++) {
		unsigned int bits = prefix > i * 8 ? prefix - i * 8 : 0;

		out[i] = (uint8_t)(addr[i] | (bits >= 8 ? 0 : 0xff >> bits));
	}
}

static void put_broadcast(struct mb_nl_batch *b, const uint8_t *addr, unsigned int prefix)
{
	uint8_t broadcast[IPV4_BYTES];

	if (prefix >= 31)
		return;
	broadcast_of(addr, prefix, broadcast);
	mb_nl_put(b, IFA_BROADCAST, broadcast, sizeof(broadcast));
}

void mb_nl_addr_add(struct mb_nl_batch *b, int family, const void *addr, unsigned int prefix,
                    int index, bool now)
{
	struct ifaddrmsg i = {.ifa_family = (uint8_t)family,
	                      .ifa_prefixlen = (uint8_t)prefix,
	                      .ifa_flags = now ? IFA_F_NODAD : 0,
	                      .ifa_index = (uint32_t)index};

	addr_message(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &i, addr);
	if (family == AF_INET)
		put_broadcast(b, addr, prefix);
}

void mb_nl_addr_lend(struct mb_nl_batch *b, const void *addr, unsigned int prefix, int index,
                     uint32_t seconds)
{
	struct ifaddrmsg i = {.ifa_family = AF_INET,
	                      .ifa_prefixlen = (uint8_t)prefix,
	                      .ifa_index = (uint32_t)index};
	const struct ifa_cacheinfo times = {.ifa_prefered = seconds, .ifa_valid = seconds};

	addr_message(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &i, addr);
	put_broadcast(b, addr, prefix);
	mb_nl_put(b, IFA_CACHEINFO, &times, sizeof(times));
}

void mb_nl_addr_add_same(struct mb_nl_batch *b, const struct mb_nl_addr *a, int index)
{
	static const uint32_t kept = IFA_F_NODAD | IFA_F_OPTIMISTIC | IFA_F_HOMEADDRESS |
	                             IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
	struct ifaddrmsg i = {.ifa_family = (uint8_t)a->family,
	                      .ifa_prefixlen = (uint8_t)a->prefix,
	                      .ifa_scope = a->scope,
	                      .ifa_index = (uint32_t)index};
	size_t len = addr_len(a->family);

	mb_nl_message(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof(i));
	mb_nl_put(b, IFA_LOCAL, a->addr, len);
	mb_nl_put(b, IFA_ADDRESS, a->peer, len);
	mb_nl_put_u32(b, IFA_FLAGS, a->flags & kept);
	if (a->has_broadcast)
		mb_nl_put(b, IFA_BROADCAST, a->broadcast, sizeof(a->broadcast));
}

void mb_nl_addr_del(struct mb_nl_batch *b, int family, const void *addr, unsigned int prefix,
                    int index)
{
	struct ifaddrmsg i = {.ifa_family = (uint8_t)family,
	                      .ifa_prefixlen = (uint8_t)prefix,
	                      .ifa_index = (uint32_t)index};

	addr_message(b, RTM_DELADDR, 0, &i, addr);
}

static void route_message(struct mb_nl_batch *b, uint16_t type, uint16_t flags,
                          const struct mb_nl_route *r)
{
	struct rtmsg m = {
		.rtm_family = (uint8_t)r->family,
		.rtm_dst_len = r->dst ? (uint8_t)r->prefix : 0,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = type == RTM_NEWROUTE ? RTPROT_STATIC : RTPROT_UNSPEC,
		.rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE
	                     : r->gateway         ? RT_SCOPE_UNIVERSE
	                                          : RT_SCOPE_LINK,
		.rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : RTN_UNSPEC,
	};
	size_t len = addr_len(r->family);

	mb_nl_message(b, type, flags, &m, sizeof(m));
	if (r->dst)
		mb_nl_put(b, RTA_DST, r->dst, len);
	if (r->gateway)
		mb_nl_put(b, RTA_GATEWAY, r->gateway, len);
	if (r->index)
		mb_nl_put_u32(b, RTA_OIF, (uint32_t)r->index);
	if (r->metric)
		mb_nl_put_u32(b, RTA_PRIORITY, r->metric);
	if (r->mtu && type == RTM_NEWROUTE) {
		size_t metrics = mb_nl_nest(b, RTA_METRICS);

		mb_nl_put_u32(b, RTAX_MTU, r->mtu);
		mb_nl_nest_end(b, metrics);
	}
}

void mb_nl_route_add(struct mb_nl_batch *b, const struct mb_nl_route *r)
{
	route_message(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, r);
}

void mb_nl_route_put(struct mb_nl_batch *b, const struct mb_nl_route *r)
{
	route_message(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r);
}

void mb_nl_route_del(struct mb_nl_batch *b, const struct mb_nl_route *r)
{
	route_message(b, RTM_DELROUTE, 0, r);
}

static struct ndmsg neigh_head(int family, int index, uint16_t state)
{
	return (struct ndmsg){
		.ndm_family = (uint8_t)family, .ndm_ifindex = index, .ndm_state = state};
}

static void neigh_message(struct mb_nl_batch *b, uint16_t type, uint16_t flags,
                          const struct ndmsg *m, const void *addr)
{
	mb_nl_message(b, type, flags, m, sizeof(*m));
	mb_nl_put(b, NDA_DST, addr, addr_len(m->ndm_family));
}

void mb_nl_neigh_add(struct mb_nl_batch *b, int family, const void *addr, const uint8_t mac[6],
                     int index)
{
	const struct ndmsg m = neigh_head(family, index, NUD_PERMANENT);

	neigh_message(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &m, addr);
	mb_nl_put(b, NDA_LLADDR, mac, MAC_BYTES);
}

void mb_nl_neigh_hint(struct mb_nl_batch *b, int family, const void *addr, const uint8_t mac[6],
                      int index)
{
	const struct ndmsg m = neigh_head(family, index, NUD_STALE);

	neigh_message(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &m, addr);
	mb_nl_put(b, NDA_LLADDR, mac, MAC_BYTES);
}

void mb_nl_neigh_del(struct mb_nl_batch *b, int family, const void *addr, int index)
{
	const struct ndmsg m = neigh_head(family, index, NUD_PERMANENT);

	neigh_message(b, RTM_DELNEIGH, 0, &m, addr);
}

static bool is_zero(const uint8_t mac[MAC_BYTES])
{
	static const uint8_t zero[MAC_BYTES];

	return memcmp(mac, zero, MAC_BYTES) == 0;
}

static void fdb_message(struct mb_nl_batch *b, uint16_t type, uint16_t flags, const struct ndmsg *m,
                        const uint8_t mac[MAC_BYTES])
{
	mb_nl_message(b, type, flags, m, sizeof(*m));
	mb_nl_put(b, NDA_LLADDR, mac, MAC_BYTES);
}

static struct ndmsg fdb_head(int index, uint16_t state, uint8_t flags)
{
	return (struct ndmsg){.ndm_family = AF_BRIDGE,
	                      .ndm_ifindex = index,
	                      .ndm_state = state,
	                      .ndm_flags = flags};
}

static void put_way(struct mb_nl_batch *b, const struct mb_nl_fdb_way *w)
{
	mb_nl_put(b, NDA_DST, w->dst, addr_len(w->family));
	if (w->link)
		mb_nl_put_u32(b, NDA_IFINDEX, (uint32_t)w->link);
}

void mb_nl_fdb_add(struct mb_nl_batch *b, const uint8_t mac[MAC_BYTES],
                   const struct mb_nl_fdb_way *w)
{
	const struct ndmsg m = fdb_head(w->index, NUD_PERMANENT, NTF_SELF);

	fdb_message(b, RTM_NEWNEIGH, NLM_F_CREATE | (is_zero(mac) ? NLM_F_APPEND : NLM_F_REPLACE),
	            &m, mac);
	put_way(b, w);
}

void mb_nl_fdb_del(struct mb_nl_batch *b, const uint8_t mac[MAC_BYTES],
                   const struct mb_nl_fdb_way *w)
{
	const struct ndmsg m = fdb_head(w->index, NUD_PERMANENT, NTF_SELF);

	fdb_message(b, RTM_DELNEIGH, 0, &m, mac);
	put_way(b, w);
}

void mb_nl_fdb_port_add(struct mb_nl_batch *b, int index, const uint8_t mac[MAC_BYTES])
{
	const struct ndmsg m = fdb_head(index, NUD_NOARP, NTF_MASTER);

	fdb_message(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &m, mac);
}

void mb_nl_fdb_port_del(struct mb_nl_batch *b, int index, const uint8_t mac[MAC_BYTES])
{
	const struct ndmsg m = fdb_head(index, NUD_NOARP, NTF_MASTER);

	fdb_message(b, RTM_DELNEIGH, 0, &m, mac);
}
