/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/book.h"
#include "net/flows.h"
#include "nl/conntrack.h"
#include "nl/diag.h"

static const char web_ip[] = "10.88.1.2", app_ip[] = "10.88.1.3", gateway[] = "10.88.1.1",
		  outside[] = "198.51.100.2", host_ip[] = "198.51.100.1";

static void put(uint8_t out[16], const char *text)
{
	struct mb_net_addr a;

	assert_int_equal(mb_net_addr_parse(text, &a), 0);
	memcpy(out, a.b, 16);
}

static void fill(struct mb_net_book *book)
{
	static const struct {
		const char *addr, *id, *name;
	} rows[] = {{web_ip, "id-web", "web"},
	            {app_ip, "id-app", "app"},
	            {gateway, NULL, NULL},
	            {host_ip, NULL, NULL}};

	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_addr a;

		assert_int_equal(mb_net_addr_parse(rows[i].addr, &a), 0);
		mb_net_book_add(book, &a, rows[i].id, rows[i].name, rows[i].id ? "id-net" : NULL,
		                rows[i].id ? "net1" : NULL);
	}
}

static struct mb_nl_conn conn(const char *src, uint16_t src_port, const char *dst,
                              uint16_t dst_port)
{
	struct mb_nl_conn c = {.family = AF_INET, .proto = IPPROTO_TCP, .tcp_state = 3};

	put(c.orig.src, src);
	put(c.orig.dst, dst);
	put(c.reply.src, dst);
	put(c.reply.dst, src);
	c.orig.src_port = c.reply.dst_port = src_port;
	c.orig.dst_port = c.reply.src_port = dst_port;
	return c;
}

static void found(struct mb_net_found *f, const char *id, const char *local, uint16_t local_port,
                  const char *remote, uint16_t remote_port, uint64_t received)
{
	struct mb_nl_socket s = {.family = AF_INET,
	                         .proto = IPPROTO_TCP,
	                         .state = remote ? TCP_ESTABLISHED : TCP_LISTEN,
	                         .local_port = local_port,
	                         .remote_port = remote_port,
	                         .has_bytes = remote != NULL,
	                         .received_bytes = received,
	                         .acked_bytes = 9};

	put(s.local, local);
	if (remote)
		put(s.remote, remote);
	mb_net_found_add(f, id, &s);
}

/* "from -> to" of each, in order. */
static void expect(const struct mb_net_flows *flows, const char *const *lines, size_t n)
{
	char buf[MB_NET_ADDR_TEXT], other[MB_NET_ADDR_TEXT];

	assert_int_equal(flows->n, n);
	for (size_t i = 0; i < n; i++) {
		const struct mb_net_flow *f = &flows->v[i];
		MB_AUTO_FREE char *line =
			mb_asprintf("%s:%u -> %s:%u %s %d/%d", mb_net_peer_name(&f->from, buf),
		                    f->from.port, mb_net_peer_name(&f->to, other), f->to.port,
		                    f->state, (int)f->out_bytes, (int)f->in_bytes);

		assert_string_equal(line, lines[i]);
	}
}

static void the_book_knows_whose_an_address_is(void **state)
{
	MB_AUTO_NET_BOOK struct mb_net_book book = {0};
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	struct mb_net_addr a;

	(void)state;
	fill(&book);
	assert_int_equal(mb_net_addr_parse(app_ip, &a), 0);
	assert_string_equal(mb_net_book_find(&book, &a)->name, "app");
	assert_int_equal(mb_net_addr_parse(host_ip, &a), 0);
	assert_null(mb_net_book_find(&book, &a)->id);
	assert_int_equal(mb_net_addr_parse(outside, &a), 0);
	assert_null(mb_net_book_find(&book, &a));
	/* A second address of a container is no second container. */
	mb_net_book_add(&book, &a, "id-web", "web", "id-net", "net1");
	assert_string_equal(mb_net_book_find(&book, &a)->name, "web");
	mb_net_book_ids(&book, &ids);
	assert_int_equal(ids.n, 2);
}

static void a_published_port_names_all_three(void **state)
{
	MB_AUTO_NET_BOOK struct mb_net_book book = {0};
	struct mb_nl_conn c = conn(outside, 4711, host_ip, 8080);
	struct mb_net_flow f;
	char buf[MB_NET_ADDR_TEXT];

	(void)state;
	fill(&book);
	assert_false(mb_net_flow_of_conn(&book, &c, &f)); /* none of ours */
	put(c.reply.src, web_ip);
	c.reply.src_port = 80;
	c.status = IPS_DST_NAT;
	assert_true(mb_net_flow_of_conn(&book, &c, &f));
	assert_string_equal(mb_net_peer_name(&f.from, buf), outside);
	assert_string_equal(mb_net_peer_name(&f.to, buf), "web");
	assert_int_equal(f.to.port, 80);
	assert_string_equal(mb_net_addr_format(&f.via, buf), host_ip);
	assert_int_equal(f.via_port, 8080);
	assert_string_equal(f.state, "established");
	assert_false(f.has_bytes);
	mb_net_flow_done(&f);
}

