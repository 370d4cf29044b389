/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/own.h"
#include "nl/nft.h"
#include "nl/route.h"

static const struct nlattr *attr(const struct mb_nl_batch *b, size_t header, unsigned int type)
{
	static const struct nlattr *at[64];
	size_t used = NLMSG_SPACE(header);

	assert_int_equal(mb_nl_parse(b->buf + used, b->len - used, at, 63), 0);
	return at[type];
}

/* What was built is what the kernel would answer with, but for the type of the message. */
static void fdb_of_a_tunnel_is_read_back(void **state)
{
	const uint8_t mac[6] = {2, 0x6d, 10, 88, 0, 2}, dst[4] = {192, 0, 2, 1};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_fdb fdb;
	struct nlmsghdr *h;

	(void)state;
	mb_nl_fdb_add(&b, mac, &(struct mb_nl_fdb_way){12, 0, AF_INET, dst});
	h = (struct nlmsghdr *)(void *)b.buf;
	assert_true(h->nlmsg_flags & NLM_F_REPLACE);
	assert_true(mb_nl_fdb_read(h, 12, &fdb));
	assert_memory_equal(fdb.mac, mac, sizeof(mac));
	assert_int_equal(fdb.family, AF_INET);
	assert_memory_equal(fdb.dst, dst, sizeof(dst));
	assert_false(mb_nl_fdb_read(h, 13, &fdb));
	h->nlmsg_len -= 4;
	assert_true(mb_nl_fdb_read(h, 12, &fdb));
	assert_int_equal(fdb.family, 0);
	h->nlmsg_type = RTM_DELNEIGH;
	assert_false(mb_nl_fdb_read(h, 12, &fdb));
}

/* The entry for everybody has many goals: none takes another's place. */
static void fdb_of_everybody_is_appended(void **state)
{
	const uint8_t zero[6] = {0}, dst[4] = {192, 0, 2, 1};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const struct nlmsghdr *h;

	(void)state;
	mb_nl_fdb_add(&b, zero, &(struct mb_nl_fdb_way){12, 0, AF_INET, dst});
	h = (const struct nlmsghdr *)(const void *)b.buf;
	assert_true(h->nlmsg_flags & NLM_F_APPEND);
	assert_false(h->nlmsg_flags & NLM_F_REPLACE);
}

/* The bridge's own entries are not the tunnel's. */
static void fdb_of_a_port_is_no_tunnels(void **state)
{
	const uint8_t mac[6] = {2, 0x6d, 10, 88, 0, 2};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_fdb fdb;

	(void)state;
	mb_nl_fdb_port_add(&b, 12, mac);
	mb_nl_put_u32(&b, NDA_MASTER, 7);
	assert_false(mb_nl_fdb_read((const void *)b.buf, 12, &fdb));
}

/* ---- answers cut short ----------------------------------------------------------------- */

/* A copy of @h cut at @len, in a block of that size: a byte read behind its end is seen. */
static struct nlmsghdr *cut(const struct nlmsghdr *h, uint32_t len)
{
	struct nlmsghdr *copy = mb_malloc(len);

	memcpy(copy, h, len);
	copy->nlmsg_len = len;
	return copy;
}

