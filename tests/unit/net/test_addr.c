/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "core/own.h"
#include "net/addr.h"
#include "net/handle.h"
#include "net/ipam.h"

static void prefixes(void **state)
{
	static const struct {
		const char *text, *out; /* out NULL: wrong */
	} rows[] = {
		{"10.88.5.7/24", "10.88.5.0/24"},
		{"10.0.0.1", "10.0.0.1/32"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"fd00::1:2/64", "fd00::/64"},
		{"192.168.1.200/26", "192.168.1.192/26"},
		{"fd00::ff/127", "fd00::fe/127"},
		{"10.0.0.0/33", NULL},
		{"10.0.0.0/-1", NULL},
		{"10.0.0/24", NULL},
		{"/24", NULL},
		{"10.0.0.0/", NULL},
		{"fd00::/129", NULL},
		{"", NULL},
	};
	char buf[MB_NET_ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_prefix p;

		assert_int_equal(mb_net_prefix_parse(rows[i].text, &p), rows[i].out ? 0 : -EINVAL);
		if (rows[i].out)
			assert_string_equal(mb_net_prefix_format(&p, buf), rows[i].out);
	}
}

static void overlaps(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} rows[] = {
		{"10.0.0.0/8", "10.88.1.0/24", true},      {"10.88.1.0/24", "10.88.2.0/24", false},
		{"10.88.1.0/25", "10.88.1.128/25", false}, {"10.88.1.7/32", "10.88.1.0/24", true},
		{"0.0.0.0/0", "10.0.0.0/8", true},         {"10.0.0.0/8", "fd00::/8", false},
		{"fd00::/48", "fd00::1:0:0:0:0/64", true},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_prefix a, b;

		assert_int_equal(mb_net_prefix_parse(rows[i].a, &a), 0);
		assert_int_equal(mb_net_prefix_parse(rows[i].b, &b), 0);
		assert_int_equal(mb_net_prefix_overlaps(&a, &b), rows[i].overlap);
		assert_int_equal(mb_net_prefix_overlaps(&b, &a), rows[i].overlap);
	}
}

static void hosts_of_a_prefix(void **state)
{
	char buf[MB_NET_ADDR_TEXT];
	struct mb_net_prefix p;
	struct mb_net_addr a;

	(void)state;
	assert_int_equal(mb_net_prefix_parse("10.88.0.0/16", &p), 0);
	mb_net_prefix_at(&p, 515, &a);
	assert_string_equal(mb_net_addr_format(&a, buf), "10.88.2.3");
	assert_int_equal(mb_net_prefix_index(&p, &a), 515);
	assert_int_equal(mb_net_prefix_parse("fd00:1::/64", &p), 0);
	mb_net_prefix_at(&p, 5, &a);
	assert_string_equal(mb_net_addr_format(&a, buf), "fd00:1::5");
	assert_int_equal(mb_net_prefix_index(&p, &a), 5);
}

static void macs(void **state)
{
	uint8_t mac[MB_NET_MAC_BYTES];
	char buf[MB_NET_MAC_TEXT];
	struct mb_net_addr a;

	(void)state;
	assert_int_equal(mb_net_mac_parse("02:42:AC:11:00:02", mac), 0);
	assert_string_equal(mb_net_mac_format(mac, buf), "02:42:ac:11:00:02");
	assert_int_equal(mb_net_mac_parse("00:00:00:00:00:00", mac), -EINVAL);
	assert_int_equal(mb_net_mac_parse("ff:ff:ff:ff:ff:ff", mac), -EINVAL);
	assert_int_equal(mb_net_mac_parse("02:42:ac:11:00:0", mac), -EINVAL);
	assert_int_equal(mb_net_mac_parse("02:42:ac:11:00:0g", mac), -EINVAL);
	assert_int_equal(mb_net_addr_parse("10.88.0.5", &a), 0);
	mb_net_mac_of(&a, mac);
	assert_string_equal(mb_net_mac_format(mac, buf), "02:6d:0a:58:00:05");
}

/* No two of a subnet have the same one, and hardly any two of different subnets. */
static void macs_of_ipv6(void **state)
{
	static const char *const texts[] = {"fd00::2", "fd00::3", "fd00:0:0:1::2", "fd00::1:2"};
	uint8_t macs[MB_N(texts)][MB_NET_MAC_BYTES], of_id[MB_NET_MAC_BYTES];
	struct mb_net_addr a;

	(void)state;
	for (size_t i = 0; i < MB_N(texts); i++) {
		assert_int_equal(mb_net_addr_parse(texts[i], &a), 0);
		mb_net_mac_of(&a, macs[i]);
		assert_int_equal(macs[i][0], 0x02);
		assert_int_equal(macs[i][1], 0x6c);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(macs[i], macs[k], MB_NET_MAC_BYTES);
	}
	mb_net_mac_of_id("0123456789abcdef", of_id);
	assert_int_equal(of_id[1], 0x6b);
	mb_net_mac_of_id("1123456789abcdef", macs[0]);
	assert_memory_not_equal(of_id, macs[0], MB_NET_MAC_BYTES);
}

static void plans(void **state)
{
	static const struct {
		const char *subnet, *gateway, *range;
		uint32_t first, last;
	} rows[] = {
		{"10.88.0.0/24", "10.88.0.1", NULL, 1, 254},
		{"10.88.0.0/16", "10.88.0.1", "10.88.5.0/24", 0x500, 0x5ff},
		{"10.88.0.0/24", "10.88.0.254", "10.88.0.0/25", 1, 127},
		{"10.88.0.0/30", "10.88.0.1", NULL, 1, 2},
		{"fd00::/64", "fd00::1", NULL, 1, UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_pool pool = {.subnet = mb_strdup(rows[i].subnet),
		                           .gateway = mb_strdup(rows[i].gateway),
		                           .ip_range = mb_strdup_or_null(rows[i].range)};
		struct mb_net_ipam_plan plan;
		uint32_t reserved[4];

		assert_int_equal(mb_net_pool_plan(&pool, &plan, reserved, 4, NULL), 0);
		assert_int_equal(plan.first, rows[i].first);
		assert_int_equal(plan.last, rows[i].last);
		mb_free_p(&pool.subnet);
		mb_free_p(&pool.gateway);
		mb_free_p(&pool.ip_range);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),          cmocka_unit_test(overlaps),
		cmocka_unit_test(hosts_of_a_prefix), cmocka_unit_test(macs),
		cmocka_unit_test(macs_of_ipv6),      cmocka_unit_test(plans),
	};

	return cmocka_run_group_tests_name("net/addr", tests, NULL, NULL);
}
