/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "core/err.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/net.h"
#include "net/overlay_record.h"

#define ID   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD "{\"schema\":1,\"name\":\"web\",\"host\":\"two\","
#define GOOD HEAD "\"vtep\":\"192.0.2.2\",\"ip\":\"10.88.0.7\",\"mac\":\"02:6d:0a:58:00:07\""

static char subnet[] = "10.88.0.0/16", gateway[] = "10.88.0.1", vtep[] = "192.0.2.1";
static const struct mb_net_network network = {.v4 = {.subnet = subnet, .gateway = gateway},
                                              .overlay = {.vtep = vtep}};

static void remote_is_read_and_written(void **state)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_net_remote r = {0};

	(void)state;
	assert_int_equal(
		mb_net_remote_parse(GOOD ",\"names\":[\"web\",\"api\"]}", ID, &network, &r, NULL),
		0);
	assert_string_equal(r.id, ID);
	assert_string_equal(r.vtep, "192.0.2.2");
	assert_int_equal(r.names.n, 2);
	mb_net_remote_format(&r, &text);
	assert_non_null(strstr(mb_str_text(&text), "\"api\""));
	mb_net_remote_done(&r);
}

struct lie {
	const char *text;
	int code;
	const char *says;
};

static void assert_says(const struct lie *lie, const struct mb_err *err)
{
	if (!strstr(err->msg, lie->says))
		fail_msg("'%s' says '%s'", lie->text, err->msg);
}

