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
#include <stdio.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/firewall.h"
#include "net/net.h"
#include "net/policy.h"
#include "net/policy_rule.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void sides_have_one_canonical_text(void **state)
{
	static const char *const rows[][2] = {
		{"any", "any"},
		{"host", "host"},
		{"outside", "outside"},
		{"web", "web"},
		{"name=web", "web"},
		{"name=host", "name=host"},
		{"name=10.0.0.1", "name=10.0.0.1"},
		{"a", "a"},
		{"10.1.2.3", "10.1.2.3"},
		{"10.1.2.3/32", "10.1.2.3"},
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"fd00::1/64", "fd00::/64"},
		{"label=a", "label=a"},
		{"label=a=", "label=a="},
		{"label=a=b=c", "label=a=b=c"},
		{"dns=Example.org", "dns=example.org"},
		{"dns=*.example.org", "dns=*.example.org"},
		{"dns=_a-1.b", "dns=_a-1.b"},
		{"name=dns", "dns"},
		{"dns=", NULL},
		{"dns=.", NULL},
		{"dns=*", NULL},
		{"dns=*.", NULL},
		{"dns=a..b", NULL},
		{"dns=a.", NULL},
		{"dns=.a", NULL},
		{"dns=a/b", NULL},
		{"dns=a.*.b", NULL},
		{"", NULL},
		{"a b", NULL},
		{"a,b", NULL},
		{"label=", NULL},
		{"label==a", NULL},
		{"name=", NULL},
		{"10.0.0.0/33", NULL},
		{"../x", NULL},
		{"a\nb", NULL},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_selector s = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_net_selector_parse(rows[i][0], &s, &err);

		assert_int_equal(r, rows[i][1] ? 0 : -EINVAL);
		assert_int_equal(err.msg[0] == '\0', r == 0);
		if (r == 0) {
			MB_AUTO_FREE char *text = mb_net_selector_format(&s);

			assert_string_equal(text, rows[i][1]);
		}
		mb_net_selector_done(&s);
	}
}

static void rules_in_one_word(void **state)
{
	static const struct {
		const char *text, *from, *to, *port;
	} rows[] = {
		{"web:db", "web", "db", "any"},
		{"web:db:5432/tcp", "web", "db", "5432/tcp"},
		{"web:db:53/udp", "web", "db", "53/udp"},
		{"web:db:80", "web", "db", "80/tcp"},
		{"web:db:80-82/sctp", "web", "db", "80-82/sctp"},
		{"any:host:icmp", "any", "host", "icmp"},
		{"[fd00::/8]:[::1]:udp", "fd00::/8", "::1", "udp"},
		{"label=a=b:10.0.0.0/8", "label=a=b", "10.0.0.0/8", "any"},
		{":db", NULL, NULL, NULL},
		{"web:", NULL, NULL, NULL},
		{"web", NULL, NULL, NULL},
		{"web:db:80:90", NULL, NULL, NULL},
		{"web:db:0", NULL, NULL, NULL},
		{"web:db:65536", NULL, NULL, NULL},
		{"web:db:1-65535", NULL, NULL, NULL},
		{"web:db:9-8", NULL, NULL, NULL},
		{"web:db:80/icmp", NULL, NULL, NULL},
		{"web:db:80/", NULL, NULL, NULL},
		{"web:dns=*.example.org:443", "web", "dns=*.example.org", "443/tcp"},
		{"dns=example.org:web", NULL, NULL, NULL},
		{"host:db", NULL, NULL, NULL},
		{"[::1:db", NULL, NULL, NULL},
		{"[::1]x:db", NULL, NULL, NULL},
		{"", NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_rule rule = {0};
		struct mb_err err = MB_ERR_INIT;
		MB_AUTO_STR struct mb_str port = MB_STR_INIT;
		int r = mb_net_rule_parse(rows[i].text, &rule, &err);

		assert_int_equal(r, rows[i].from ? 0 : -EINVAL);
		if (r == 0) {
			mb_net_rule_port_format(&rule, &port);
			assert_string_equal(rule.from, rows[i].from);
			assert_string_equal(rule.to, rows[i].to);
			assert_string_equal(mb_str_text(&port), rows[i].port);
		}
		free(rule.from);
		free(rule.to);
	}
}

/* A network with rules "[-]word", '-' for deny. */
static struct mb_net_network *new_network(const char *const *rules, size_t n)
{
	struct mb_net_network *network = mb_calloc(1, sizeof(*network));

	network->id = mb_strdup(ID);
	network->name = mb_strdup("lab");
	network->v4.subnet = mb_strdup("10.88.1.0/24");
	network->policy.rules = mb_calloc(n, sizeof(*network->policy.rules));
	for (size_t i = 0; i < n; i++) {
		struct mb_net_rule *r = &network->policy.rules[i];

		assert_int_equal(mb_net_rule_parse(rules[i] + (rules[i][0] == '-'), r, NULL), 0);
		r->deny = rules[i][0] == '-';
		r->id = (uint32_t)i + 1;
	}
	network->policy.n_rules = n;
	network->policy.last_id = (uint32_t)n;
	return network;
}

static void classify(const struct mb_net_plan *plan, const char *name, const char *label,
                     const char *address, struct mb_net_class *ret)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_KV struct mb_kv labels = MB_KV_INIT;
	struct mb_net_addr a;
	struct mb_net_subject who = {.is_member = name != NULL, .names = &names, .labels = &labels};

	if (name)
		mb_strv_add(&names, name);
	if (label)
		mb_kv_set_pair(&labels, label);
	if (address && mb_net_addr_parse(address, &a) == 0)
		who.addr = &a;
	mb_net_plan_classify(plan, &who, ret);
}

