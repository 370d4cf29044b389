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
#include "net/ask.h"
#include "net/walk.h"

static void targets(void **state)
{
	static const struct {
		const char *text, *host; /* host NULL: wrong */
		uint16_t port;
		uint8_t proto;
		bool is_url;
	} rows[] = {
		{"web", "web", 0, IPPROTO_TCP, false},
		{"web:80", "web", 80, IPPROTO_TCP, false},
		{"web:53/udp", "web", 53, IPPROTO_UDP, false},
		{"web:53/tcp", "web", 53, IPPROTO_TCP, false},
		{"my_db-1.net1:5432", "my_db-1.net1", 5432, IPPROTO_TCP, false},
		{"10.0.0.1", "10.0.0.1", 0, IPPROTO_TCP, false},
		{"10.0.0.1:443", "10.0.0.1", 443, IPPROTO_TCP, false},
		{"fd00::2", "fd00::2", 0, IPPROTO_TCP, false},
		{"[fd00::2]", "fd00::2", 0, IPPROTO_TCP, false},
		{"[fd00::2]:80", "fd00::2", 80, IPPROTO_TCP, false},
		{"https://outside", "outside", 443, IPPROTO_TCP, true},
		{"http://me:pw@outside:81/a?b", "outside", 81, IPPROTO_TCP, true},
		{"udp://outside:514", "outside", 514, IPPROTO_UDP, true},
		{"redis://cache:6379/0", "cache", 6379, IPPROTO_TCP, true},
		{"", NULL, 0, 0, false},
		{":80", NULL, 0, 0, false},
		{"web:", NULL, 0, 0, false},
		{"web:0", NULL, 0, 0, false},
		{"web:65536", NULL, 0, 0, false},
		{"web:80/sctp", NULL, 0, 0, false},
		{"we b:80", NULL, 0, 0, false},
		{"-web", NULL, 0, 0, false},
		{"../etc", NULL, 0, 0, false},
		{"[10.0.0.1]:80", NULL, 0, 0, false},
		{"[fd00::2:80", NULL, 0, 0, false},
		{"[fd00::2]80", NULL, 0, 0, false},
		{"redis://cache", NULL, 0, 0, false},
		{"https://", NULL, 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_walk_target t = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_net_walk_target_parse(rows[i].text, &t, &err);

		assert_int_equal(r, rows[i].host ? 0 : -EINVAL);
		if (r)
			continue;
		assert_string_equal(t.host, rows[i].host);
		assert_int_equal(t.port, rows[i].port);
		assert_int_equal(t.proto, rows[i].proto);
		assert_int_equal(t.is_url, rows[i].is_url);
		mb_net_walk_target_done(&t);
	}
}

static void questions_are_encoded(void **state)
{
	static const char expected[] = "\x12\x34\x01\0\0\x01\0\0\0\0\0\0"
				       "\x03web\x04net1\0\0\x1c\0\x01";
	uint8_t buf[MB_NET_ASK_MAX];
	char big[300];
	size_t n;

	(void)state;
	assert_int_equal(mb_net_ask_format("web.net1", AF_INET6, 0x1234, buf, &n), 0);
	assert_int_equal(n, sizeof(expected) - 1);
	assert_memory_equal(buf, expected, n);
	assert_int_equal(mb_net_ask_format("", AF_INET, 1, buf, &n), -EINVAL);
	assert_int_equal(mb_net_ask_format("a..b", AF_INET, 1, buf, &n), -EINVAL);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	assert_int_equal(mb_net_ask_format(big, AF_INET, 1, buf, &n), -EINVAL);
}

/* An alias before the address, with a compressed name. */
static const char reply[] = "\0\x07\x81\x80\0\x01\0\x02\0\0\0\0\x03web\0\0\x01\0\x01"
			    "\xc0\x0c\0\x05\0\x01\0\0\0\x05\0\x02\xc0\x0c"
			    "\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\x58\0\x02";

static void answers_are_read_and_cut_ones_are_not(void **state)
{
	uint8_t copy[sizeof(reply)];
	char text[MB_NET_ADDR_TEXT];
	struct mb_net_addr a;

	(void)state;
	memcpy(copy, reply, sizeof(copy));
	assert_int_equal(mb_net_ask_parse(copy, sizeof(reply) - 1, AF_INET, 7, &a), 0);
	assert_string_equal(mb_net_addr_format(&a, text), "10.88.0.2");
	assert_int_equal(mb_net_ask_parse(copy, sizeof(reply) - 1, AF_INET6, 7, &a), 0);
	assert_int_equal(a.family, 0);
	assert_int_equal(mb_net_ask_parse(copy, sizeof(reply) - 1, AF_INET, 8, &a), -EBADMSG);
	for (size_t n = 0; n < sizeof(reply) - 1; n++) {
		uint8_t *cut = mb_malloc(n + 1);

		memcpy(cut, reply, n);
		if (mb_net_ask_parse(cut, n, AF_INET, 7, &a) == 0)
			assert_int_equal(a.family, 0);
		mb_free_p(&cut);
	}
	copy[3] = 3;
	assert_int_equal(mb_net_ask_parse(copy, sizeof(reply) - 1, AF_INET, 7, &a),
	                 MB_NET_ASK_NO_NAME);
	copy[3] = 2;
	assert_int_equal(mb_net_ask_parse(copy, sizeof(reply) - 1, AF_INET, 7, &a),
	                 MB_NET_ASK_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets),
		cmocka_unit_test(questions_are_encoded),
		cmocka_unit_test(answers_are_read_and_cut_ones_are_not),
	};

	return cmocka_run_group_tests_name("net/walk", tests, NULL, NULL);
}
