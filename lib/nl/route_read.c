/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "nl/route.h"

/* A dump that raced with changes is read again this often. */
enum { DUMP_TRIES = 3 };

static void copy_text(char *to, size_t size, const struct nlattr *a)
{
	const char *s = mb_nl_str(a);

	snprintf(to, size, "%s", s ? s : "");
}

/* @size zeroed bytes at @to get what @a has. */
static void copy_bytes(uint8_t *to, size_t size, const struct nlattr *a)
{
	size_t n = mb_nl_data_len(a);

	if (a)
		memcpy(to, mb_nl_data(a, 0), n < size ? n : size);
}

/* The fixed header of @size bytes and the attributes behind it. */
static const void *open_message(const struct nlmsghdr *h, size_t size, const struct nlattr **at,
                                size_t max)
{
	if (h->nlmsg_len < NLMSG_SPACE(size))
		return NULL;
	(void)mb_nl_parse((const char *)h + NLMSG_SPACE(size), h->nlmsg_len - NLMSG_SPACE(size), at,
	                  max);
	return h + 1;
}

bool mb_nl_link_read(const struct nlmsghdr *h, struct mb_nl_link *out)
{
	const struct nlattr *at[IFLA_ALT_IFNAME + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *i;

	*out = (struct mb_nl_link){0};
	if (h->nlmsg_type != RTM_NEWLINK)
		return false;
	i = open_message(h, sizeof(*i), at, IFLA_ALT_IFNAME);
	if (!i)
		return false;
	out->index = i->ifi_index;
	out->flags = i->ifi_flags;
	out->master = (int)mb_nl_u32(at[IFLA_MASTER], 0);
	out->mtu = mb_nl_u32(at[IFLA_MTU], 0);
	out->group = mb_nl_u32(at[IFLA_GROUP], 0);
	copy_text(out->name, sizeof(out->name), at[IFLA_IFNAME]);
	copy_text(out->alias, sizeof(out->alias), at[IFLA_IFALIAS]);
	copy_bytes(out->mac, sizeof(out->mac), at[IFLA_ADDRESS]);
	if (at[IFLA_LINKINFO]) {
		(void)mb_nl_parse(mb_nl_data(at[IFLA_LINKINFO], 0),
		                  mb_nl_data_len(at[IFLA_LINKINFO]), info, IFLA_INFO_MAX);
		copy_text(out->kind, sizeof(out->kind), info[IFLA_INFO_KIND]);
	}
	return true;
}

static int keep_link(const struct nlmsghdr *h, void *arg)
{
	(void)mb_nl_link_read(h, arg);
	return 0;
}

int mb_nl_link_find(struct mb_nl *nl, const char *name, struct mb_nl_link *ret, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct ifinfomsg i = {0};
	struct mb_nl_link found = {0};
	struct mb_err told = MB_ERR_INIT;
	int r;

	mb_nl_message(&b, RTM_GETLINK, 0, &i, sizeof(i));
	mb_nl_put_str(&b, IFLA_IFNAME, name);
	r = mb_nl_dump(nl, &b, keep_link, &found, &told);
	if (r == -ENODEV)
		return MB_NL_ABSENT;
	if (r < 0) {
		if (err)
			*err = told;
		return mb_wrap(err, r, "cannot look up interface '%s'", name);
	}
	if (!found.index)
		return MB_NL_ABSENT;
	*ret = found;
	return 0;
}

struct reader {
	union {
		mb_nl_link_each *link;
		mb_nl_addr_each *addr;
		mb_nl_route_each *route;
		mb_nl_neigh_each *neigh;
		mb_nl_fdb_each *fdb;
	};
	int index;
	void *arg;
};

static int each_link(const struct nlmsghdr *h, void *arg)
{
	struct reader *r = arg;
	struct mb_nl_link link;

	return mb_nl_link_read(h, &link) ? r->link(&link, r->arg) : 0;
}

bool mb_nl_addr_read(const struct nlmsghdr *h, struct mb_nl_addr *out)
{
	const struct nlattr *at[IFA_MAX + 1];
	const struct ifaddrmsg *i;

	*out = (struct mb_nl_addr){0};
	if (h->nlmsg_type != RTM_NEWADDR)
		return false;
	i = open_message(h, sizeof(*i), at, IFA_MAX);
	if (!i)
		return false;
	out->family = i->ifa_family;
	out->index = (int)i->ifa_index;
	out->prefix = i->ifa_prefixlen;
	out->flags = mb_nl_u32(at[IFA_FLAGS], i->ifa_flags);
	out->scope = i->ifa_scope;
	out->has_broadcast = at[IFA_BROADCAST] != NULL;
	copy_bytes(out->addr, sizeof(out->addr), at[IFA_LOCAL] ? at[IFA_LOCAL] : at[IFA_ADDRESS]);
	copy_bytes(out->peer, sizeof(out->peer), at[IFA_ADDRESS] ? at[IFA_ADDRESS] : at[IFA_LOCAL]);
	copy_bytes(out->broadcast, sizeof(out->broadcast), at[IFA_BROADCAST]);
	return true;
}

static int each_addr(const struct nlmsghdr *h, void *arg)
{
	struct reader *r = arg;
	struct mb_nl_addr addr;

	return mb_nl_addr_read(h, &addr) ? r->addr(&addr, r->arg) : 0;
}

bool mb_nl_route_read(const struct nlmsghdr *h, struct mb_nl_route_info *out)
{
	const struct nlattr *at[RTA_MAX + 1];
	const struct rtmsg *m;

	*out = (struct mb_nl_route_info){0};
	if (h->nlmsg_type != RTM_NEWROUTE)
		return false;
	m = open_message(h, sizeof(*m), at, RTA_MAX);
	if (!m || m->rtm_type != RTN_UNICAST || mb_nl_u32(at[RTA_TABLE], 0) == RT_TABLE_LOCAL)
		return false;
	out->family = m->rtm_family;
	out->prefix = m->rtm_dst_len;
	out->index = (int)mb_nl_u32(at[RTA_OIF], 0);
	out->has_gateway = at[RTA_GATEWAY] || at[RTA_VIA];
	out->metric = mb_nl_u32(at[RTA_PRIORITY], 0);
	copy_bytes(out->dst, sizeof(out->dst), at[RTA_DST]);
	copy_bytes(out->gateway, sizeof(out->gateway), at[RTA_GATEWAY]);
	return true;
}

static int each_route(const struct nlmsghdr *h, void *arg)
{
	struct reader *r = arg;
	struct mb_nl_route_info route;

	return mb_nl_route_read(h, &route) ? r->route(&route, r->arg) : 0;
}

bool mb_nl_neigh_read(const struct nlmsghdr *h, struct mb_nl_neigh *out)
{
	const struct nlattr *at[NDA_MAX + 1];
	const struct ndmsg *m;

	*out = (struct mb_nl_neigh){0};
	if (h->nlmsg_type != RTM_NEWNEIGH)
		return false;
	m = open_message(h, sizeof(*m), at, NDA_MAX);
	if (!m || !at[NDA_DST])
		return false;
	out->family = m->ndm_family;
	out->index = m->ndm_ifindex;
	out->state = m->ndm_state;
	copy_bytes(out->addr, sizeof(out->addr), at[NDA_DST]);
	out->has_mac = mb_nl_data_len(at[NDA_LLADDR]) == sizeof(out->mac);
	if (out->has_mac)
		copy_bytes(out->mac, sizeof(out->mac), at[NDA_LLADDR]);
	return true;
}

static int each_neigh(const struct nlmsghdr *h, void *arg)
{
	struct reader *r = arg;
	struct mb_nl_neigh neigh;

	return mb_nl_neigh_read(h, &neigh) ? r->neigh(&neigh, r->arg) : 0;
}

bool mb_nl_fdb_read(const struct nlmsghdr *h, int index, struct mb_nl_fdb *out)
{
	const struct nlattr *at[NDA_MAX + 1];
	const struct ndmsg *m;
	size_t len;

	*out = (struct mb_nl_fdb){0};
	if (h->nlmsg_type != RTM_NEWNEIGH)
		return false;
	m = open_message(h, sizeof(*m), at, NDA_MAX);
	/* With a master it is the bridge's own entry. */
	if (!m || m->ndm_family != AF_BRIDGE || m->ndm_ifindex != index || at[NDA_MASTER] ||
	    mb_nl_data_len(at[NDA_LLADDR]) != sizeof(out->mac))
		return false;
	copy_bytes(out->mac, sizeof(out->mac), at[NDA_LLADDR]);
	len = at[NDA_DST] ? mb_nl_data_len(at[NDA_DST]) : 0;
	out->family = len == 4 ? AF_INET : len == sizeof(out->dst) ? AF_INET6 : 0;
	if (out->family)
		copy_bytes(out->dst, sizeof(out->dst), at[NDA_DST]);
	out->link = (int)mb_nl_u32(at[NDA_IFINDEX], 0);
	return true;
}

static int each_fdb(const struct nlmsghdr *h, void *arg)
{
	struct reader *r = arg;
	struct mb_nl_fdb fdb;

	return mb_nl_fdb_read(h, r->index, &fdb) ? r->fdb(&fdb, r->arg) : 0;
}

static int dump(struct mb_nl *nl, uint16_t type, int family, mb_nl_each *each,
                struct reader *reader, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	/* rtmsg is the longest of the three fixed headers that a dump takes. */
	union {
		struct ifinfomsg link;
		struct ifaddrmsg addr;
		struct rtmsg route;
		struct ndmsg neigh;
	} header;
	int r = 0;

	memset(&header, 0, sizeof(header));
	header.route.rtm_family = (uint8_t)family;
	for (int i = 0; i < DUMP_TRIES; i++) {
		mb_nl_message(&b, type, NLM_F_DUMP, &header, sizeof(header));
		r = mb_nl_dump(nl, &b, each, reader, err);
		if (r != -EAGAIN)
			break;
	}
	/* What was read thrice and changed thrice is as good as it gets. */
	return r == -EAGAIN ? 0 : r;
}

int mb_nl_link_dump(struct mb_nl *nl, mb_nl_link_each *each, void *arg, struct mb_err *err)
{
	struct reader reader = {.link = each, .arg = arg};
	int r = dump(nl, RTM_GETLINK, AF_UNSPEC, each_link, &reader, err);

	return r ? mb_wrap(err, r, "cannot list interfaces") : 0;
}

int mb_nl_addr_dump(struct mb_nl *nl, int family, mb_nl_addr_each *each, void *arg,
                    struct mb_err *err)
{
	struct reader reader = {.addr = each, .arg = arg};
	int r = dump(nl, RTM_GETADDR, family, each_addr, &reader, err);

	return r ? mb_wrap(err, r, "cannot list addresses") : 0;
}

int mb_nl_route_dump(struct mb_nl *nl, int family, mb_nl_route_each *each, void *arg,
                     struct mb_err *err)
{
	struct reader reader = {.route = each, .arg = arg};
	int r = dump(nl, RTM_GETROUTE, family, each_route, &reader, err);

	return r ? mb_wrap(err, r, "cannot list routes") : 0;
}

int mb_nl_neigh_dump(struct mb_nl *nl, int family, mb_nl_neigh_each *each, void *arg,
                     struct mb_err *err)
{
	struct reader reader = {.neigh = each, .arg = arg};
	int r = dump(nl, RTM_GETNEIGH, family, each_neigh, &reader, err);

	return r ? mb_wrap(err, r, "cannot list neighbours") : 0;
}

int mb_nl_fdb_dump(struct mb_nl *nl, int index, mb_nl_fdb_each *each, void *arg, struct mb_err *err)
{
	struct reader reader = {.fdb = each, .index = index, .arg = arg};
	int r = dump(nl, RTM_GETNEIGH, AF_BRIDGE, each_fdb, &reader, err);

	return r ? mb_wrap(err, r, "cannot list where a tunnel leads") : 0;
}

/* ---- one way -------------------------------------------------------------------------- */

bool mb_nl_way_read(const struct nlmsghdr *h, struct mb_nl_way *out)
{
	const struct nlattr *at[RTA_MAX + 1];
	const struct rtmsg *m;

	*out = (struct mb_nl_way){0};
	if (h->nlmsg_type != RTM_NEWROUTE)
		return false;
	m = open_message(h, sizeof(*m), at, RTA_MAX);
	if (!m)
		return false;
	out->index = (int)mb_nl_u32(at[RTA_OIF], 0);
	out->type = m->rtm_type;
	out->has_gateway = at[RTA_GATEWAY] != NULL;
	copy_bytes(out->gateway, sizeof(out->gateway), at[RTA_GATEWAY]);
	copy_bytes(out->source, sizeof(out->source), at[RTA_PREFSRC]);
	return true;
}

struct answer {
	struct mb_nl_way way;
	bool found;
};

static int keep_way(const struct nlmsghdr *h, void *arg)
{
	struct answer *a = arg;

	a->found = mb_nl_way_read(h, &a->way) || a->found;
	return 0;
}

int mb_nl_route_get(struct mb_nl *nl, int family, const void *dst, struct mb_nl_way *ret,
                    int *ret_why, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const size_t len = family == AF_INET ? 4 : 16;
	struct rtmsg m = {.rtm_family = (uint8_t)family, .rtm_dst_len = (uint8_t)(len * 8)};
	struct mb_err told = MB_ERR_INIT;
	struct answer a = {0};
	int r;

	mb_nl_message(&b, RTM_GETROUTE, 0, &m, sizeof(m));
	mb_nl_put(&b, RTA_DST, dst, len);
	r = mb_nl_dump(nl, &b, keep_way, &a, &told);
	if (r == -ENETUNREACH || r == -EHOSTUNREACH || r == -EACCES || r == -EINVAL) {
		*ret_why = -r;
		return MB_NL_ABSENT;
	}
	if (r < 0 || !a.found) {
		if (err)
			*err = told;
		return r < 0 ? mb_wrap(err, r, "cannot look up a route")
		             : mb_fail(err, EBADMSG, "the kernel tells no route");
	}
	/* IPv6 tells of unreachable and prohibited ones as routes. */
	if (a.way.type == RTN_UNREACHABLE || a.way.type == RTN_PROHIBIT ||
	    a.way.type == RTN_BLACKHOLE) {
		*ret_why = a.way.type == RTN_BLACKHOLE  ? EINVAL
		           : a.way.type == RTN_PROHIBIT ? EACCES
		                                        : EHOSTUNREACH;
		return MB_NL_ABSENT;
	}
	*ret = a.way;
	return 0;
}
