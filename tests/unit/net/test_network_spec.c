/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/host_spec.h"
#include "net/network_spec.h"

static void modes(void **state)
{
	static const struct {
		const char *text, *name;
		enum mb_net_mode mode;
	} rows[] = {
		{"web", "web", MB_NET_MODE_NETWORK},
		{"default", "bridge", MB_NET_MODE_NETWORK},
		{"bridge", "bridge", MB_NET_MODE_NETWORK},
		{"host", "host", MB_NET_MODE_HOST},
		{"none", "none", MB_NET_MODE_NONE},
		{"container:db", "db", MB_NET_MODE_CONTAINER},
		{"name=host", "host", MB_NET_MODE_HOST},
		{"ns:/run/netns/a=b,c", "/run/netns/a=b,c", MB_NET_MODE_NS},
		{"cni:blue", "blue", MB_NET_MODE_CNI},
		{"cni:/etc/a=b,c.conf", "/etc/a=b,c.conf", MB_NET_MODE_CNI},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_network_spec s;

		assert_int_equal(mb_net_network_spec_parse(rows[i].text, &s, NULL), 0);
		assert_string_equal(s.name, rows[i].name);
		assert_int_equal(s.mode, rows[i].mode);
		mb_net_network_spec_done(&s);
	}
}

static void long_form(void **state)
{
	struct mb_net_network_spec s;
	const char *text =
		"name=web,alias=a,alias=b,ip=10.1.2.3,ip6=FD00::1,"
		"mac-address=02:42:AC:11:00:02,driver-opt=k=v=w,gw-priority=-3,link=db:store,"
		"link=db,link=db:store";

	(void)state;
	assert_int_equal(mb_net_network_spec_parse(text, &s, NULL), 0);
	assert_string_equal(s.name, "web");
	assert_int_equal(s.aliases.n, 2);
	assert_int_equal(s.links.n, 2);
	assert_string_equal(s.links.v[0], "db:store");
	assert_string_equal(s.links.v[1], "db:db");
	assert_string_equal(s.ip4, "10.1.2.3");
	assert_string_equal(s.ip6, "fd00::1");
	assert_string_equal(s.mac, "02:42:ac:11:00:02");
	assert_string_equal(mb_kv_find(&s.driver_opts, "k"), "v=w");
	assert_int_equal(s.gw_priority, -3);
	mb_net_network_spec_done(&s);
}

static void what_is_wrong(void **state)
{
	static const char *const rows[] = {
		"",
		"alias=a",
		"name=",
		"container:",
		"name=web,ip=fd00::1",
		"name=web,ip6=10.0.0.1",
		"name=web,ip=10.0.0.256",
		"name=web,mac-address=01:00:5e:00:00:01",
		"name=web,mac-address=02:42",
		"name=web,gw-priority=x",
		"name=web,driver-opt=x",
		"name=web,alias=",
		"name=web,link=",
		"name=web,link=:a",
		"name=web,link=db:",
		"name=web,link=db:a:b",
		"name=web,link=db:a/b",
		"name=web,alias=a/b",
		"name=web,other=1",
		"name=web,",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_network_spec s;

		if (mb_net_network_spec_parse(rows[i], &s, NULL) != -EINVAL)
			fail_msg("'%s' is taken", rows[i]);
	}
}

static void flags_complete_a_spec(void **state)
{
	MB_AUTO_STRV struct mb_strv aliases = MB_STRV_INIT;
	struct mb_net_network_spec s;

	(void)state;
	mb_strv_add(&aliases, "db");
	assert_int_equal(mb_net_network_spec_parse("web", &s, NULL), 0);
	assert_int_equal(
		mb_net_network_spec_set(&s, "10.0.0.9", NULL, "02:00:00:00:00:01", &aliases, NULL),
		0);
	assert_string_equal(s.ip4, "10.0.0.9");
	assert_null(s.ip6);
	assert_int_equal(s.aliases.n, 1);
	assert_int_equal(mb_net_network_spec_set(&s, "x", NULL, NULL, NULL, NULL), -EINVAL);
	mb_net_network_spec_done(&s);
}

static void hosts(void **state)
{
	static const struct {
		const char *text, *name,
			*address; /* address NULL: host-gateway; name NULL: wrong */
	} rows[] = {
		{"a:1.2.3.4", "a", "1.2.3.4"},
		{"a=1.2.3.4", "a", "1.2.3.4"},
		{"a:::1", "a", "::1"},
		{"a=[2001:DB8::1]", "a", "2001:db8::1"},
		{"a:host-gateway", "a", NULL},
		{"a", NULL, NULL},
		{"a:", NULL, NULL},
		{":1.2.3.4", NULL, NULL},
		{"a b:1.2.3.4", NULL, NULL},
		{"a\n:1.2.3.4", NULL, NULL},
		{"a:1.2.3.4\n", NULL, NULL},
		{"#a:1.2.3.4", NULL, NULL},
		{"a:b", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_host_spec s;
		int r = mb_net_host_spec_parse(rows[i].text, &s, NULL);

		assert_int_equal(r, rows[i].name ? 0 : -EINVAL);
		if (r)
			continue;
		assert_string_equal(s.name, rows[i].name);
		assert_true(mb_streq(s.address, rows[i].address));
		assert_int_equal(s.host_gateway, !rows[i].address);
		mb_net_host_spec_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes),         cmocka_unit_test(long_form),
		cmocka_unit_test(what_is_wrong), cmocka_unit_test(flags_complete_a_spec),
		cmocka_unit_test(hosts),
	};

	return cmocka_run_group_tests_name("net/network_spec", tests, NULL, NULL);
}