static void two_sockets_are_one_flow_towards_the_listener(void **state)
{
	static const char *const lines[] = {"app:4711 -> web:80 established 100/2000",
	                                    "web:900 -> app:5000 established 5/6"};
	MB_AUTO_NET_BOOK struct mb_net_book book = {0};
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	struct mb_net_found f = {0};

	(void)state;
	fill(&book);
	found(&f, "id-app", app_ip, 4711, web_ip, 80, 2000);
	found(&f, "id-web", web_ip, 80, app_ip, 4711, 100);
	found(&f, "id-web", "0.0.0.0", 80, NULL, 0, 0);
	/* A listener counts more than the lower port. */
	found(&f, "id-app", "0.0.0.0", 5000, NULL, 0, 0);
	found(&f, "id-web", web_ip, 900, app_ip, 5000, 6);
	found(&f, "id-app", app_ip, 5000, web_ip, 900, 5);
	/* Not on any network. */
	found(&f, "id-app", "127.0.0.1", 5000, "127.0.0.1", 77, 1);
	found(&f, "id-app", app_ip, 5000, app_ip, 78, 1);
	mb_net_flows_merge(&flows, &book, &f);
	expect(&flows, lines, MB_N(lines));
	assert_false(flows.v[0].is_tracked);
	mb_net_found_done(&f);
}

static void one_end_alone_is_a_flow_too(void **state)
{
	static const char *const lines[] = {"web:6001 -> 10.9.9.9:443 established 9/8",
	                                    "10.9.9.9:6000 -> web:80 established 7/9"};
	MB_AUTO_NET_BOOK struct mb_net_book book = {0};
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	struct mb_net_found f = {0};

	(void)state;
	fill(&book);
	found(&f, "id-web", web_ip, 80, "10.9.9.9", 6000, 7);
	found(&f, "id-web", web_ip, 6001, "10.9.9.9", 443, 8);
	mb_net_flows_merge(&flows, &book, &f);
	expect(&flows, lines, MB_N(lines));
	mb_net_found_done(&f);
}

/* What connection tracking knows is not told a second time by its sockets, however the addresses
 * were translated on the way; their counts are taken where it has none. */
static void tracked_flows_take_the_counts_of_sockets(void **state)
{
	static const char *const lines[] = {"app:4711 -> web:80 established 100/2000",
	                                    "app:4712 -> web:80 established 101/2001",
	                                    "app:4713 -> web:80 established 500/600"};
	MB_AUTO_NET_BOOK struct mb_net_book book = {0};
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	struct mb_net_found f = {0};
	struct mb_nl_conn rows[] = {conn(app_ip, 4711, web_ip, 80),
	                            conn(app_ip, 4712, host_ip, 8080),
	                            conn(app_ip, 4713, web_ip, 80)};

	(void)state;
	fill(&book);
	put(rows[1].reply.src, web_ip);
	rows[1].reply.src_port = 80;
	put(rows[1].reply.dst, gateway);
	rows[1].reply.dst_port = 40000;
	rows[1].status = IPS_DST_NAT | IPS_SRC_NAT;
	rows[2].has_counters = true;
	rows[2].orig_bytes = 500;
	rows[2].reply_bytes = 600;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_flow flow;

		assert_true(mb_net_flow_of_conn(&book, &rows[i], &flow));
		mb_net_flows_add(&flows, &flow);
	}
	found(&f, "id-app", app_ip, 4711, web_ip, 80, 2000);
	found(&f, "id-web", web_ip, 80, app_ip, 4711, 100);
	found(&f, "id-app", app_ip, 4712, host_ip, 8080, 2001);
	found(&f, "id-web", web_ip, 80, gateway, 40000, 101);
	found(&f, "id-app", app_ip, 4713, web_ip, 80, 1);
	mb_net_flows_merge(&flows, &book, &f);
	expect(&flows, lines, MB_N(lines));
	mb_net_found_done(&f);
}

static void flows_are_found_put_and_taken_by_their_ends(void **state)
{
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	struct mb_net_flow like = {.proto = IPPROTO_TCP, .state = ""};

	(void)state;
	for (uint16_t i = 0; i < 50; i++) {
		struct mb_net_flow f = {.proto = IPPROTO_TCP, .state = ""};

		f.from.port = (uint16_t)(i * 7 % 50);
		mb_net_flows_insert(&flows, &f);
	}
	for (uint16_t i = 0; i < 50; i++) {
		like.from.port = i;
		assert_ptr_equal(mb_net_flows_find(&flows, &like), &flows.v[i]);
	}
	like.from.port = 10;
	mb_net_flows_remove(&flows, 10);
	assert_null(mb_net_flows_find(&flows, &like));
	assert_int_equal(flows.n, 49);
	like.from.port = 11;
	assert_ptr_equal(mb_net_flows_find(&flows, &like), &flows.v[10]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_book_knows_whose_an_address_is),
		cmocka_unit_test(a_published_port_names_all_three),
		cmocka_unit_test(two_sockets_are_one_flow_towards_the_listener),
		cmocka_unit_test(one_end_alone_is_a_flow_too),
		cmocka_unit_test(tracked_flows_take_the_counts_of_sockets),
		cmocka_unit_test(flows_are_found_put_and_taken_by_their_ends),
	};

	return cmocka_run_group_tests_name("net/flows", tests, NULL, NULL);
}
