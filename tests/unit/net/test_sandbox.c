/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/endpoint.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/port_spec.h"
#include "net/skeleton.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct mb_net_sandbox *new_sandbox(size_t n)
{
	struct mb_net_sandbox *s = mb_calloc(1, sizeof(*s));

	s->container_id = mb_strdup(ID);
	s->container_name = mb_strdup("Web_1");
	s->hostname = mb_strdup("web.example");
	s->endpoints = mb_calloc(n, sizeof(*s->endpoints));
	s->n_endpoints = n;
	return s;
}

static void names_are_lower_case_and_safe(void **state)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = new_sandbox(1);
	struct mb_net_endpoint *e = &s->endpoints[0];

	(void)state;
	mb_strv_add(&e->aliases, "DB");
	mb_strv_add(&e->aliases, "db");
	mb_strv_add(&e->aliases, "../../etc");
	mb_strv_add(&e->aliases, "..");
	mb_strv_add(&e->aliases, "a b");
	mb_strv_add(&e->aliases, "");
	mb_net_names_collect(e, s);
	assert_int_equal(e->names.n, 4);
	assert_string_equal(e->names.v[0], "web_1");
	assert_string_equal(e->names.v[1], "db");
	assert_string_equal(e->names.v[2], "0123456789ab");
	assert_string_equal(e->names.v[3], "web.example");
}

static void the_gateway_is_the_first_that_leads_out(void **state)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = new_sandbox(3);

	(void)state;
	s->endpoints[0].internal = true;
	mb_net_gateway_choose(s);
	assert_true(mb_net_gateway_endpoint(s) == &s->endpoints[1]);
	s->endpoints[2].gw_priority = 1;
	mb_net_gateway_choose(s);
	assert_true(mb_net_gateway_endpoint(s) == &s->endpoints[2]);
	/* Without a default route it is the last choice, but one. */
	s->endpoints[2].no_route = true;
	mb_net_gateway_choose(s);
	assert_true(mb_net_gateway_endpoint(s) == &s->endpoints[1]);
	s->endpoints[1].internal = true;
	mb_net_gateway_choose(s);
	assert_true(mb_net_gateway_endpoint(s) == &s->endpoints[2]);
	s->endpoints[1].internal = s->endpoints[2].internal = true;
	mb_net_gateway_choose(s);
	assert_null(mb_net_gateway_endpoint(s));
}

static void ports_are_held_until_the_sandbox_goes(void **state)
{
	struct mb_net_port_spec any = {.port_lo = 80, .port_hi = 82, .proto = IPPROTO_TCP};
	struct mb_net_port_spec fixed = {.port_lo = 90, .port_hi = 90, .proto = IPPROTO_TCP};
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *a = new_sandbox(1), *b = new_sandbox(1);
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	mb_net_gateway_choose(a);
	mb_net_gateway_choose(b);
	assert_int_equal(mb_net_ports_reserve(a, &any, 1, "127.0.0.1", &err), 0);
	assert_int_equal(a->n_bindings, 3);
	assert_int_equal(a->n_reserved, 3);
	assert_int_equal(a->bindings[2].port, 82);
	assert_string_equal(a->bindings[0].host_ip, "127.0.0.1");
	fixed.host_lo = fixed.host_hi = (uint16_t)a->bindings[0].host_port;
	assert_int_equal(mb_net_ports_reserve(b, &fixed, 1, "127.0.0.1", &err), -EADDRINUSE);
	assert_non_null(strstr(err.msg, "port is already allocated"));
	assert_int_equal(b->n_bindings, 0);
	mb_net_sandbox_free(mb_take_ptr(&a));
	assert_int_equal(mb_net_ports_reserve(b, &fixed, 1, "127.0.0.1", &err), 0);
}

