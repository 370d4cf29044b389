/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/nl/route.h — rtnetlink: links, addresses, routes, neighbours.
 *
 * The builders append one message to a batch; mb_nl_send() performs it.  Addresses are 4 or 16
 * bytes in network order, by @family AF_INET or AF_INET6.
 */
#ifndef MB_NL_ROUTE_H
#define MB_NL_ROUTE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "nl/batch.h"
#include "nl/sock.h"

struct nlmsghdr;

struct mb_nl_veth {
	const char *name;   /* host end; up, in the bridge @master */
	int index;          /* both indexes, or 0 and 0: the kernel chooses */
	int master;         /* 0: none */
	uint32_t mtu;       /* of both; 0: the kernel's default */
	const uint8_t *mac; /* of the host end; NULL: the kernel's choice */
	const char *peer_name;
	int peer_index;
	int peer_netns_fd;
	const uint8_t *peer_mac; /* 6 bytes or NULL */
	uint32_t group;          /* of the host end */
};
/* The pair at once, one queue at each end, the peer born in its namespace (down: up is
 * ENOTCONN).  -EEXIST: a name is taken; -EBUSY: an index is. */
void mb_nl_veth_add(struct mb_nl_batch *b, const struct mb_nl_veth *v);
/* A bridge, up.  @mtu 0: the kernel's default; @mac 6 bytes or NULL; @index 0: the kernel's. */
void mb_nl_bridge_add(struct mb_nl_batch *b, const char *name, uint32_t mtu, const uint8_t *mac,
                      int index);
/* Ports that the bridge gets, and itself, are in this VLAN, and untagged; others are kept apart.
 * -EOPNOTSUPP: the kernel's bridges know no VLANs. */
void mb_nl_bridge_set_vlan(struct mb_nl_batch *b, int index, uint16_t vlan);
/* An interface upon another: macvlan, ipvlan, vlan. */
struct mb_nl_upper {
	const char *kind;
	uint32_t mode;  /* MACVLAN_MODE_*, IPVLAN_MODE_* of <linux/if_link.h>; a VLAN's number */
	uint32_t flags; /* IPVLAN_F_* */
	const char *name;
	int index;          /* 0: the kernel chooses */
	int parent;         /* in the caller's namespace */
	int netns_fd;       /* where it is born; -1: here */
	const uint8_t *mac; /* 6 bytes or NULL */
	uint32_t mtu;       /* 0: the parent's */
};
/* Down.  -EOPNOTSUPP: the kernel does not know the kind; -EBUSY, -EINVAL: the parent cannot. */
void mb_nl_upper_add(struct mb_nl_batch *b, const struct mb_nl_upper *u);
/* One of WireGuard, down (wireguard.h).  -EOPNOTSUPP: the kernel has none. */
void mb_nl_wireguard_add(struct mb_nl_batch *b, const char *name, int index, uint32_t mtu,
                         uint32_t group);
/* A tunnel of Ethernet in UDP, up. */
struct mb_nl_vxlan {
	const char *name;
	int index, master; /* 0: the kernel chooses; none */
	int link;          /* packets go and come by this interface alone, where .local is an
	                    * address of the link; 0: by any */
	uint32_t id, group, mtu;
	uint16_t port;
	int family;           /* of .local */
	const uint8_t *local; /* where packets come from */
	bool learning;        /* who is where, from what comes */
	bool proxy;           /* asks nobody for addresses: answers from its permanent neighbours */
};
/* -EOPNOTSUPP: the kernel has none; -EEXIST: the name, or the id at this port, is taken. */
void mb_nl_vxlan_add(struct mb_nl_batch *b, const struct mb_nl_vxlan *v);
void mb_nl_link_set_up(struct mb_nl_batch *b, int index, const char *name_if_no_index);
void mb_nl_link_set_alias(struct mb_nl_batch *b, int index, const char *name_if_no_index,
                          const char *alias);
