/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/inet_diag.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>

#include "core/own.h"
#include "nl/batch.h"
#include "nl/conntrack.h"
#include "nl/diag.h"

/* ---- connections ---------------------------------------------------------------------- */

static void put_tuple(struct mb_nl_batch *b, uint16_t type, const uint8_t src[4],
                      const uint8_t dst[4], uint16_t src_port, uint16_t dst_port)
{
	size_t tuple = mb_nl_nest(b, type | NLA_F_NESTED), nest;

	nest = mb_nl_nest(b, CTA_TUPLE_IP | NLA_F_NESTED);
	mb_nl_put(b, CTA_IP_V4_SRC, src, 4);
	mb_nl_put(b, CTA_IP_V4_DST, dst, 4);
	mb_nl_nest_end(b, nest);
	nest = mb_nl_nest(b, CTA_TUPLE_PROTO | NLA_F_NESTED);
	mb_nl_put_u8(b, CTA_PROTO_NUM, IPPROTO_TCP);
	mb_nl_put_be16(b, CTA_PROTO_SRC_PORT, src_port);
	mb_nl_put_be16(b, CTA_PROTO_DST_PORT, dst_port);
	mb_nl_nest_end(b, nest);
	mb_nl_nest_end(b, tuple);
}

static void put_counters(struct mb_nl_batch *b, uint16_t type, uint32_t packets, uint32_t bytes)
{
	const uint8_t p[8] = {0, 0, 0, 0, 0, 0, (uint8_t)(packets >> 8), (uint8_t)packets};
	const uint8_t n[8] = {0, 0, 0, 1, 0, 0, (uint8_t)(bytes >> 8), (uint8_t)bytes};
	size_t nest = mb_nl_nest(b, type | NLA_F_NESTED);

	mb_nl_put(b, CTA_COUNTERS_PACKETS, p, sizeof(p));
	mb_nl_put(b, CTA_COUNTERS_BYTES, n, sizeof(n));
	mb_nl_nest_end(b, nest);
}

static const uint8_t client[4] = {198, 51, 100, 2}, host[4] = {198, 51, 100, 1},
		     web[4] = {10, 88, 0, 2};

static struct nlmsghdr *connection(struct mb_nl_batch *b, uint16_t type, uint16_t flags)
{
	struct nfgenmsg g = {.nfgen_family = AF_INET, .version = NFNETLINK_V0};
	size_t info, tcp;

	mb_nl_message(b, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags, &g, sizeof(g));
	put_tuple(b, CTA_TUPLE_ORIG, client, host, 4711, 8080);
	put_tuple(b, CTA_TUPLE_REPLY, web, client, 80, 4711);
	mb_nl_put_be32(b, CTA_ID, 77);
	mb_nl_put_be32(b, CTA_STATUS, 0x2e);
	info = mb_nl_nest(b, CTA_PROTOINFO | NLA_F_NESTED);
	tcp = mb_nl_nest(b, CTA_PROTOINFO_TCP | NLA_F_NESTED);
	mb_nl_put_u8(b, CTA_PROTOINFO_TCP_STATE, 3);
	mb_nl_nest_end(b, tcp);
	mb_nl_nest_end(b, info);
	put_counters(b, CTA_COUNTERS_ORIG, 5, 500);
	put_counters(b, CTA_COUNTERS_REPLY, 4, 400);
	return (struct nlmsghdr *)(void *)b->buf;
}

static void a_connection_has_both_directions(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	enum mb_nl_conn_event event;
	struct mb_nl_conn c;

	(void)state;
	assert_true(mb_nl_conntrack_read(connection(&b, IPCTNL_MSG_CT_DELETE, 0), &c, &event));
	assert_int_equal(event, MB_NL_CONN_END);
	assert_int_equal(c.family, AF_INET);
	assert_int_equal(c.proto, IPPROTO_TCP);
	assert_memory_equal(c.orig.src, client, 4);
	assert_memory_equal(c.orig.dst, host, 4);
	assert_memory_equal(c.reply.src, web, 4);
	assert_int_equal(c.orig.src_port, 4711);
	assert_int_equal(c.orig.dst_port, 8080);
	assert_int_equal(c.reply.src_port, 80);
	assert_int_equal(c.id, 77);
	assert_int_equal(c.status, 0x2e);
	assert_int_equal(c.tcp_state, 3);
	assert_true(c.has_counters);
	assert_int_equal(c.orig_packets, 5);
	assert_int_equal(c.orig_bytes, (1ull << 32) + 500);
	assert_int_equal(c.reply_bytes, (1ull << 32) + 400);
}

static void events_are_told_from_answers(void **state)
{
	static const struct {
		uint16_t type, flags;
		uint32_t seq;
		enum mb_nl_conn_event event;
	} rows[] = {
		{IPCTNL_MSG_CT_NEW, NLM_F_MULTI, 9, MB_NL_CONN_IS},
		{IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, 0, MB_NL_CONN_NEW},
		{IPCTNL_MSG_CT_NEW, 0, 0, MB_NL_CONN_CHANGED},
		{IPCTNL_MSG_CT_DELETE, 0, 0, MB_NL_CONN_END},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
		struct nlmsghdr *h = connection(&b, rows[i].type, 0);
		enum mb_nl_conn_event event;
		struct mb_nl_conn c;

		h->nlmsg_flags = rows[i].flags;
		h->nlmsg_seq = rows[i].seq;
		assert_true(mb_nl_conntrack_read(h, &c, &event));
		assert_int_equal(event, rows[i].event);
	}
}

