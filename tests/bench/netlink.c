/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LO = 1, PEER = 2, PREFIX = 16 };

struct batch {
	char bytes[4096];
	size_t used;
	struct nlmsghdr *head;
	int count;
};

static void *message(struct batch *b, int type, int flags, size_t size)
{
	struct nlmsghdr *h = (void *)(b->bytes + b->used);

	memset(h, 0, NLMSG_SPACE(size));
	h->nlmsg_type = (uint16_t)type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_len = (uint32_t)NLMSG_SPACE(size);
	b->used += NLMSG_SPACE(size);
	b->head = h;
	b->count++;
	return NLMSG_DATA(h);
}

static void *space(struct batch *b, size_t size)
{
	void *at = b->bytes + b->used;

	b->used += NLMSG_ALIGN(size);
	b->head->nlmsg_len += (uint32_t)NLMSG_ALIGN(size);
	return at;
}

static struct rtattr *attribute(struct batch *b, int type, const void *data, size_t size)
{
	struct rtattr *a = space(b, RTA_LENGTH(size));

	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(a), data, size);
	return a;
}

static void end_nest(const struct batch *b, struct rtattr *a)
{
	a->rta_len = (uint16_t)(b->bytes + b->used - (char *)a);
}

static int talk(int sock, struct batch *b)
{
	char reply[8192];
	int error = 0;

	if (send(sock, b->bytes, b->used, 0) < 0)
		return -errno;
	while (b->count > 0) {
		ssize_t n = recv(sock, reply, sizeof(reply), 0);
		struct nlmsghdr *h = (void *)reply;

		if (n < 0)
			return -errno;
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			const struct nlmsgerr *e = NLMSG_DATA(h);

			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			b->count--;
			error = error ? error : e->error;
		}
	}
	b->used = 0;
	return error;
}

int nl_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		_exit(111);
	return fd;
}

static struct ifinfomsg *link_message(struct batch *b, int type, int flags, bool up)
{
	struct ifinfomsg *link = message(b, type, flags, sizeof(*link));

	link->ifi_flags = link->ifi_change = up ? IFF_UP : 0;
	return link;
}

static void add_address(struct batch *b, unsigned index, uint32_t address, int prefix)
{
	struct ifaddrmsg *a = message(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*a));

	a->ifa_family = AF_INET;
	a->ifa_prefixlen = (uint8_t)prefix;
	a->ifa_index = index;
	attribute(b, IFA_LOCAL, &address, sizeof(address));
	attribute(b, IFA_ADDRESS, &address, sizeof(address));
}

int nl_bridge(int sock, const char *name, uint32_t address, int prefix)
{
	struct batch b = {.used = 0};
	struct rtattr *info;
	unsigned index = if_nametoindex(name);
	int r;

	if (index)
		return (int)index;
	link_message(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, true);
	attribute(&b, IFLA_IFNAME, name, strlen(name) + 1);
	info = attribute(&b, IFLA_LINKINFO, NULL, 0);
	attribute(&b, IFLA_INFO_KIND, "bridge", 7);
	end_nest(&b, info);
	r = talk(sock, &b);
	if (r < 0)
		return r;
	index = if_nametoindex(name);
	add_address(&b, index, address, prefix);
	r = talk(sock, &b);
	return r < 0 ? r : (int)index;
}

int nl_delete(int sock, const char *name)
{
	struct batch b = {.used = 0};

	link_message(&b, RTM_DELLINK, 0, false);
	attribute(&b, IFLA_IFNAME, name, strlen(name) + 1);
	return talk(sock, &b);
}

int nl_veth(int sock, const char *name, int master, int ns)
{
	struct batch b = {.used = 0};
	struct rtattr *info, *data, *peer;
	struct ifinfomsg peer_link = {.ifi_index = PEER};

	link_message(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, true);
	attribute(&b, IFLA_IFNAME, name, strlen(name) + 1);
	attribute(&b, IFLA_MASTER, &master, sizeof(master));
	info = attribute(&b, IFLA_LINKINFO, NULL, 0);
	attribute(&b, IFLA_INFO_KIND, "veth", 5);
	data = attribute(&b, IFLA_INFO_DATA, NULL, 0);
	peer = attribute(&b, VETH_INFO_PEER, NULL, 0);
	memcpy(space(&b, sizeof(peer_link)), &peer_link, sizeof(peer_link));
	attribute(&b, IFLA_IFNAME, "eth0", 5);
	attribute(&b, IFLA_NET_NS_FD, &ns, sizeof(ns));
	end_nest(&b, peer);
	end_nest(&b, data);
	end_nest(&b, info);
	return talk(sock, &b);
}

int nl_configure(int sock, uint32_t address, uint32_t gateway)
{
	struct batch b = {.used = 0};
	struct rtmsg *route;
	int peer = PEER;

	link_message(&b, RTM_NEWLINK, 0, true)->ifi_index = LO;
	/* Born up it would wait for its other end. */
	link_message(&b, RTM_NEWLINK, 0, true)->ifi_index = PEER;
	add_address(&b, PEER, address, PREFIX);
	route = message(&b, RTM_NEWROUTE, NLM_F_CREATE, sizeof(*route));
	route->rtm_family = AF_INET;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_BOOT;
	route->rtm_scope = RT_SCOPE_UNIVERSE;
	route->rtm_type = RTN_UNICAST;
	attribute(&b, RTA_GATEWAY, &gateway, sizeof(gateway));
	attribute(&b, RTA_OIF, &peer, sizeof(peer));
	return talk(sock, &b);
}