static void a_wide_host_range_gives_the_first_free(void **state)
{
	struct mb_net_port_spec spec = {.port_lo = 80, .port_hi = 80, .proto = IPPROTO_UDP};
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *a = new_sandbox(1), *b = new_sandbox(1);

	(void)state;
	mb_net_gateway_choose(a);
	mb_net_gateway_choose(b);
	assert_int_equal(mb_net_ports_reserve(a, &spec, 1, "127.0.0.1", NULL), 0);
	if (a->bindings[0].host_port > 65000)
		skip();
	spec.host_lo = (uint16_t)a->bindings[0].host_port;
	spec.host_hi = (uint16_t)(spec.host_lo + 100);
	assert_int_equal(mb_net_ports_reserve(b, &spec, 1, "127.0.0.1", NULL), 0);
	assert_true(b->bindings[0].host_port > spec.host_lo);
}

static void ipv6_addresses_need_ipv6(void **state)
{
	struct mb_net_port_spec spec = {.port_lo = 80, .port_hi = 80, .proto = IPPROTO_TCP};
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = new_sandbox(1);

	(void)state;
	mb_net_gateway_choose(s);
	assert_int_equal(mb_net_ports_reserve(s, &spec, 1, "::", NULL), -EADDRNOTAVAIL);
	spec.proto = IPPROTO_SCTP;
	assert_int_equal(mb_net_ports_reserve(s, &spec, 1, "::1", NULL), -EOPNOTSUPP);
}

static bool has_loop6(void)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	MB_AUTO_CLOSE int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
}

static void loop6_is_relayed(void **state)
{
	struct mb_net_port_spec spec = {.port_lo = 80, .port_hi = 80, .proto = IPPROTO_TCP};
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *a = new_sandbox(1), *b = new_sandbox(1);
	struct sockaddr_in6 at = {0};
	socklen_t size = sizeof(at);
	uint8_t ip4[4], ip6[16];
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	if (!has_loop6())
		skip();
	mb_net_gateway_choose(a);
	mb_net_gateway_choose(b);
	/* Everywhere: 0.0.0.0 is the binding, [::1] comes along at the same port. */
	assert_int_equal(mb_net_ports_reserve(a, &spec, 1, NULL, NULL), 0);
	assert_int_equal(a->n_bindings, 1);
	assert_string_equal(a->bindings[0].host_ip, "0.0.0.0");
	assert_true(a->bindings[0].relayed);
	assert_int_equal(a->n_reserved, 1);
	assert_int_equal(a->n_relays, 1);
	assert_int_equal(a->relays[0].port, 80);
	assert_int_equal(getsockname(a->relays[0].fd, (struct sockaddr *)&at, &size), 0);
	assert_true(IN6_IS_ADDR_LOOPBACK(&at.sin6_addr));
	assert_int_equal(ntohs(at.sin6_port), a->bindings[0].host_port);
	assert_true(mb_net_relay_target(a, ip4, ip6));
	/* Whoever else wants it is told. */
	spec.host_lo = spec.host_hi = (uint16_t)a->bindings[0].host_port;
	assert_int_equal(mb_net_ports_reserve(b, &spec, 1, "::1", &err), -EADDRINUSE);
	assert_non_null(strstr(err.msg, "bind for [::1]:"));
	/* The record says enough to have it again. */
	mb_close(&a->relays[0].fd);
	mb_close(&a->reserved[0]);
	a->n_relays = a->n_reserved = 0;
	assert_int_equal(mb_net_sandbox_reserve(NULL, a, NULL), 0);
	assert_int_equal(a->n_reserved, 1);
	assert_int_equal(a->n_relays, 1);
}

static void loop6_is_relayed_where_all_of_ipv4_is_not_meant_alone(void **state)
{
	struct mb_net_port_spec spec = {.port_lo = 80, .port_hi = 80, .proto = IPPROTO_UDP};
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = new_sandbox(1);

	(void)state;
	if (!has_loop6())
		skip();
	mb_net_gateway_choose(s);
	assert_int_equal(mb_net_ports_reserve(s, &spec, 1, "0.0.0.0", NULL), 0);
	assert_int_equal(mb_net_ports_reserve(s, &spec, 1, "127.0.0.1", NULL), 0);
	assert_int_equal(s->n_relays, 0);
	assert_int_equal(mb_net_ports_reserve(s, &spec, 1, "::1", NULL), 0);
	assert_int_equal(s->n_relays, 1);
	assert_int_equal(s->n_bindings, 3);
}