static void remote_that_lies_is_refused(void **state)
{
	static const struct lie cases[] = {
		{"", EBADMSG, "a record in the store"},
		{"[]", EBADMSG, "a record in the store"},
		{"{\"schema\":2}", EPROTONOSUPPORT, "newer version"},
		{"{\"schema\":0}", EBADMSG, "no version"},
		{HEAD "\"ip\":\"10.88.0.7\"}", EBADMSG, "vtep"},
		{HEAD "\"vtep\":7,\"ip\":\"10.88.0.7\",\"mac\":\"02:6d:0a:58:00:07\"}", EBADMSG,
	         "'vtep'"},
		{HEAD "\"vtep\":\"192.0.2.2\",\"ip\":\"10.89.0.7\",\"mac\":\"02:6d:0a:59:00:07\"}",
	         EBADMSG, "address: '10.89.0.7'"},
		{HEAD "\"vtep\":\"192.0.2.2\",\"ip\":\"10.88.0.1\",\"mac\":\"02:6d:0a:58:00:01\"}",
	         EBADMSG, "address: '10.88.0.1'"},
		{HEAD
	         "\"vtep\":\"192.0.2.2\",\"ip\":\"10.88.255.255\",\"mac\":\"02:42:0a:58:00:01\"}",
	         EBADMSG, "address: '10.88.255.255'"},
		{HEAD "\"vtep\":\"fd00::1\",\"ip\":\"10.88.0.7\",\"mac\":\"02:6d:0a:58:00:07\"}",
	         EBADMSG, "tunnel: 'fd00::1'"},
		{HEAD "\"vtep\":\"127.0.0.1\",\"ip\":\"10.88.0.7\",\"mac\":\"02:6d:0a:58:00:07\"}",
	         EBADMSG, "tunnel: '127.0.0.1'"},
		{HEAD "\"vtep\":\"0.0.0.2\",\"ip\":\"10.88.0.7\",\"mac\":\"02:6d:0a:58:00:07\"}",
	         EBADMSG, "tunnel: '0.0.0.2'"},
		{HEAD "\"vtep\":\"10.88.9.9\",\"ip\":\"10.88.0.7\",\"mac\":\"02:6d:0a:58:00:07\"}",
	         EBADMSG, "tunnel: '10.88.9.9'"},
		/* The gateway's, and another container's. */
		{HEAD "\"vtep\":\"192.0.2.2\",\"ip\":\"10.88.0.7\",\"mac\":\"02:6d:0a:58:00:01\"}",
	         EBADMSG, "MAC address"},
		{HEAD "\"vtep\":\"192.0.2.2\",\"ip\":\"10.88.0.7\",\"mac\":\"01:00:5e:00:00:01\"}",
	         EBADMSG, "MAC address"},
		/* A tunnel's. */
		{HEAD "\"vtep\":\"192.0.2.2\",\"ip\":\"10.88.0.7\",\"mac\":\"02:6e:c0:00:02:02\"}",
	         EBADMSG, "MAC address"},
		{GOOD ",\"aliases\":{}}", EBADMSG, "aliases"},
		{GOOD ",\"labels\":[]}", EBADMSG, "labels"},
		{GOOD ",\"labels\":{\"a\":7}}", EBADMSG, "labels"},
		{GOOD ",\"names\":[\"../x\"]}", EBADMSG, "name: '../x'"},
		{GOOD ",\"names\":[\"a b\"]}", EBADMSG, "name: 'a b'"},
		{GOOD ",\"ip6\":\"fd00::7\"}", EBADMSG, "address: 'fd00::7'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct mb_err err = MB_ERR_INIT;
		struct mb_net_remote r = {0};

		assert_int_equal(mb_net_remote_parse(cases[i].text, ID, &network, &r, &err),
		                 -cases[i].code);
		assert_says(&cases[i], &err);
	}
}

static void remote_may_have_a_mac_of_its_own_choice(void **state)
{
	struct mb_net_remote r = {0};

	(void)state;
	assert_int_equal(mb_net_remote_parse(HEAD "\"vtep\":\"192.0.2.2\",\"ip\":\"10.88.0.7\","
	                                          "\"mac\":\"02:42:01:AB:03:04\"}",
	                                     ID, &network, &r, NULL),
	                 0);
	assert_string_equal(r.mac, "02:42:01:ab:03:04");
	mb_net_remote_done(&r);
}

static void shared_is_what_a_network_says(void **state)
{
	static char id[] = ID, range[] = "10.88.4.0/24";
	struct mb_net_network n = network;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_net_shared s = {0};

	(void)state;
	n.id = id;
	n.v4.ip_range = range;
	n.mtu = 1450;
	n.icc = true;
	n.overlay.vni = 77;
	n.overlay.port = 4789;
	n.overlay.ttl = 15;
	mb_net_shared_format(&n, &text);
	assert_int_equal(mb_net_shared_parse(mb_str_text(&text), &s, NULL), 0);
	assert_string_equal(s.id, ID);
	assert_string_equal(s.ip_range, range);
	assert_int_equal(s.vni, 77);
	assert_true(s.icc);
	assert_false(s.internal);
	mb_net_shared_done(&s);
	/* A gateway that is not in it. */
	assert_int_equal(mb_net_shared_parse("{\"schema\":1,\"id\":\"" ID
	                                     "\",\"subnet\":\"10.88.0.0/"
	                                     "16\",\"gateway\":\"10.99.0.1\",\"vni\":7,\"port\":1,"
	                                     "\"mtu\":1400,\"ttl\":5}",
	                                     &s, NULL),
	                 -EBADMSG);
}

#define SHARED(head)                                                           \
	"{" head ",\"id\":\"" ID "\",\"subnet\":\"10.88.0.0/16\",\"gateway\":" \
	"\"10.88.0.1\",\"vni\":7,\"mtu\":1300,\"ttl\":5"

/* Who does not know encryption must not join such a network, and who does, never in clear. */
static void encryption_is_said_twice_or_not_at_all(void **state)
{
	static const char *const bad[] = {
		SHARED("\"schema\":1,\"encrypted\":true") ",\"port\":4789}",
		SHARED("\"schema\":2") ",\"port\":4789}",
		SHARED("\"schema\":2,\"encrypted\":true") ",\"port\":4790}",
	};
	static char id[] = ID;
	struct mb_net_network n = network;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_net_shared s = {0};

	(void)state;
	n.id = id;
	n.mtu = 1370;
	n.overlay.vni = 77;
	n.overlay.port = 4789;
	n.overlay.ttl = 15;
	n.overlay.encrypted = true;
	mb_net_shared_format(&n, &text);
	assert_int_equal(mb_net_shared_parse(mb_str_text(&text), &s, NULL), 0);
	assert_int_equal(s.schema, 2);
	assert_true(s.encrypted);
	mb_net_shared_done(&s);
	for (size_t i = 0; i < MB_N(bad); i++)
		assert_int_equal(mb_net_shared_parse(bad[i], &s, NULL), -EBADMSG);
	assert_int_equal(mb_net_shared_parse("{\"schema\":3}", &s, NULL), -EPROTONOSUPPORT);
}

#define SECRET HEAD "\"vtep\":\"fe80::2\",\"ip\":\"10.88.0.7\",\"mac\":\"02:6d:0a:58:00:07\"}"

static void tunnels_in_clear_and_others_do_not_meet(void **state)
{
	static char own[] = "fe80::1", six[] = "2001:db8::1";
	struct mb_net_network n = network;
	struct mb_net_remote r = {0};

	(void)state;
	n.overlay.vtep = six;
	assert_int_equal(mb_net_remote_parse(SECRET, ID, &n, &r, NULL), -EBADMSG);
	n.overlay.vtep = own;
	n.overlay.encrypted = true;
	assert_int_equal(mb_net_remote_parse(SECRET, ID, &n, &r, NULL), 0);
	mb_net_remote_done(&r);
	assert_int_equal(mb_net_remote_parse(HEAD "\"vtep\":\"2001:db8::2\",\"ip\":\"10.88.0.7\","
	                                          "\"mac\":\"02:6d:0a:58:00:07\"}",
	                                     ID, &n, &r, NULL),
	                 -EBADMSG);
}

#define POLICY(rules) \
	"{\"schema\":1,\"policy\":{\"deny\":true,\"last_id\":3,\"rules\":[" rules "]}}"
#define ANY "\"from\":\"any\",\"to\":\"any\"}"

static void policy_is_read_and_written(void **state)
{
	static const char text[] =
		POLICY("{\"id\":2,\"from\":\"label=a\",\"to\":\"web\",\"proto\":6,"
	               "\"port_lo\":80,\"port_hi\":80}");
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_net_policy p = {0};

	(void)state;
	assert_int_equal(mb_net_shared_policy_parse(text, &p, NULL), 0);
	assert_true(p.deny);
	assert_int_equal(p.n_rules, 1);
	assert_int_equal(p.rules[0].port_lo, 80);
	mb_net_shared_policy_format(&p, &out);
	assert_string_equal(mb_str_text(&out), text);
	mb_net_policy_done(&p);
}

static void policy_that_lies_is_refused(void **state)
{
	static const struct lie cases[] = {
		{"", EBADMSG, "a record in the store"},
		{"{\"schema\":2,\"policy\":{}}", EPROTONOSUPPORT, "newer version"},
		{"{\"schema\":1}", EBADMSG, "policy"},
		{"{\"schema\":1,\"policy\":[]}", EBADMSG, "policy"},
		{POLICY("7"), EBADMSG, "rules"},
		{POLICY("{\"id\":1}"), EBADMSG, "from"},
		{POLICY("{\"id\":0," ANY), EBADMSG, "broken policy"},
		/* Higher than any that was given, twice the same, and no rules at all. */
		{POLICY("{\"id\":4," ANY), EBADMSG, "broken policy"},
		{POLICY("{\"id\":1," ANY ",{\"id\":1," ANY), EBADMSG, "broken policy"},
		{POLICY("{\"id\":1,\"from\":\"a b\",\"to\":\"any\"}"), EBADMSG, "broken policy"},
		{POLICY("{\"id\":1,\"port_lo\":9,\"port_hi\":3," ANY), EBADMSG, "broken policy"},
		{POLICY("{\"id\":1,\"proto\":300," ANY), EBADMSG, "broken policy"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct mb_err err = MB_ERR_INIT;
		struct mb_net_policy p = {0};

		assert_int_equal(mb_net_shared_policy_parse(cases[i].text, &p, &err),
		                 -cases[i].code);
		assert_says(&cases[i], &err);
		assert_null(p.rules);
	}
}

static void what_rules_do_not_name_is_not_told(void **state)
{
	static const char text[] =
		POLICY("{\"id\":1,\"from\":\"label=tier=front\",\"to\":\"Api\"},"
	               "{\"id\":2,\"from\":\"label=zone\",\"to\":\"label=none\"},"
	               "{\"id\":3,\"from\":\"label=tier\",\"to\":\"api\"}");
	MB_AUTO_STRV struct mb_strv aliases = MB_STRV_INIT;
	struct mb_net_remote r = {0};
	struct mb_net_policy p = {0};
	struct mb_kv labels = {0};

	(void)state;
	mb_strv_add(&aliases, "Api");
	mb_strv_add(&aliases, "db");
	mb_kv_set(&labels, "tier", "back");
	mb_kv_set(&labels, "zone", "");
	mb_kv_set(&labels, "secret", "x");
	assert_int_equal(mb_net_shared_policy_parse(text, &p, NULL), 0);
	mb_net_remote_carry(&p, &aliases, &labels, &r);
	assert_int_equal(r.aliases.n, 1);
	assert_string_equal(r.aliases.v[0], "Api");
	assert_int_equal(r.labels.n, 2);
	assert_string_equal(mb_kv_find(&r.labels, "tier"), "back");
	assert_string_equal(mb_kv_find(&r.labels, "zone"), "");
	mb_strv_done(&r.aliases);
	mb_kv_done(&r.labels);
	mb_kv_done(&labels);
	mb_net_policy_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remote_is_read_and_written),
		cmocka_unit_test(remote_that_lies_is_refused),
		cmocka_unit_test(remote_may_have_a_mac_of_its_own_choice),
		cmocka_unit_test(shared_is_what_a_network_says),
		cmocka_unit_test(encryption_is_said_twice_or_not_at_all),
		cmocka_unit_test(tunnels_in_clear_and_others_do_not_meet),
		cmocka_unit_test(policy_is_read_and_written),
		cmocka_unit_test(policy_that_lies_is_refused),
		cmocka_unit_test(what_rules_do_not_name_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