static void the_first_match_decides(void **state)
{
	static const char *const rules[] = {"web:db:5432",   "-web:any:tcp", "label=a:10.9.0.0/16",
	                                    "-any:db:53/udp", "any:db:udp",  "outside:web:80-82"};
	MB_AUTO(mb_net_network_free)
	struct mb_net_network *n = new_network(rules, MB_N(rules));
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
	struct mb_net_class web, db, app, in, out;
	static const struct {
		size_t from, to;
		uint32_t proto, port, rule;
	} rows[] = {
		{0, 1, IPPROTO_TCP, 5432, 1}, {0, 1, IPPROTO_TCP, 80, 2},
		{0, 1, IPPROTO_UDP, 53, 4},   {0, 1, IPPROTO_UDP, 54, 5},
		{0, 1, IPPROTO_ICMP, 0, 0},   {0, 3, IPPROTO_TCP, 5432, 2},
		{2, 3, IPPROTO_TCP, 1, 3},    {2, 3, IPPROTO_ICMPV6, 0, 3},
		{2, 4, IPPROTO_TCP, 1, 0},    {4, 0, IPPROTO_TCP, 81, 6},
		{4, 0, IPPROTO_TCP, 83, 0},   {2, 0, IPPROTO_TCP, 81, 0},
		{1, 1, IPPROTO_UDP, 1, 5},
	};

	(void)state;
	assert_int_equal(mb_net_plan_make(n, &plan, NULL), 0);
	classify(&plan, "WEB", NULL, "10.88.1.2", &web);
	classify(&plan, "db", NULL, "10.88.1.3", &db);
	classify(&plan, "x", "a=1", "10.88.1.4", &app);
	classify(&plan, NULL, NULL, "10.9.1.1", &in);
	classify(&plan, NULL, NULL, "10.10.1.1", &out);
	const struct mb_net_class *const all[] = {&web, &db, &app, &in, &out};

	for (size_t i = 0; i < MB_N(rows); i++) {
		const struct mb_net_rule *r = mb_net_plan_decide(
			&plan, all[rows[i].from], all[rows[i].to], rows[i].proto, rows[i].port);

		assert_int_equal(r ? r->id : 0, rows[i].rule);
	}
}

/* What the firewall does with the elements: exact port, any port, any protocol. */
static uint32_t look_up(const struct mb_net_changes *c, const struct mb_net_class *from,
                        const struct mb_net_class *to, uint32_t proto, uint32_t port)
{
	const uint32_t tries[][2] = {{proto, port}, {proto, 0}, {0, 0}};

	for (size_t t = 0; t < MB_N(tries); t++)
		for (size_t i = 0; i < c->n; i++) {
			const struct mb_nl_nft_elem *e = &c->v[i].elem;
			uint8_t key[40] = {0};
			uint16_t be = htons((uint16_t)tries[t][1]);
			uint32_t id;

			memcpy(key + 4, from->id, sizeof(from->id));
			memcpy(key + 20, to->id, sizeof(to->id));
			key[32] = (uint8_t)tries[t][0];
			memcpy(key + 36, &be, sizeof(be));
			if (c->v[i].set != MB_NET_SET_DECIDE || memcmp(e->key, key, sizeof(key)))
				continue;
			assert_int_equal(e->key_len, sizeof(key));
			memcpy(&id, e->data + 4, sizeof(id));
			return id;
		}
	return 0;
}