static void a_port_is_one_element(void **state)
{
	static const uint8_t key[] = {6, 0, 0, 0, 0x1f, 0x90, 0, 0};
	static const uint8_t data[] = {10, 88, 0, 5, 0, 80, 0, 0};
	static const uint8_t at_key[] = {127, 0, 0, 1, 6, 0, 0, 0, 0x1f, 0x90, 0, 0};
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
	struct mb_net_mapping m = {.proto = IPPROTO_TCP, .host_port = 8080, .port = 80};

	(void)state;
	assert_int_equal(mb_net_addr_parse("0.0.0.0", &m.host), 0);
	assert_int_equal(mb_net_addr_parse("10.88.0.5", &m.to), 0);
	mb_net_changes_port(&c, &m, false);
	assert_int_equal(mb_net_addr_parse("127.0.0.1", &m.host), 0);
	mb_net_changes_port(&c, &m, true);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.v[0].set, MB_NET_SET_DNAT4_ANY);
	assert_int_equal(c.v[0].elem.key_len, sizeof(key));
	assert_memory_equal(c.v[0].elem.key, key, sizeof(key));
	assert_int_equal(c.v[0].elem.data_len, sizeof(data));
	assert_memory_equal(c.v[0].elem.data, data, sizeof(data));
	assert_int_equal(c.v[1].set, MB_NET_SET_DNAT4);
	assert_true(c.v[1].remove);
	assert_memory_equal(c.v[1].elem.key, at_key, sizeof(at_key));
}

static void an_opened_port_is_one_element_a_family(void **state)
{
	static const uint8_t key[] = {10, 88, 0, 5, 17, 0, 0, 0, 0, 53, 0, 0};
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = new_sandbox(1);
	MB_AUTO_NET_CHANGES struct mb_net_changes one = {0}, both = {0}, none = {0};

	(void)state;
	s->endpoints[0].ip4 = mb_strdup("10.88.0.5");
	s->endpoints[0].ip6 = mb_strdup("fd00::5");
	s->endpoints[0].direct4 = true;
	s->opened = mb_calloc(1, sizeof(*s->opened));
	s->opened[s->n_opened++] =
		(struct mb_net_opened){.proto = IPPROTO_UDP, .port = 53, .v4 = true, .v6 = true};
	mb_net_gateway_choose(s);
	mb_net_ports_changes(s, &one, false);
	assert_int_equal(one.n, 1);
	assert_int_equal(one.v[0].set, MB_NET_SET_OPENED4);
	assert_int_equal(one.v[0].elem.key_len, sizeof(key));
	assert_memory_equal(one.v[0].elem.key, key, sizeof(key));
	s->endpoints[0].direct6 = true;
	mb_net_ports_changes(s, &both, true);
	assert_int_equal(both.n, 2);
	assert_int_equal(both.v[1].set, MB_NET_SET_OPENED6);
	assert_true(both.v[1].remove);
	/* The default route is another network's now, which is not direct. */
	s->endpoints[0].direct4 = s->endpoints[0].direct6 = false;
	mb_net_ports_changes(s, &none, false);
	assert_int_equal(none.n, 0);
}

static void by_a_trusted_interface_only_what_is_for_all(void **state)
{
	static const uint8_t key[] = {10, 88, 0, 5, 6, 0, 0, 0, 0, 80, 0, 0};
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = new_sandbox(1);
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0}, none = {0};

	(void)state;
	s->endpoints[0].ip4 = mb_strdup("10.88.0.5");
	s->bindings = mb_calloc(2, sizeof(*s->bindings));
	s->n_bindings = 2;
	for (size_t i = 0; i < 2; i++)
		s->bindings[i] = (struct mb_net_binding){.proto = IPPROTO_TCP,
		                                         .port = 80 + (uint32_t)i,
		                                         .host_port = 8080 + (uint32_t)i,
		                                         .host_ip = mb_strdup("127.0.0.1")};
	mb_strv_add(&s->bindings[1].from, "192.0.2.0/24");
	mb_net_gateway_choose(s);
	mb_net_ports_changes(s, &none, false);
	s->endpoints[0].trusting = true;
	mb_net_ports_changes(s, &c, false);
	assert_int_equal(c.n, none.n + 1);
	assert_int_equal(c.v[c.n - 1].set, MB_NET_SET_LED4);
	assert_int_equal(c.v[c.n - 1].elem.key_len, sizeof(key));
	assert_memory_equal(c.v[c.n - 1].elem.key, key, sizeof(key));
}