static void links_cut_short_are_no_others(void **state)
{
	const struct ifinfomsg i = {.ifi_index = 9, .ifi_flags = IFF_UP};
	const uint8_t mac[6] = {2, 0x6d, 10, 88, 0, 2};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct nlmsghdr *h;
	struct mb_nl_link link;
	size_t info;

	(void)state;
	mb_nl_message(&b, RTM_NEWLINK, 0, &i, sizeof(i));
	mb_nl_put_str(&b, IFLA_IFNAME, "mb0123456789");
	mb_nl_put(&b, IFLA_ADDRESS, mac, sizeof(mac));
	mb_nl_put_u32(&b, IFLA_MTU, 1450);
	mb_nl_put_u32(&b, IFLA_MASTER, 7);
	mb_nl_put_str(&b, IFLA_IFALIAS, "web");
	info = mb_nl_nest(&b, IFLA_LINKINFO | NLA_F_NESTED);
	mb_nl_put_str(&b, IFLA_INFO_KIND, "veth");
	mb_nl_nest_end(&b, info);
	h = (void *)b.buf;
	assert_true(mb_nl_link_read(h, &link));
	assert_int_equal(link.index, 9);
	assert_int_equal(link.master, 7);
	assert_string_equal(link.name, "mb0123456789");
	assert_string_equal(link.alias, "web");
	assert_string_equal(link.kind, "veth");
	for (uint32_t len = NLMSG_HDRLEN; len < h->nlmsg_len; len++) {
		struct nlmsghdr *copy = cut(h, len);

		assert_int_equal(mb_nl_link_read(copy, &link),
		                 len >= NLMSG_SPACE(sizeof(struct ifinfomsg)));
		assert_true(!*link.name || strcmp(link.name, "mb0123456789") == 0);
		assert_true(!link.mtu || link.mtu == 1450);
		assert_true(!link.master || link.master == 7);
		assert_true(!*link.kind);
		mb_free_p(&copy);
	}
}

static void addresses_cut_short_are_no_others(void **state)
{
	const struct ifaddrmsg i = {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 9};
	const uint8_t addr[4] = {10, 88, 0, 2}, broadcast[4] = {10, 88, 0, 255}, none[4] = {0};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_addr a;
	struct nlmsghdr *h;

	(void)state;
	mb_nl_message(&b, RTM_NEWADDR, 0, &i, sizeof(i));
	mb_nl_put(&b, IFA_LOCAL, addr, sizeof(addr));
	mb_nl_put_u32(&b, IFA_FLAGS, IFA_F_PERMANENT);
	mb_nl_put(&b, IFA_BROADCAST, broadcast, sizeof(broadcast));
	h = (void *)b.buf;
	assert_true(mb_nl_addr_read(h, &a));
	assert_memory_equal(a.addr, addr, sizeof(addr));
	assert_memory_equal(a.peer, addr, sizeof(addr));
	assert_memory_equal(a.broadcast, broadcast, sizeof(broadcast));
	for (uint32_t len = NLMSG_HDRLEN; len < h->nlmsg_len; len++) {
		struct nlmsghdr *copy = cut(h, len);

		assert_int_equal(mb_nl_addr_read(copy, &a),
		                 len >= NLMSG_SPACE(sizeof(struct ifaddrmsg)));
		assert_true(memcmp(a.addr, addr, 4) == 0 || memcmp(a.addr, none, 4) == 0);
		assert_false(a.has_broadcast);
		mb_free_p(&copy);
	}
}

static void routes_cut_short_are_no_others(void **state)
{
	const struct rtmsg m = {.rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_type = RTN_UNICAST};
	const uint8_t dst[4] = {10, 89, 0, 0}, gateway[4] = {10, 88, 0, 1}, none[4] = {0};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_route_info route;
	struct nlmsghdr *h;

	(void)state;
	mb_nl_message(&b, RTM_NEWROUTE, 0, &m, sizeof(m));
	mb_nl_put_u32(&b, RTA_TABLE, RT_TABLE_MAIN);
	mb_nl_put(&b, RTA_DST, dst, sizeof(dst));
	mb_nl_put_u32(&b, RTA_OIF, 9);
	mb_nl_put(&b, RTA_GATEWAY, gateway, sizeof(gateway));
	h = (void *)b.buf;
	assert_true(mb_nl_route_read(h, &route));
	assert_int_equal(route.index, 9);
	assert_memory_equal(route.dst, dst, sizeof(dst));
	assert_memory_equal(route.gateway, gateway, sizeof(gateway));
	for (uint32_t len = NLMSG_HDRLEN; len < h->nlmsg_len; len++) {
		struct nlmsghdr *copy = cut(h, len);

		assert_int_equal(mb_nl_route_read(copy, &route),
		                 len >= NLMSG_SPACE(sizeof(struct rtmsg)));
		assert_true(!route.index || route.index == 9);
		assert_false(route.has_gateway);
		assert_memory_equal(route.gateway, none, sizeof(none));
		mb_free_p(&copy);
	}
}

