/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/port_spec.h"

enum { T = IPPROTO_TCP, U = IPPROTO_UDP, S = IPPROTO_SCTP };

static void what_is_right(void **state)
{
	static const struct {
		const char *text, *ip;
		uint16_t host_lo, host_hi, lo, hi;
		uint8_t proto;
	} rows[] = {
		{"80", NULL, 0, 0, 80, 80, T},
		{"80/udp", NULL, 0, 0, 80, 80, U},
		{"8080:80", NULL, 8080, 8080, 80, 80, T},
		{"8080:80/TCP", NULL, 8080, 8080, 80, 80, T},
		{"127.0.0.1:8080:80", "127.0.0.1", 8080, 8080, 80, 80, T},
		{"127.0.0.1::80", "127.0.0.1", 0, 0, 80, 80, T},
		{":80", NULL, 0, 0, 80, 80, T},
		{"::80", NULL, 0, 0, 80, 80, T},
		{"[::1]:80:80", "::1", 80, 80, 80, 80, T},
		{"[2001:DB8::1]::53/udp", "2001:db8::1", 0, 0, 53, 53, U},
		{"::1:8080:80", "::1", 8080, 8080, 80, 80, T},
		{"3000-3002:4000-4002/sctp", NULL, 3000, 3002, 4000, 4002, S},
		{"3000-3010:80", NULL, 3000, 3010, 80, 80, T},
		{"4000-4002", NULL, 0, 0, 4000, 4002, T},
		{"0.0.0.0:1:65535", "0.0.0.0", 1, 1, 65535, 65535, T},
		{"target=80,published=8080", NULL, 8080, 8080, 80, 80, T},
		{"published=8080,target=80,protocol=udp,mode=host", NULL, 8080, 8080, 80, 80, U},
		{"target=80", NULL, 0, 0, 80, 80, T},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_err err = MB_ERR_INIT;
		struct mb_net_port_spec s;

		if (mb_net_port_spec_parse(rows[i].text, &s, &err))
			fail_msg("'%s': %s", rows[i].text, err.msg);
		assert_true(mb_streq(s.host_ip, rows[i].ip));
		assert_int_equal(s.host_lo, rows[i].host_lo);
		assert_int_equal(s.host_hi, rows[i].host_hi);
		assert_int_equal(s.port_lo, rows[i].lo);
		assert_int_equal(s.port_hi, rows[i].hi);
		assert_int_equal(s.proto, rows[i].proto);
		mb_net_port_spec_done(&s);
	}
}

static void what_is_wrong(void **state)
{
	static const char *const rows[] = {
		"",
		"0",
		"65536",
		"-1",
		"80:",
		"80/",
		"80/icmp",
		"a:80",
		"80:a",
		"1:2:3:4",
		"1.2.3:80:80",
		"[::1:80:80",
		"[::1]80",
		"80-70",
		"80-",
		"-80",
		"8080:80-82",
		"80-82:80-81",
		"80 ",
		" 80",
		"0x50",
		"1e3",
		"[]:80:80",
		"80:80:80",
		"target=",
		"published=80",
		"target=80,x",
		"target=80,protocol=x",
		"99999:80",
		"localhost:80:80",
		"256.0.0.1:80:80",
		"80/tcp/udp",
		"80,from=",
		"80,from=x",
		"80,from=10.0.0.0/33",
		"80,from=10.0.0.0/8,target=81",
		"80,81",
		"80,,from=10.0.0.0/8",
		",from=10.0.0.0/8",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_err err = MB_ERR_INIT;
		struct mb_net_port_spec s;

		if (mb_net_port_spec_parse(rows[i], &s, &err) != -EINVAL)
			fail_msg("'%s' is taken", rows[i]);
		assert_true(mb_starts_with(err.msg, "invalid publish opts"));
	}
}

static void who_may_connect(void **state)
{
	static const char *const rows[][2] = {
		{"80", ""},
		{"8080:80/udp,from=10.1.2.3/8", "10.0.0.0/8"},
		{"8080:80,from=10.1.2.3", "10.1.2.3"},
		{"80,from=10.1.0.0/16,from=10.0.0.0/8,from=10.0.0.0/8,from=fd00::/8",
	         "10.0.0.0/8 fd00::/8"},
		{"80,from=10.0.0.0/8,from=10.1.0.0/16", "10.0.0.0/8"},
		{"[::]:80:80,from=::/0", "::/0"},
		{"target=80,from=192.0.2.0/24,published=8080", "192.0.2.0/24"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *text = NULL;
		struct mb_net_port_spec s;

		assert_int_equal(mb_net_port_spec_parse(rows[i][0], &s, NULL), 0);
		assert_int_equal(s.port_lo, 80);
		text = mb_strv_join(&s.from, " ");
		assert_string_equal(text, rows[i][1]);
		mb_net_port_spec_done(&s);
	}
}

static void expose(void **state)
{
	struct mb_net_port_spec s;

	(void)state;
	assert_int_equal(mb_net_expose_parse("80", &s, NULL), 0);
	assert_int_equal(s.port_lo, 80);
	assert_int_equal(mb_net_expose_parse("8000-8010/udp", &s, NULL), 0);
	assert_int_equal(s.port_hi, 8010);
	assert_int_equal(s.proto, U);
	assert_int_equal(mb_net_expose_parse("80:80", &s, NULL), -EINVAL);
	assert_string_equal(mb_net_proto_name(S), "sctp");
	assert_string_equal(mb_net_proto_name(99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right),
		cmocka_unit_test(what_is_wrong),
		cmocka_unit_test(who_may_connect),
		cmocka_unit_test(expose),
	};

	return cmocka_run_group_tests_name("net/port_spec", tests, NULL, NULL);
}