enum { OUTSIDE = 3 }; /* from there on in the list of classes */

static void elements_decide_as_rules_do(void **state)
{
	static const char *const sides[] = {"any", "web", "db", "label=a", "10.9.0.0/16", "outside",
	                                    "10.88.1.3"};
	static const char *const ports[] = {"",        ":udp",   ":tcp", ":80",
	                                    ":81/udp", ":80-82", ":icmp"};
	static const struct {
		uint32_t proto, port;
	} flows[] = {{IPPROTO_TCP, 80},  {IPPROTO_TCP, 82},  {IPPROTO_TCP, 9},
	             {IPPROTO_UDP, 81},  {IPPROTO_UDP, 9},   {IPPROTO_ICMP, 0},
	             {IPPROTO_ICMPV6, 0}, {IPPROTO_SCTP, 80}, {47, 0}};
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		char text[8][64];
		const char *rules[8];
		MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
		MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
		struct mb_net_class all[5];

		for (size_t i = 0; i < MB_N(rules); i++) {
			uint32_t v = seed = seed * 1664525 + 1013904223;

			snprintf(text[i], sizeof(text[i]), "%s%s:%s%s", v >> 31 ? "-" : "",
			         sides[(v >> 8) % MB_N(sides)], sides[(v >> 16) % MB_N(sides)],
			         ports[(v >> 24) % MB_N(ports)]);
			rules[i] = text[i];
		}
		MB_AUTO(mb_net_network_free)
		struct mb_net_network *n = new_network(rules, MB_N(rules));
		assert_int_equal(mb_net_plan_make(n, &plan, NULL), 0);
		classify(&plan, "web", NULL, "10.88.1.2", &all[0]);
		classify(&plan, "db", NULL, "10.88.1.3", &all[1]);
		classify(&plan, "x", "a=1", "10.88.1.4", &all[2]);
		classify(&plan, NULL, NULL, "10.9.1.1", &all[3]);
		classify(&plan, NULL, NULL, "10.10.1.1", &all[4]);
		for (size_t i = 0; i < MB_N(all); i++)
			mb_net_plan_add_class(&plan, &all[i]);
		mb_net_plan_put_pairs(&plan, NULL, &c);
		for (size_t k = 0; k < MB_N(all) * MB_N(all) * MB_N(flows); k++) {
			size_t f = k % MB_N(flows), a = k / MB_N(flows) % MB_N(all);
			size_t b = k / MB_N(flows) / MB_N(all);
			const struct mb_net_rule *r = mb_net_plan_decide(
				&plan, &all[a], &all[b], flows[f].proto, flows[f].port);

			if (a >= OUTSIDE && b >= OUTSIDE)
				continue; /* never asked */
			assert_int_equal(
				look_up(&c, &all[a], &all[b], flows[f].proto, flows[f].port),
				r ? r->id : 0);
		}
	}
}

static void prefixes_cut_the_addresses_into_ranges(void **state)
{
	static const char *const rules[] = {"any:10.0.0.0/8", "any:10.1.0.0/16", "any:255.0.0.0/8",
	                                    "any:0.0.0.0"};
	static const uint32_t firsts[] = {0, 1, 0x0a000000, 0x0a010000, 0x0a020000, 0x0b000000,
	                                  0xff000000};
	MB_AUTO(mb_net_network_free)
	struct mb_net_network *n = new_network(rules, MB_N(rules));
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
	uint32_t be, group = 0x0a580100;
	size_t found = 0;

	(void)state;
	assert_int_equal(mb_net_plan_make(n, &plan, NULL), 0);
	mb_net_plan_put_fixed(&plan, &c);
	for (size_t i = 0; i < c.n; i++) {
		const struct mb_nl_nft_elem *e = &c.v[i].elem;

		if (c.v[i].set != MB_NET_SET_RANGE4)
			continue;
		assert_true(found < MB_N(firsts));
		assert_true(e->is_range);
		assert_memory_equal(e->key, &group, sizeof(group));
		assert_memory_equal(e->key_end, &group, sizeof(group));
		memcpy(&be, e->key + 4, sizeof(be));
		assert_int_equal(ntohl(be), firsts[found]);
		memcpy(&be, e->key_end + 4, sizeof(be));
		found++;
		assert_int_equal(ntohl(be), found < MB_N(firsts) ? firsts[found] - 1 : UINT32_MAX);
	}
	assert_int_equal(found, MB_N(firsts));
	/* 10.0.0.0/8 around the /16 is one class, what no prefix names another. */
	assert_int_equal(plan.n_classes, 6);
}