/* The kernel's own table is not for who lists routes. */
static void local_routes_are_passed_over(void **state)
{
	struct rtmsg m = {.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_type = RTN_LOCAL};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_route_info route;

	(void)state;
	mb_nl_message(&b, RTM_NEWROUTE, 0, &m, sizeof(m));
	assert_false(mb_nl_route_read((const void *)b.buf, &route));
	mb_nl_batch_reset(&b);
	m.rtm_type = RTN_UNICAST;
	mb_nl_message(&b, RTM_NEWROUTE, 0, &m, sizeof(m));
	mb_nl_put_u32(&b, RTA_TABLE, RT_TABLE_LOCAL);
	assert_false(mb_nl_route_read((const void *)b.buf, &route));
}

static void neighbours_cut_short_are_no_others(void **state)
{
	const struct ndmsg m = {
		.ndm_family = AF_INET, .ndm_ifindex = 9, .ndm_state = NUD_REACHABLE};
	const uint8_t addr[4] = {10, 88, 0, 2}, mac[6] = {2, 0x6d, 10, 88, 0, 2};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_neigh neigh;
	struct nlmsghdr *h;
	uint32_t with_addr;

	(void)state;
	mb_nl_message(&b, RTM_NEWNEIGH, 0, &m, sizeof(m));
	mb_nl_put(&b, NDA_DST, addr, sizeof(addr));
	with_addr = (uint32_t)b.len;
	mb_nl_put(&b, NDA_LLADDR, mac, sizeof(mac));
	h = (void *)b.buf;
	assert_true(mb_nl_neigh_read(h, &neigh));
	assert_true(neigh.has_mac);
	assert_memory_equal(neigh.mac, mac, sizeof(mac));
	/* The last attribute is padded: what is cut off first is nobody's. */
	for (uint32_t len = NLMSG_HDRLEN; len < with_addr + NLA_HDRLEN + sizeof(mac); len++) {
		struct nlmsghdr *copy = cut(h, len);

		assert_int_equal(mb_nl_neigh_read(copy, &neigh), len >= with_addr);
		assert_false(neigh.has_mac);
		assert_true(len < with_addr || memcmp(neigh.addr, addr, sizeof(addr)) == 0);
		mb_free_p(&copy);
	}
}

static void veth_is_one_message_with_its_peer(void **state)
{
	const uint8_t mac[6] = {2, 0x6d, 10, 88, 0, 2};
	const struct mb_nl_veth v = {.name = "mb0123456789",
	                             .index = 1000,
	                             .master = 7,
	                             .mtu = 1450,
	                             .peer_name = "eth0",
	                             .peer_index = 100,
	                             .peer_netns_fd = 9,
	                             .peer_mac = mac};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const struct nlattr *info[IFLA_INFO_MAX + 1], *data[VETH_INFO_MAX + 1], *peer[64], *a;
	const struct ifinfomsg *i;

	(void)state;
	mb_nl_veth_add(&b, &v);
	assert_int_equal(b.n_messages, 1);
	i = (const void *)(b.buf + NLMSG_HDRLEN);
	assert_int_equal(i->ifi_index, 1000);
	assert_int_equal(i->ifi_flags & IFF_UP, IFF_UP);
	assert_int_equal(mb_nl_u32(attr(&b, sizeof(*i), IFLA_MASTER), 0), 7);
	a = attr(&b, sizeof(*i), IFLA_LINKINFO);
	assert_int_equal(mb_nl_parse(mb_nl_data(a, 0), mb_nl_data_len(a), info, IFLA_INFO_MAX), 0);
	assert_int_equal(mb_nl_parse(mb_nl_data(info[IFLA_INFO_DATA], 0),
	                             mb_nl_data_len(info[IFLA_INFO_DATA]), data, VETH_INFO_MAX),
	                 0);
	i = mb_nl_data(data[VETH_INFO_PEER], sizeof(*i));
	assert_int_equal(i->ifi_index, 100);
	assert_int_equal(i->ifi_flags, 0); /* up at birth is ENOTCONN */
	assert_int_equal(mb_nl_parse((const char *)i + sizeof(*i),
	                             mb_nl_data_len(data[VETH_INFO_PEER]) - sizeof(*i), peer, 63),
	                 0);
	assert_string_equal(mb_nl_str(peer[IFLA_IFNAME]), "eth0");
	assert_int_equal(mb_nl_u32(peer[IFLA_NET_NS_FD], 0), 9);
	assert_int_equal(mb_nl_u32(peer[IFLA_NUM_TX_QUEUES], 0), 1);
	assert_memory_equal(mb_nl_data(peer[IFLA_ADDRESS], 6), mac, 6);
}