/* "eth%d" lets the kernel choose the number.  Kernels before 6.2 want the link down: -EBUSY. */
void mb_nl_link_set_name(struct mb_nl_batch *b, int index, const char *name);
/* Into another namespace, where it is down, without addresses, and has the name @name. */
void mb_nl_link_move(struct mb_nl_batch *b, int index, int netns_fd, const char *name);
void mb_nl_link_set_group(struct mb_nl_batch *b, int index, uint32_t group);
/* Into the bridge @master, or out of any with 0. */
void mb_nl_link_set_master(struct mb_nl_batch *b, int index, int master);
/* Off and on again: the neighbours that the interface knows are forgotten. */
void mb_nl_link_set_mac(struct mb_nl_batch *b, int index, const uint8_t mac[6]);
void mb_nl_link_set_arp(struct mb_nl_batch *b, int index, bool on);
void mb_nl_link_set_mtu(struct mb_nl_batch *b, int index, uint32_t mtu);
/* Flags of a bridge port. */
void mb_nl_port_set(struct mb_nl_batch *b, int index, bool hairpin, bool isolated);
/* The port of a bridge that leads to other hosts. */
struct mb_nl_tunnel_port {
	bool learning; /* who is behind it, from what comes */
	bool suppress; /* what the bridge can answer for a neighbour does not go there */
	bool isolated;
};
void mb_nl_port_set_tunnel(struct mb_nl_batch *b, int index, const struct mb_nl_tunnel_port *p);
void mb_nl_link_del(struct mb_nl_batch *b, int index, const char *name_if_no_index);
/* @now: no duplicate address detection (AF_INET6). */
void mb_nl_addr_add(struct mb_nl_batch *b, int family, const void *addr, unsigned int prefix,
                    int index, bool now);
/* One of IPv4, for so many seconds from now on (UINT32_MAX: for ever), whether it is there already
 * or not: then the kernel takes it away itself. */
void mb_nl_addr_lend(struct mb_nl_batch *b, const void *addr, unsigned int prefix, int index,
                     uint32_t seconds);
void mb_nl_addr_del(struct mb_nl_batch *b, int family, const void *addr, unsigned int prefix,
                    int index);
/* @dst NULL: the default route; @gateway NULL: on the link. */
struct mb_nl_route {
	int family;
	const void *dst, *gateway;
	unsigned int prefix;
	int index;            /* of the interface, 0: any */
	uint32_t metric, mtu; /* 0: none, the interface's */
};
void mb_nl_route_add(struct mb_nl_batch *b, const struct mb_nl_route *r);
/* In place of the one to the same goal, whatever interface that leads by. */
void mb_nl_route_put(struct mb_nl_batch *b, const struct mb_nl_route *r);
void mb_nl_route_del(struct mb_nl_batch *b, const struct mb_nl_route *r);
/* A permanent neighbour. */
void mb_nl_neigh_add(struct mb_nl_batch *b, int family, const void *addr, const uint8_t mac[6],
                     int index);
void mb_nl_neigh_del(struct mb_nl_batch *b, int family, const void *addr, int index);
/* One that whoever knows better replaces. */
void mb_nl_neigh_hint(struct mb_nl_batch *b, int family, const void *addr, const uint8_t mac[6],
                      int index);
/* Where frames go by a tunnel: to an address, by the interface @link (0: any). */
struct mb_nl_fdb_way {
	int index; /* of the tunnel */
	int link;
	int family;
	const uint8_t *dst;
};
/* Those to @mac go there; the zero @mac is of all others, and may have many. */
void mb_nl_fdb_add(struct mb_nl_batch *b, const uint8_t mac[6], const struct mb_nl_fdb_way *w);
void mb_nl_fdb_del(struct mb_nl_batch *b, const uint8_t mac[6], const struct mb_nl_fdb_way *w);
/* The bridge sends frames to @mac by its port @index. */
void mb_nl_fdb_port_add(struct mb_nl_batch *b, int index, const uint8_t mac[6]);
void mb_nl_fdb_port_del(struct mb_nl_batch *b, int index, const uint8_t mac[6]);

/* ---- reading -------------------------------------------------------------------------- */