static void networks_have_the_elements_of_their_kind(void **state)
{
	struct mb_net_network n = {.icc = true, .masquerade = true};
	static const uint8_t source_ip[] = {192, 0, 2, 9};
	const uint32_t pair[] = {0x0a580100, 0x0a580100};
	const struct {
		char name[IFNAMSIZ];
		uint32_t group;
	} by_eth7 = {"eth7", 0x0a580100};
	MB_AUTO_NET_CHANGES struct mb_net_changes open = {0}, internal = {0}, sealed = {0},
						  direct = {0}, source = {0}, exposed = {0},
						  loose = {0}, trusting = {0};

	(void)state;
	n.v4.subnet = mb_strdup("10.88.1.0/24");
	assert_int_equal(mb_net_group(&n), 0x0a580100);
	mb_net_changes_network(&open, &n, false);
	assert_int_equal(open.n, 5);
	n.v6.subnet = mb_strdup("fd00:1::/64");
	n.direct4 = true;
	mb_net_changes_network(&direct, &n, false);
	assert_int_equal(direct.n, 5);
	assert_int_equal(direct.v[4].set, MB_NET_SET_MASQ6);
	n.direct4 = false;
	n.host_ip4 = mb_strdup("192.0.2.9");
	mb_net_changes_network(&source, &n, false);
	assert_int_equal(source.n, 6);
	assert_int_equal(source.v[4].set, MB_NET_SET_SNAT4);
	assert_memory_equal(source.v[4].elem.data, source_ip, sizeof(source_ip));
	assert_int_equal(source.v[5].set, MB_NET_SET_MASQ6);
	mb_free_p(&n.host_ip4);
	n.host_ip4 = NULL;
	assert_int_equal(open.v[4].set, MB_NET_SET_MASQ4);
	assert_int_equal(open.v[1].elem.key_len, 8);
	assert_memory_equal(open.v[1].elem.key, pair, sizeof(pair));
	n.exposed4 = n.exposed6 = true;
	mb_net_changes_network(&exposed, &n, false);
	assert_int_equal(exposed.n, 8);
	assert_int_equal(exposed.v[4].set, MB_NET_SET_EXPOSED4);
	assert_int_equal(exposed.v[5].set, MB_NET_SET_EXPOSED6);
	n.exposed4 = n.exposed6 = false;
	mb_strv_add(&n.trusted, "eth7");
	mb_net_changes_network(&trusting, &n, false);
	assert_int_equal(trusting.n, 7);
	assert_int_equal(trusting.v[4].set, MB_NET_SET_TRUSTED);
	assert_int_equal(trusting.v[4].elem.key_len, sizeof(by_eth7));
	assert_memory_equal(trusting.v[4].elem.key, &by_eth7, sizeof(by_eth7));
	mb_strv_done(&n.trusted);
	n.loose = true;
	mb_net_changes_network(&loose, &n, false);
	assert_int_equal(loose.n, 7);
	assert_int_equal(loose.v[4].set, MB_NET_SET_LOOSE);
	n.loose = false;
	n.internal = true;
	mb_net_changes_network(&internal, &n, false);
	assert_int_equal(internal.n, 4);
	assert_int_equal(internal.v[3].set, MB_NET_SET_INTERNAL);
	n.internal = n.icc = n.masquerade = false;
	mb_net_changes_network(&sealed, &n, false);
	assert_int_equal(sealed.n, 3);
	mb_free_p(&n.v4.subnet);
	mb_free_p(&n.v6.subnet);
}

