/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "net/route_spec.h"
#include "unit.h"

static void what_is_right(void **state)
{
	static const struct {
		const char *text, *dst, *gateway;
		uint32_t metric;
	} rows[] = {
		{"10.21.0.0/16,10.93.1.9", "10.21.0.0/16", "10.93.1.9", 0},
		{"10.21.7.9/16,10.93.1.9,100", "10.21.0.0/16", "10.93.1.9", 100},
		{"192.0.2.7/32,10.93.1.9,0", "192.0.2.7/32", "10.93.1.9", 0},
		{"2001:db8::/32,fd00::9,4294967295", "2001:db8::/32", "fd00::9", UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_route_spec s;
		char dst[MB_NET_ADDR_TEXT], gateway[MB_NET_ADDR_TEXT];

		assert_int_equal(mb_net_route_spec_parse(rows[i].text, &s, NULL), 0);
		assert_string_equal(mb_net_prefix_format(&s.dst, dst), rows[i].dst);
		assert_string_equal(mb_net_addr_format(&s.gateway, gateway), rows[i].gateway);
		assert_int_equal(s.metric, rows[i].metric);
	}
}

static void what_is_wrong(void **state)
{
	static const char *const rows[] = {
		"",
		",",
		"10.21.0.0/16",
		"10.21.0.0/16,",
		"10.21.0.0,10.93.1.9",
		"10.21.0.0/33,10.93.1.9",
		"0.0.0.0/0,10.93.1.9",
		"::/0,fd00::9",
		"10.21.0.0/16,fd00::9",
		"2001:db8::/32,10.93.1.9",
		"10.21.0.0/16,x",
		"10.21.0.0/16,10.93.1.0/24",
		"10.21.0.0/16,10.93.1.9,",
		"10.21.0.0/16,10.93.1.9,-1",
		"10.21.0.0/16,10.93.1.9,4294967296",
		"10.21.0.0/16,10.93.1.9,1,2",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_err err = MB_ERR_INIT;
		struct mb_net_route_spec s;

		if (mb_net_route_spec_parse(rows[i], &s, &err) != -EINVAL)
			fail_msg("'%s' is taken", rows[i]);
		assert_non_null(strstr(err.msg, rows[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right),
		cmocka_unit_test(what_is_wrong),
	};

	return cmocka_run_group_tests_name("net/route_spec", tests, NULL, NULL);
}