struct mb_nl_link {
	int index, master;
	unsigned int flags; /* IFF_* */
	uint32_t mtu, group;
	char name[IFNAMSIZ], kind[16];
	char alias[64]; /* cut */
	uint8_t mac[6];
};
struct mb_nl_addr {
	int family, index;
	unsigned int prefix;
	uint32_t flags; /* IFA_F_* */
	uint8_t scope;  /* RT_SCOPE_* */
	bool has_broadcast;
	uint8_t addr[16], peer[16], broadcast[4]; /* peer: as addr where there is none */
};
/* The same address for the interface @index, but for what only use can tell (duplicate or not). */
void mb_nl_addr_add_same(struct mb_nl_batch *b, const struct mb_nl_addr *a, int index);
/* Routes of the main table, or any but local ones when it is another. */
struct mb_nl_route_info {
	int family, index;
	unsigned int prefix; /* 0: default */
	bool has_gateway;
	uint32_t metric;
	uint8_t dst[16], gateway[16];
};
typedef int mb_nl_link_each(const struct mb_nl_link *link, void *arg);
typedef int mb_nl_addr_each(const struct mb_nl_addr *addr, void *arg);
typedef int mb_nl_route_each(const struct mb_nl_route_info *route, void *arg);
enum { MB_NL_ABSENT = 1 };
/* By name.  Return: 0; MB_NL_ABSENT; or -errno.  In a dump an entry may come more than once. */
int mb_nl_link_find(struct mb_nl *nl, const char *name, struct mb_nl_link *ret, struct mb_err *err);
int mb_nl_link_dump(struct mb_nl *nl, mb_nl_link_each *each, void *arg, struct mb_err *err);
int mb_nl_addr_dump(struct mb_nl *nl, int family, mb_nl_addr_each *each, void *arg,
                    struct mb_err *err);
int mb_nl_route_dump(struct mb_nl *nl, int family, mb_nl_route_each *each, void *arg,
                     struct mb_err *err);

/* Which way the kernel would send a packet to @dst.  Return: 0 and *@ret; MB_NL_ABSENT and
 * *@ret_why, the errno that senders would get (ENETUNREACH: no route; EINVAL: a blackhole;
 * EACCES: prohibited; EHOSTUNREACH: unreachable); or -errno. */
struct mb_nl_way {
	int index;    /* the interface it leaves by */
	uint8_t type; /* RTN_UNICAST, RTN_LOCAL, ... of linux/rtnetlink.h */
	bool has_gateway;
	uint8_t gateway[16], source[16];
};
int mb_nl_route_get(struct mb_nl *nl, int family, const void *dst, struct mb_nl_way *ret,
                    int *ret_why, struct mb_err *err);
struct mb_nl_neigh {
	int family, index;
	uint16_t state; /* NUD_* of linux/neighbour.h */
	bool has_mac;
	uint8_t addr[16], mac[6];
};
typedef int mb_nl_neigh_each(const struct mb_nl_neigh *neigh, void *arg);
int mb_nl_neigh_dump(struct mb_nl *nl, int family, mb_nl_neigh_each *each, void *arg,
                     struct mb_err *err);
/* The entries of the tunnel @index, not of its bridge. */
struct mb_nl_fdb {
	int link;   /* by which it goes; 0: any */
	int family; /* of .dst; 0: it has none */
	uint8_t mac[6], dst[16];
};
typedef int mb_nl_fdb_each(const struct mb_nl_fdb *fdb, void *arg);
int mb_nl_fdb_dump(struct mb_nl *nl, int index, mb_nl_fdb_each *each, void *arg,
                   struct mb_err *err);
bool mb_nl_fdb_read(const struct nlmsghdr *h, int index, struct mb_nl_fdb *ret);
/* What one answer says.  Return: whether it is of that kind and makes sense. */
bool mb_nl_link_read(const struct nlmsghdr *h, struct mb_nl_link *ret);
bool mb_nl_addr_read(const struct nlmsghdr *h, struct mb_nl_addr *ret);
bool mb_nl_route_read(const struct nlmsghdr *h, struct mb_nl_route_info *ret);
bool mb_nl_way_read(const struct nlmsghdr *h, struct mb_nl_way *ret);
bool mb_nl_neigh_read(const struct nlmsghdr *h, struct mb_nl_neigh *ret);

#endif