/* Cut at every length: never taken for whole unless nothing that is needed is missing. */
static void what_is_cut_short_is_refused(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct nlmsghdr *h = connection(&b, IPCTNL_MSG_CT_NEW, 0);
	const uint32_t whole = h->nlmsg_len;
	enum mb_nl_conn_event event;
	struct mb_nl_conn c;

	(void)state;
	for (uint32_t len = NLMSG_HDRLEN; len < whole; len++) {
		struct nlmsghdr *copy = mb_malloc(len);

		memcpy(copy, h, len);
		copy->nlmsg_len = len;
		if (mb_nl_conntrack_read(copy, &c, &event))
			assert_int_equal(c.reply.src_port, 80);
		mb_free_p(&copy);
	}
	h->nlmsg_type = NLMSG_DONE;
	assert_false(mb_nl_conntrack_read(h, &c, &event));
}

/* ---- sockets -------------------------------------------------------------------------- */

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static struct nlmsghdr *socket_answer(struct mb_nl_batch *b, const struct inet_diag_msg *m)
{
	mb_nl_message(b, SOCK_DIAG_BY_FAMILY, 0, m, sizeof(*m));
	return (struct nlmsghdr *)(void *)b->buf;
}

static void a_socket_has_its_ends_and_counts(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct tcp_info info = {.tcpi_bytes_received = 1000,
	                        .tcpi_bytes_acked = 2000,
	                        .tcpi_segs_in = 3,
	                        .tcpi_segs_out = 4};
	struct inet_diag_msg m = {.idiag_family = AF_INET, .idiag_state = 1};
	struct mb_nl_socket s;

	(void)state;
	memcpy(m.id.idiag_src, web, 4);
	memcpy(m.id.idiag_dst, client, 4);
	m.id.idiag_sport = htons(80);
	m.id.idiag_dport = htons(4711);
	socket_answer(&b, &m);
	mb_nl_put(&b, INET_DIAG_INFO, &info, sizeof(info));
	assert_true(mb_nl_diag_read((void *)b.buf, IPPROTO_TCP, &s));
	assert_int_equal(s.family, AF_INET);
	assert_false(s.is_v6);
	assert_memory_equal(s.local, web, 4);
	assert_memory_equal(s.remote, client, 4);
	assert_int_equal(s.local_port, 80);
	assert_int_equal(s.remote_port, 4711);
	assert_true(s.has_bytes);
	assert_int_equal(s.received_bytes, 1000);
	assert_int_equal(s.acked_bytes, 2000);
	assert_int_equal(s.received_segments, 3);
	assert_int_equal(s.sent_segments, 4);
	/* An old kernel's shorter table. */
	mb_nl_batch_reset(&b);
	socket_answer(&b, &m);
	mb_nl_put(&b, INET_DIAG_INFO, &info, 104);
	assert_true(mb_nl_diag_read((void *)b.buf, IPPROTO_TCP, &s));
	assert_false(s.has_bytes);
}

static void mapped_addresses_are_ipv4(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct inet_diag_msg m = {.idiag_family = AF_INET6, .idiag_state = 1};
	struct mb_nl_socket s;

	(void)state;
	memcpy(m.id.idiag_src, mapped, 12);
	memcpy((char *)m.id.idiag_src + 12, web, 4);
	memcpy(m.id.idiag_dst, mapped, 12);
	memcpy((char *)m.id.idiag_dst + 12, client, 4);
	assert_true(mb_nl_diag_read(socket_answer(&b, &m), IPPROTO_TCP, &s));
	assert_int_equal(s.family, AF_INET);
	assert_true(s.is_v6);
	assert_memory_equal(s.local, web, 4);
	assert_memory_equal(s.remote, client, 4);
	for (size_t i = 4; i < 16; i++)
		assert_int_equal(s.local[i] | s.remote[i], 0);
}

static void listeners_tell_their_queue_and_whom_they_take(void **state)
{
	static const struct {
		int family;
		uint8_t only;
		bool v6_only;
	} rows[] = {{AF_INET, 0, false}, {AF_INET6, 0, false}, {AF_INET6, 1, true}};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
		struct inet_diag_msg m = {.idiag_family = (uint8_t)rows[i].family,
		                          .idiag_state = 10,
		                          .idiag_rqueue = 7,
		                          .idiag_wqueue = 128};
		struct mb_nl_socket s;

		socket_answer(&b, &m);
		mb_nl_put_u8(&b, INET_DIAG_SKV6ONLY, rows[i].only);
		assert_true(mb_nl_diag_read((void *)b.buf, IPPROTO_TCP, &s));
		assert_int_equal(s.v6_only, rows[i].v6_only);
		assert_int_equal(s.waiting, 7);
		assert_int_equal(s.backlog, 128);
		assert_false(s.has_bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_has_both_directions),
		cmocka_unit_test(events_are_told_from_answers),
		cmocka_unit_test(what_is_cut_short_is_refused),
		cmocka_unit_test(a_socket_has_its_ends_and_counts),
		cmocka_unit_test(mapped_addresses_are_ipv4),
		cmocka_unit_test(listeners_tell_their_queue_and_whom_they_take),
	};

	return cmocka_run_group_tests_name("nl/conntrack", tests, NULL, NULL);
}