static void a_link_moves_under_a_name(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const struct ifinfomsg *i;

	(void)state;
	mb_nl_link_move(&b, 12, 5, "mbmv12");
	assert_int_equal(b.n_messages, 1);
	i = (const void *)(b.buf + NLMSG_HDRLEN);
	assert_int_equal(i->ifi_index, 12);
	assert_int_equal(mb_nl_u32(attr(&b, sizeof(*i), IFLA_NET_NS_FD), 0), 5);
	assert_string_equal(mb_nl_str(attr(&b, sizeof(*i), IFLA_IFNAME)), "mbmv12");
}

/* What belongs to a moment is not set again. */
static void an_address_is_set_as_it_was(void **state)
{
	const struct mb_nl_addr a = {.family = AF_INET6,
	                             .prefix = 64,
	                             .flags = IFA_F_PERMANENT | IFA_F_NODAD | IFA_F_TENTATIVE,
	                             .scope = RT_SCOPE_UNIVERSE,
	                             .addr = {0xfd, 9},
	                             .peer = {0xfd, 8}};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const struct ifaddrmsg *i;

	(void)state;
	mb_nl_addr_add_same(&b, &a, 3);
	i = (const void *)(b.buf + NLMSG_HDRLEN);
	assert_int_equal(i->ifa_index, 3);
	assert_int_equal(i->ifa_prefixlen, 64);
	assert_int_equal(mb_nl_u32(attr(&b, sizeof(*i), IFA_FLAGS), 0), IFA_F_NODAD);
	assert_memory_equal(mb_nl_data(attr(&b, sizeof(*i), IFA_LOCAL), 16), a.addr, 16);
	assert_memory_equal(mb_nl_data(attr(&b, sizeof(*i), IFA_ADDRESS), 16), a.peer, 16);
	assert_null(attr(&b, sizeof(*i), IFA_BROADCAST));
}

static void addresses_have_their_broadcast(void **state)
{
	static const struct {
		uint8_t addr[4];
		unsigned int prefix;
		uint8_t broadcast[4];
	} rows[] = {
		{{10, 88, 0, 2}, 24, {10, 88, 0, 255}},
		{{172, 30, 5, 1}, 16, {172, 30, 255, 255}},
		{{192, 168, 1, 130}, 26, {192, 168, 1, 191}},
		{{10, 0, 0, 1}, 8, {10, 255, 255, 255}},
		{{10, 0, 0, 1}, 30, {10, 0, 0, 3}},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

		mb_nl_addr_add(&b, AF_INET, rows[i].addr, rows[i].prefix, 3, true);
		assert_memory_equal(
			mb_nl_data(attr(&b, sizeof(struct ifaddrmsg), IFA_BROADCAST), 4),
			rows[i].broadcast, 4);
	}
}

