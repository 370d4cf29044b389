/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "core/clock.h"
#include "core/own.h"
#include "core/str.h"
#include "net/edges.h"
#include "net/flows.h"

static void add(struct mb_net_flows *flows, const char *from, uint16_t from_port, const char *to,
                uint16_t port, uint64_t bytes)
{
	struct mb_net_flow f = {.proto = IPPROTO_TCP, .state = "", .has_bytes = true};

	f.from.id = mb_strdup(from);
	f.from.name = mb_strdup(from);
	f.from.port = from_port;
	f.to.id = mb_strdup(to);
	f.to.name = mb_strdup(to);
	f.to.network = mb_strdup("net1");
	f.to.port = port;
	/* Ends are told apart by their addresses. */
	f.from.addr.family = f.to.addr.family = AF_INET;
	f.from.addr.b[0] = (uint8_t)from[0];
	f.to.addr.b[0] = (uint8_t)to[0];
	f.out_bytes = bytes;
	mb_net_flows_insert(flows, &f);
}

static void connections_to_one_port_are_one_edge(void **state)
{
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	MB_AUTO_NET_EDGES struct mb_net_edges edges = {0};

	(void)state;
	add(&flows, "app", 1000, "web", 80, 10);
	add(&flows, "app", 1001, "web", 80, 5);
	add(&flows, "app", 1002, "web", 81, 1);
	add(&flows, "web", 1003, "db", 5432, 7);
	mb_net_edges_of(&flows, &edges);
	assert_int_equal(edges.n, 3);
	assert_string_equal(edges.v[0].from, "app");
	assert_int_equal(edges.v[0].port, 80);
	assert_int_equal(edges.v[0].n, 2);
	assert_int_equal(edges.v[0].out_bytes, 15);
	assert_string_equal(edges.v[2].to, "db");
}

static void rates_are_what_was_carried_since(void **state)
{
	MB_AUTO_NET_FLOWS struct mb_net_flows before = {0}, now = {0};
	MB_AUTO_NET_EDGES struct mb_net_edges edges = {0};

	(void)state;
	add(&before, "app", 1000, "web", 80, 1000);
	add(&before, "web", 1003, "db", 5432, 7);
	add(&before, "app", 999, "web", 80, 50000); /* has ended */
	add(&now, "app", 1000, "web", 80, 1200);
	add(&now, "app", 1001, "web", 80, 100); /* has begun */
	add(&now, "web", 1003, "db", 5432, 1007);
	mb_net_edges_of(&now, &edges);
	mb_net_edges_rate(&edges, &before, &now, 2 * MB_NSEC_PER_SEC);
	mb_net_edges_sort_by_rate(&edges);
	assert_string_equal(edges.v[0].to, "db");
	assert_int_equal(edges.v[0].out_rate, 500);
	assert_int_equal(edges.v[1].out_rate, 150);
}

static void graphs_are_drawn(void **state)
{
	static const struct {
		enum mb_net_graph_format format;
		const char *has[3];
	} rows[] = {
		{MB_NET_GRAPH_TEXT,
	         {"app\n  -> web  tcp 80 x2  (net1)\n", "web\n  -> db  tcp 5432", ""}},
		{MB_NET_GRAPH_DOT,
	         {"digraph", "\"app\" -> \"web\" [label=\"tcp 80 x2\"];", "\"db\";"}},
		{MB_NET_GRAPH_MERMAID, {"flowchart LR", "n0 -->|\"tcp 80 x2\"| n1", "n2[\"db\"]"}},
		/* Three columns: app, web, db. */
		{MB_NET_GRAPH_SVG,
	         {"<rect x=\"24\" y=\"24\"", "<rect x=\"384\" y=\"24\"",
	          "<rect x=\"744\" y=\"24\""}},
	};
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	MB_AUTO_NET_EDGES struct mb_net_edges edges = {0};

	(void)state;
	add(&flows, "app", 1000, "web", 80, 10);
	add(&flows, "app", 1001, "web", 80, 5);
	add(&flows, "web", 1003, "db", 5432, 7);
	mb_net_edges_of(&flows, &edges);
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		mb_net_graph_draw(&edges, rows[i].format, &out);
		for (size_t k = 0; k < MB_N(rows[i].has); k++)
			assert_non_null(strstr(mb_str_text(&out), rows[i].has[k]));
	}
}

/* Whoever talks in a circle, or to itself, still gets a picture. */
static void circles_end(void **state)
{
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	MB_AUTO_NET_EDGES struct mb_net_edges edges = {0};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	mb_net_graph_draw(&edges, MB_NET_GRAPH_SVG, &out);
	assert_non_null(strstr(mb_str_text(&out), "</svg>"));
	add(&flows, "a", 1, "b", 80, 1);
	add(&flows, "b", 2, "c", 80, 1);
	add(&flows, "c", 3, "a", 80, 1);
	add(&flows, "c", 4, "c", 81, 1);
	mb_net_edges_of(&flows, &edges);
	mb_str_reset(&out);
	mb_net_graph_draw(&edges, MB_NET_GRAPH_SVG, &out);
	assert_non_null(strstr(mb_str_text(&out), "</svg>"));
}

/* Anybody is a client: many of them, beside two that talk in a circle, are no work, and no wider.
 */
static void a_crowd_is_drawn(void **state)
{
	enum { CROWD = 5000 };
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	MB_AUTO_NET_EDGES struct mb_net_edges edges = {0};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	unsigned width = 0;

	(void)state;
	add(&flows, "web", 1, "db", 80, 1);
	add(&flows, "db", 2, "web", 80, 1);
	add(&flows, "db", 3, "disk", 80, 1);
	for (unsigned i = 0; i < CROWD; i++) {
		char name[32];

		snprintf(name, sizeof(name), "10.%u.%u.1", i / 250, i % 250);
		add(&flows, name, (uint16_t)(i + 10), "web", 443, 1);
	}
	mb_net_edges_of(&flows, &edges);
	mb_net_graph_draw(&edges, MB_NET_GRAPH_SVG, &out);
	assert_int_equal(sscanf(mb_str_text(&out),
	                        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\"", &width),
	                 1);
	/* Clients, web, db, disk. */
	assert_int_equal(width, 3 * 360 + 170 + 2 * 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_to_one_port_are_one_edge),
		cmocka_unit_test(rates_are_what_was_carried_since),
		cmocka_unit_test(graphs_are_drawn),
		cmocka_unit_test(circles_end),
		cmocka_unit_test(a_crowd_is_drawn),
	};

	return cmocka_run_group_tests_name("net/edges", tests, NULL, NULL);
}