static void the_skeleton_is_well_formed(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	(void)state;
	mb_net_skeleton_put(&b, "mybox");
	assert_false(b.broken);
	assert_true(b.n_messages > MB_NET_SET_N_);
	for (unsigned int i = 0; i < MB_NET_SET_N_; i++)
		assert_non_null(mb_net_set_name(i));
}

static void networks_without_names(void **state)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = new_sandbox(2);

	(void)state;
	s->endpoints[0].no_dns = true;
	assert_true(mb_net_has_names(s));
	mb_net_names_collect(&s->endpoints[0], s);
	assert_int_equal(s->endpoints[0].names.n, 0);
	mb_net_names_collect(&s->endpoints[1], s);
	assert_true(s->endpoints[1].names.n > 0);
	s->endpoints[1].no_dns = true;
	assert_false(mb_net_has_names(s));
}

static void hosts_file(void **state)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = new_sandbox(1);
	struct mb_net_files f = {.hostname = "web", .domainname = "lan", .sandbox = s};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	s->endpoints[0].ip4 = mb_strdup("10.88.0.5");
	s->endpoints[0].gw4 = mb_strdup("10.88.0.1");
	mb_net_gateway_choose(s);
	mb_strv_add(&f.add_hosts, "db:1.2.3.4");
	mb_strv_add(&f.add_hosts, "up:host-gateway");
	assert_int_equal(mb_net_hosts_format(NULL, &f, &out, NULL), 0);
	assert_true(mb_starts_with(out.buf, "127.0.0.1\tlocalhost\n::1\tlocalhost"));
	assert_true(
		mb_ends_with(out.buf, "\n10.88.0.5\tweb.lan web\n1.2.3.4\tdb\n10.88.0.1\tup\n"));
	mb_strv_done(&f.add_hosts);
}

static void resolv_conf(void **state)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = new_sandbox(1);
	struct mb_net_files f = {.hostname = "web", .sandbox = s};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, own = MB_STR_INIT;

	(void)state;
	mb_strv_add(&f.dns, "9.9.9.9");
	mb_strv_add(&f.dns_search, "example.org");
	mb_strv_add(&f.dns_options, "timeout:1");
	assert_int_equal(mb_net_resolv_format(&f, &out, NULL), 0);
	assert_string_equal(out.buf, "nameserver 127.0.0.11\nsearch example.org\n"
	                             "options timeout:1 ndots:0\n");
	f.no_resolver = true;
	assert_int_equal(mb_net_resolv_format(&f, &own, NULL), 0);
	assert_string_equal(own.buf, "nameserver 9.9.9.9\nsearch example.org\n"
	                             "options timeout:1\n");
	mb_strv_add(&f.dns, "not an address");
	assert_int_equal(mb_net_resolv_format(&f, &own, NULL), -EINVAL);
	mb_strv_done(&f.dns);
	mb_strv_done(&f.dns_search);
	mb_strv_done(&f.dns_options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_lower_case_and_safe),
		cmocka_unit_test(the_gateway_is_the_first_that_leads_out),
		cmocka_unit_test(ports_are_held_until_the_sandbox_goes),
		cmocka_unit_test(a_wide_host_range_gives_the_first_free),
		cmocka_unit_test(ipv6_addresses_need_ipv6),
		cmocka_unit_test(loop6_is_relayed),
		cmocka_unit_test(loop6_is_relayed_where_all_of_ipv4_is_not_meant_alone),
		cmocka_unit_test(a_port_is_one_element),
		cmocka_unit_test(an_opened_port_is_one_element_a_family),
		cmocka_unit_test(networks_have_the_elements_of_their_kind),
		cmocka_unit_test(by_a_trusted_interface_only_what_is_for_all),
		cmocka_unit_test(the_skeleton_is_well_formed),
		cmocka_unit_test(networks_without_names),
		cmocka_unit_test(hosts_file),
		cmocka_unit_test(resolv_conf),
	};

	return cmocka_run_group_tests_name("net/sandbox", tests, NULL, NULL);
}