static void classes_come_back_from_their_text(void **state)
{
	static const char *const rules[] = {"web:db", "label=a:10.0.0.0/8", "any:outside"};
	MB_AUTO(mb_net_network_free)
	struct mb_net_network *n = new_network(rules, MB_N(rules));
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
	char text[MB_NET_CLASS_TEXT];
	struct mb_net_class web, again;

	(void)state;
	assert_int_equal(mb_net_plan_make(n, &plan, NULL), 0);
	classify(&plan, "web", "a=1", NULL, &web);
	mb_net_class_format(&plan, &web, text);
	assert_int_equal(mb_net_class_parse(&plan, text, &again), 0);
	assert_memory_equal(&again, &web, sizeof(web));
	assert_true(mb_net_plan_add_class(&plan, &web));
	assert_false(mb_net_plan_add_class(&plan, &again));
	assert_int_equal(mb_net_class_parse(&plan, "m", &again), -EINVAL);
	assert_int_equal(mb_net_class_parse(&plan, "m0f0", &again), -EINVAL);
	assert_int_equal(mb_net_class_parse(&plan, "x00", &again), -EINVAL);
	assert_int_equal(mb_net_class_parse(&plan, "m0g", &again), -EINVAL);
	assert_int_equal(mb_net_class_parse(&plan, "m0f", &again), -EINVAL);
	assert_int_equal(mb_net_class_parse(&plan, "", &again), -EINVAL);
}

static const struct mb_net_rule *decide_name(const struct mb_net_plan *plan, const char *name)
{
	struct mb_net_addr a;
	struct mb_net_class client, server;

	assert_int_equal(mb_net_addr_parse("192.0.2.7", &a), 0);
	mb_net_plan_classify(plan, &(struct mb_net_subject){.is_member = true}, &client);
	mb_net_plan_classify(plan, &(struct mb_net_subject){.addr = &a, .dns = name}, &server);
	return mb_net_plan_decide(plan, &client, &server, IPPROTO_TCP, 443);
}

static void names_lead_to_their_rules(void **state)
{
	static const char *const rules[] = {"any:dns=example.org:443", "any:dns=*.example.org",
		                            "any:dns=*.b.example.org"};
	MB_AUTO(mb_net_network_free)
	struct mb_net_network *n = new_network(rules, MB_N(rules));
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
	struct mb_net_rule deny = {.deny = true};

	(void)state;
	assert_int_equal(mb_net_plan_make(n, &plan, NULL), 0);
	assert_ptr_equal(decide_name(&plan, "example.org"), &n->policy.rules[0]);
	assert_ptr_equal(decide_name(&plan, "x.example.org"), &n->policy.rules[1]);
	assert_ptr_equal(decide_name(&plan, "*.b.example.org"), &n->policy.rules[1]);
	assert_null(decide_name(&plan, "example.orga"));
	assert_null(decide_name(&plan, "xexample.org"));
	assert_null(decide_name(&plan, ".example.org"));
	assert_null(decide_name(&plan, NULL));
	/* An address has other names. */
	mb_strset(&deny.to, "dns=a");
	assert_int_equal(mb_net_rule_check(&deny, NULL), -EINVAL);
	free(deny.from);
	free(deny.to);
}

static void a_class_is_added_once(void **state)
{
	enum { MANY = 5000 };
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;

	(void)state;
	for (size_t turn = 0; turn < 2; turn++)
		for (uint32_t i = 0; i < MANY; i++) {
			struct mb_net_class c = {.kind = 'm'};

			/* In twos that begin alike, and end differently. */
			c.id[0] = (uint8_t)(i / 2);
			c.id[1] = (uint8_t)(i / 2 >> 8);
			c.id[sizeof(c.id) - 1] = i % 2;
			assert_int_equal(mb_net_plan_add_class(&plan, &c), turn == 0);
			assert_memory_equal(plan.classes[i].id, c.id, sizeof(c.id));
		}
	assert_int_equal(plan.n_classes, MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sides_have_one_canonical_text),
		cmocka_unit_test(rules_in_one_word),
		cmocka_unit_test(the_first_match_decides),
		cmocka_unit_test(elements_decide_as_rules_do),
		cmocka_unit_test(prefixes_cut_the_addresses_into_ranges),
		cmocka_unit_test(classes_come_back_from_their_text),
		cmocka_unit_test(a_class_is_added_once),
		cmocka_unit_test(names_lead_to_their_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
