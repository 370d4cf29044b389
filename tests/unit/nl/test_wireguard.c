/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>

#include "core/own.h"
#include "nl/batch.h"
#include "nl/wireguard.h"

static const uint8_t self[32] = {1, 2, 3}, one[32] = {0xa1}, two[32] = {0xb2};
static const uint8_t address[16] = {0xfe, 0x80, [15] = 7};

static void put_peer(struct mb_nl_batch *b, const uint8_t key[32], const void *endpoint, size_t len)
{
	const uint64_t when[2] = {1700000000, 5}, sent = 400;
	size_t peer = mb_nl_nest(b, NLA_F_NESTED), all, ip;

	mb_nl_put(b, WGPEER_A_PUBLIC_KEY, key, 32);
	mb_nl_put(b, WGPEER_A_ENDPOINT, endpoint, len);
	mb_nl_put(b, WGPEER_A_LAST_HANDSHAKE_TIME, when, sizeof(when));
	mb_nl_put(b, WGPEER_A_TX_BYTES, &sent, sizeof(sent));
	all = mb_nl_nest(b, WGPEER_A_ALLOWEDIPS | NLA_F_NESTED);
	ip = mb_nl_nest(b, NLA_F_NESTED);
	mb_nl_put_u16(b, WGALLOWEDIP_A_FAMILY, AF_INET6);
	mb_nl_put(b, WGALLOWEDIP_A_IPADDR, address, sizeof(address));
	mb_nl_put_u8(b, WGALLOWEDIP_A_CIDR_MASK, 128);
	mb_nl_nest_end(b, ip);
	mb_nl_nest_end(b, all);
	mb_nl_nest_end(b, peer);
}

static struct nlmsghdr *answer(struct mb_nl_batch *b)
{
	const struct genlmsghdr g = {.cmd = WG_CMD_GET_DEVICE, .version = WG_GENL_VERSION};
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
	                               .sin_port = htons(51820),
	                               .sin_addr.s_addr = htonl(0xcb007102)};
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
	                                .sin6_port = htons(51821),
	                                .sin6_addr.s6_addr = {0x20, 1, [15] = 2}};
	size_t peers;

	mb_nl_message(b, 30, 0, &g, sizeof(g));
	mb_nl_put_u16(b, WGDEVICE_A_LISTEN_PORT, 51820);
	mb_nl_put(b, WGDEVICE_A_PUBLIC_KEY, self, sizeof(self));
	peers = mb_nl_nest(b, WGDEVICE_A_PEERS | NLA_F_NESTED);
	put_peer(b, one, &v4, sizeof(v4));
	put_peer(b, two, &v6, sizeof(v6));
	mb_nl_nest_end(b, peers);
	return (struct nlmsghdr *)(void *)b->buf;
}

struct seen {
	struct mb_nl_wg_peer v[4];
	size_t n;
};

static int keep(const struct mb_nl_wg_peer *peer, void *arg)
{
	struct seen *s = arg;

	s->v[s->n++] = *peer;
	return 0;
}

static void an_answer_is_read(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_wg_device d = {0};
	struct seen s = {0};

	(void)state;
	assert_int_equal(mb_nl_wg_read(answer(&b), &d, keep, &s), 0);
	assert_true(d.has_public);
	assert_memory_equal(d.public, self, sizeof(self));
	assert_int_equal(d.port, 51820);
	assert_int_equal(s.n, 2);
	assert_memory_equal(s.v[0].key, one, sizeof(one));
	assert_int_equal(s.v[0].family, AF_INET);
	assert_int_equal(s.v[0].addr[3], 2);
	assert_int_equal(s.v[0].port, 51820);
	assert_true(s.v[0].has_allowed);
	assert_memory_equal(s.v[0].allowed, address, sizeof(address));
	assert_int_equal(s.v[0].handshake, 1700000000);
	assert_int_equal(s.v[0].sent, 400);
	assert_int_equal(s.v[1].family, AF_INET6);
	assert_int_equal(s.v[1].port, 51821);
	assert_int_equal(s.v[1].addr[0], 0x20);
}

static int stop(const struct mb_nl_wg_peer *peer, void *arg)
{
	(void)peer;
	++*(int *)arg;
	return -ECANCELED;
}

static void who_reads_may_stop(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_wg_device d = {0};
	int n = 0;

	(void)state;
	assert_int_equal(mb_nl_wg_read(answer(&b), &d, stop, &n), -ECANCELED);
	assert_int_equal(n, 1);
}

/* Cut at every length: what is told of is whole. */
static void what_is_cut_short_is_refused(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const struct nlmsghdr *h = answer(&b);
	const uint32_t whole = h->nlmsg_len;

	(void)state;
	for (uint32_t len = NLMSG_HDRLEN; len < whole; len++) {
		struct nlmsghdr *copy = mb_malloc(len);
		struct mb_nl_wg_device d = {0};
		struct seen s = {0};

		memcpy(copy, h, len);
		copy->nlmsg_len = len;
		(void)mb_nl_wg_read(copy, &d, keep, &s);
		assert_int_equal(s.n, 0);
		if (d.has_public)
			assert_memory_equal(d.public, self, sizeof(self));
		mb_free_p(&copy);
	}
}

/* A peer without a key, or one whose length goes beyond the list, ends the reading. */
static void a_broken_peer_ends_it(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const struct genlmsghdr g = {.cmd = WG_CMD_GET_DEVICE};
	struct mb_nl_wg_device d = {0};
	struct seen s = {0};
	size_t peers, peer;

	(void)state;
	mb_nl_message(&b, 30, 0, &g, sizeof(g));
	peers = mb_nl_nest(&b, WGDEVICE_A_PEERS | NLA_F_NESTED);
	peer = mb_nl_nest(&b, NLA_F_NESTED);
	mb_nl_put(&b, WGPEER_A_PUBLIC_KEY, one, 31);
	mb_nl_nest_end(&b, peer);
	mb_nl_nest_end(&b, peers);
	assert_int_equal(mb_nl_wg_read((void *)b.buf, &d, keep, &s), -EBADMSG);
	assert_int_equal(s.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(who_reads_may_stop),
		cmocka_unit_test(what_is_cut_short_is_refused),
		cmocka_unit_test(a_broken_peer_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