static void point_to_point_has_no_broadcast(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const uint8_t addr[4] = {10, 0, 0, 0};

	(void)state;
	mb_nl_addr_add(&b, AF_INET, addr, 31, 3, true);
	assert_null(attr(&b, sizeof(struct ifaddrmsg), IFA_BROADCAST));
}

static void a_lent_address_says_for_how_long(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const uint8_t addr[4] = {192, 0, 2, 7}, broadcast[4] = {192, 0, 2, 255};
	const struct ifa_cacheinfo *times;

	(void)state;
	mb_nl_addr_lend(&b, addr, 24, 3, 3600);
	assert_true(((const struct nlmsghdr *)(const void *)b.buf)->nlmsg_flags & NLM_F_REPLACE);
	times = mb_nl_data(attr(&b, sizeof(struct ifaddrmsg), IFA_CACHEINFO), sizeof(*times));
	assert_int_equal(times->ifa_valid, 3600);
	assert_int_equal(times->ifa_prefered, 3600);
	assert_memory_equal(mb_nl_data(attr(&b, sizeof(struct ifaddrmsg), IFA_BROADCAST), 4),
	                    broadcast, 4);
}

static void links_of_this_namespace_can_be_read(void **state)
{
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	struct mb_err err = MB_ERR_INIT;
	struct mb_nl_link lo;

	(void)state;
	if (mb_nl_open(&nl, NETLINK_ROUTE, &err) < 0)
		skip();
	assert_int_equal(mb_nl_link_find(&nl, "lo", &lo, &err), 0);
	assert_int_equal(lo.index, 1);
	assert_int_equal(mb_nl_link_find(&nl, "no-such-link", &lo, &err), MB_NL_ABSENT);
}

static void a_protocol_the_kernel_lacks_is_told(void **state)
{
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	/* EPROTONOSUPPORT would be told as what a newer mybox wrote. */
	assert_int_equal(mb_nl_open(&nl, MAX_LINKS - 1, &err), -EOPNOTSUPP);
	assert_string_equal(err.msg,
	                    "cannot open a netlink socket: the kernel lacks this protocol");
}

static void refusals_are_told_with_their_number(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	struct mb_err err = MB_ERR_INIT;
	size_t failed = 99;
	int r;

	(void)state;
	if (mb_nl_open(&nl, NETLINK_ROUTE, &err) < 0)
		skip();
	mb_nl_link_set_mtu(&b, 0x7ffffff0, 1500);
	mb_nl_link_set_mtu(&b, 0x7ffffff1, 1500);
	r = mb_nl_send(&nl, &b, &failed, &err);
	assert_true(r == -ENODEV || r == -EPERM);
	assert_int_equal(failed, 0);
	assert_int_equal(b.len, 0);
	assert_non_null(strstr(err.msg, "the kernel"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fdb_of_a_tunnel_is_read_back),
		cmocka_unit_test(fdb_of_everybody_is_appended),
		cmocka_unit_test(fdb_of_a_port_is_no_tunnels),
		cmocka_unit_test(links_cut_short_are_no_others),
		cmocka_unit_test(addresses_cut_short_are_no_others),
		cmocka_unit_test(routes_cut_short_are_no_others),
		cmocka_unit_test(local_routes_are_passed_over),
		cmocka_unit_test(neighbours_cut_short_are_no_others),
		cmocka_unit_test(veth_is_one_message_with_its_peer),
		cmocka_unit_test(a_link_moves_under_a_name),
		cmocka_unit_test(an_address_is_set_as_it_was),
		cmocka_unit_test(addresses_have_their_broadcast),
		cmocka_unit_test(point_to_point_has_no_broadcast),
		cmocka_unit_test(a_lent_address_says_for_how_long),
		cmocka_unit_test(links_of_this_namespace_can_be_read),
		cmocka_unit_test(a_protocol_the_kernel_lacks_is_told),
		cmocka_unit_test(refusals_are_told_with_their_number),
	};

	return cmocka_run_group_tests_name("nl/route", tests, NULL, NULL);
}
