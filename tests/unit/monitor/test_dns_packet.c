/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/own.h"
#include "monitor/dns_packet.h"
#include "monitor/dns_upstream.h"

/* A query for "WeB" A IN, recursion desired. */
static const uint8_t plain[] = {0x12, 0x34, 1,   0,   0,   1, 0, 0, 0, 0, 0,
                                0,    3,    'W', 'e', 'B', 0, 0, 1, 0, 1};
/* The same with EDNS: 4096 bytes, DO. */
static const uint8_t edns[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0,  0,    0, 0, 1, 3,    'W', 'e', 'B',
                               0,    0,    1, 0, 1, 0, 0, 41, 0x10, 0, 0, 0, 0x80, 0,   0,   0};

static int parse(const uint8_t *packet, size_t n, struct mb_dns_question *q,
                 enum mb_dns_rcode *rcode)
{
	/* a copy of the exact size, so that reading past it is seen */
	uint8_t *copy = mb_malloc(n);
	int r;

	memcpy(copy, packet, n);
	r = mb_dns_question_parse(copy, n, q, rcode);
	free(copy);
	return r;
}

static void question_plain_and_edns(void **state)
{
	struct mb_dns_question q;
	enum mb_dns_rcode rcode;
	char name[MB_DNS_NAME_TEXT];

	(void)state;
	assert_int_equal(parse(plain, sizeof(plain), &q, &rcode), 0);
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.type, MB_DNS_A);
	assert_int_equal(q.edns_size, 0);
	assert_int_equal(mb_dns_question_limit(&q), 512);
	assert_true(mb_dns_question_name(&q, name));
	assert_string_equal(name, "web");
	assert_int_equal(parse(edns, sizeof(edns), &q, &rcode), 0);
	assert_int_equal(q.edns_size, 4096);
	assert_true(q.dnssec_ok);
}

static void question_refusals(void **state)
{
	struct mb_dns_question q;
	enum mb_dns_rcode rcode;
	uint8_t p[sizeof(edns)];

	(void)state;
	for (size_t n = 0; n < MB_DNS_HEADER; n++)
		assert_int_equal(parse(plain, n, &q, &rcode), MB_DNS_DROP);
	for (size_t n = MB_DNS_HEADER; n < sizeof(plain); n++) {
		assert_int_equal(parse(plain, n, &q, &rcode), MB_DNS_ANSWER_RCODE);
		assert_int_equal(rcode, MB_DNS_FORMERR);
	}
	memcpy(p, edns, sizeof(p));
	p[2] = 0x81; /* a response */
	assert_int_equal(parse(p, sizeof(p), &q, &rcode), MB_DNS_DROP);
	p[2] = 0x11; /* another opcode */
	assert_int_equal(parse(p, sizeof(p), &q, &rcode), MB_DNS_ANSWER_RCODE);
	assert_int_equal(rcode, MB_DNS_NOTIMP);
	p[2] = 1;
	p[20] = 3; /* class CHAOS */
	assert_int_equal(parse(p, sizeof(p), &q, &rcode), MB_DNS_ANSWER_RCODE);
	assert_int_equal(rcode, MB_DNS_REFUSED);
	p[20] = 1;
	p[27] = 1; /* EDNS version 1 */
	assert_int_equal(parse(p, sizeof(p), &q, &rcode), MB_DNS_ANSWER_RCODE);
	assert_int_equal(rcode, MB_DNS_BADVERS);
	p[27] = 0;
	p[5] = 2; /* two questions */
	assert_int_equal(parse(p, sizeof(p), &q, &rcode), MB_DNS_ANSWER_RCODE);
	p[5] = 1;
	p[12] = 0xc0; /* a pointer in a question */
	assert_int_equal(parse(p, sizeof(p), &q, &rcode), MB_DNS_ANSWER_RCODE);
	for (size_t n = sizeof(plain) + 1; n < sizeof(edns); n++)
		assert_int_equal(parse(edns, n, &q, &rcode), MB_DNS_ANSWER_RCODE);
}

static void odd_names_are_not_ours(void **state)
{
	static const char *const odd[] = {"a/b", "a.b", "..", "a b", "a\0b"};
	struct mb_dns_question q = {0};
	char name[MB_DNS_NAME_TEXT];

	(void)state;
	for (size_t i = 0; i < MB_N(odd); i++) {
		size_t n = i == 4 ? 3 : strlen(odd[i]);

		q.raw[0] = (uint8_t)n;
		memcpy(q.raw + 1, odd[i], n);
		q.raw[n + 1] = 0;
		assert_false(mb_dns_question_name(&q, name));
	}
	q.raw[0] = 0;
	assert_true(mb_dns_question_name(&q, name));
	assert_string_equal(name, "");
}

static void reply_golden(void **state)
{
	static const uint8_t want[] = {0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1,  0,    0,  0, 0, 3,
	                               'W',  'e',  'B',  0,    0, 1, 0, 1,  0xc0, 12, 0, 1, 0,
	                               1,    0,    0,    0,    5, 0, 4, 10, 88,   0,  5};
	static const uint8_t address[] = {10, 88, 0, 5};
	struct mb_dns_question q;
	enum mb_dns_rcode rcode;
	struct mb_dns_reply r;
	uint8_t buf[512];

	(void)state;
	assert_int_equal(parse(plain, sizeof(plain), &q, &rcode), 0);
	mb_dns_reply_begin(&r, &q, buf, sizeof(buf));
	mb_dns_reply_add(&r, MB_DNS_A, 5, address, 4);
	assert_int_equal(mb_dns_reply_end(&r, MB_DNS_NOERROR), sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
}

static void reply_too_long_says_so(void **state)
{
	static const uint8_t address[16];
	struct mb_dns_question q;
	enum mb_dns_rcode rcode;
	struct mb_dns_reply r;
	uint8_t buf[4096];
	size_t n;

	(void)state;
	assert_int_equal(parse(plain, sizeof(plain), &q, &rcode), 0);
	mb_dns_reply_begin(&r, &q, buf, mb_dns_question_limit(&q));
	for (int i = 0; i < 64; i++)
		mb_dns_reply_add(&r, MB_DNS_AAAA, 5, address, 16);
	n = mb_dns_reply_end(&r, MB_DNS_NOERROR);
	assert_true(n <= 512 && n > 480);
	assert_true(buf[2] & 2);
	assert_int_equal(buf[7], 17);
	assert_int_equal(parse(edns, sizeof(edns), &q, &rcode), 0);
	mb_dns_reply_begin(&r, &q, buf, mb_dns_question_limit(&q));
	for (int i = 0; i < 64; i++)
		mb_dns_reply_add(&r, MB_DNS_AAAA, 5, address, 16);
	n = mb_dns_reply_end(&r, MB_DNS_NOERROR);
	assert_false(buf[2] & 2);
	assert_int_equal(buf[7], 64);
	assert_int_equal(buf[11], 1);
	assert_int_equal(n, 21 + 64 * 28 + 11);
}

static void query_for_an_upstream(void **state)
{
	struct mb_dns_question q, again;
	enum mb_dns_rcode rcode;
	uint8_t buf[MB_DNS_QUERY_MAX];
	size_t n;

	(void)state;
	assert_int_equal(parse(edns, sizeof(edns), &q, &rcode), 0);
	n = mb_dns_question_format(&q, 0x4321, buf);
	assert_int_equal(n, sizeof(edns));
	assert_memory_equal(buf, "\x43\x21", 2);
	assert_memory_equal(buf + 2, edns + 2, n - 2);
	assert_int_equal(parse(buf, n, &again, &rcode), 0);
	assert_int_equal(again.id, 0x4321);
}

static void response_must_fit(void **state)
{
	uint8_t p[sizeof(plain)];
	struct mb_dns_question q;
	enum mb_dns_rcode rcode;

	(void)state;
	assert_int_equal(parse(plain, sizeof(plain), &q, &rcode), 0);
	memcpy(p, plain, sizeof(p));
	assert_false(mb_dns_response_fits(p, sizeof(p), 0x1234, &q)); /* no response */
	p[2] |= 0x80;
	p[13] = 'w';
	assert_true(mb_dns_response_fits(p, sizeof(p), 0x1234, &q));
	assert_false(mb_dns_response_fits(p, sizeof(p), 0x1235, &q));
	assert_false(mb_dns_response_fits(p, sizeof(p) - 1, 0x1234, &q));
	mb_dns_response_adopt(p, &q);
	assert_memory_equal(p + 12, plain + 12, 9);
	p[14] = 'x';
	assert_false(mb_dns_response_fits(p, sizeof(p), 0x1234, &q));
}

static void records_of_an_answer(void **state)
{
	static const uint8_t answer[] = {
		0x12, 0x34, 0x81, 0x80, 0, 1, 0, 3, 0, 0, 0, 1, /* */
		1,    'w',  0,    0,    1, 0, 1,                /* */
		0xc0, 12,   0,    5,    0, 1, 0, 0, 0, 9, 0, 3,   1, 'x', 0, 1,    'x',
		0,    0,    1,    0,    1, 0, 1, 0, 0, 0, 4, 192, 0, 2,   1, 0xc0, 12,
		0,    1,    0,    3,    0, 0, 0, 1, 0, 4, 1, 2,   3, 4, /* of another class */
		0xc0, 12,   0,    1,    0, 1, 0, 0, 0, 1, 0, 4,   9, 9,   9, 9, /* additional */
	};
	uint8_t p[sizeof(answer)];
	struct mb_dns_record r = {0};

	(void)state;
	memcpy(p, answer, sizeof(p));
	assert_true(mb_dns_record_next(p, sizeof(p), &r));
	assert_int_equal(r.type, 5);
	mb_dns_record_limit(p, &r, 60);
	assert_memory_equal(p, answer, sizeof(p));
	assert_true(mb_dns_record_next(p, sizeof(p), &r));
	assert_int_equal(r.type, MB_DNS_A);
	assert_int_equal(r.n, 4);
	assert_memory_equal(r.data, "\xc0\0\2\1", 4);
	mb_dns_record_limit(p, &r, 60);
	assert_memory_equal(r.data - 6, "\0\0\0\x3c\0\4", 6);
	assert_true(mb_dns_record_next(p, sizeof(p), &r));
	assert_int_equal(r.type, 0);
	assert_false(mb_dns_record_next(p, sizeof(p), &r));
	/* Cut short anywhere: only what is whole. */
	for (size_t n = 0; n < sizeof(p); n++) {
		size_t whole = 0;

		for (r = (struct mb_dns_record){0}; mb_dns_record_next(p, n, &r);)
			assert_true(r.at <= n && ++whole <= 3);
	}
}

static void reverse_names(void **state)
{
	char address[MB_DNS_ADDRESS_TEXT];

	(void)state;
	assert_true(mb_dns_reverse_parse("5.0.88.10.in-addr.arpa", address));
	assert_string_equal(address, "10.88.0.5");
	assert_false(mb_dns_reverse_parse("0.88.10.in-addr.arpa", address));
	assert_false(mb_dns_reverse_parse("256.0.88.10.in-addr.arpa", address));
	assert_false(mb_dns_reverse_parse("1.5.0.88.10.in-addr.arpa", address));
	assert_false(mb_dns_reverse_parse("in-addr.arpa", address));
	assert_true(mb_dns_reverse_parse("5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	                                 "d.6.d.f.ip6.arpa",
	                                 address));
	assert_string_equal(address, "fd6d::5");
	assert_false(mb_dns_reverse_parse("5.0.ip6.arpa", address));
}

/* Whatever the bytes are: no read or write outside, and what is built can be parsed again. */
static void mutations(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < 100000; i++) {
		uint8_t p[sizeof(edns)], buf[512 + 64];
		size_t n = sizeof(edns) - (rand() % 4 ? 0 : (size_t)rand() % sizeof(edns));
		struct mb_dns_question q;
		enum mb_dns_rcode rcode = MB_DNS_NOERROR;
		char name[MB_DNS_NAME_TEXT], address[MB_DNS_ADDRESS_TEXT];
		int r;

		memcpy(p, edns, sizeof(p));
		for (int j = rand() % 5; j >= 0; j--)
			p[(size_t)rand() % sizeof(p)] = (uint8_t)rand();
		r = parse(p, n, &q, &rcode);
		if (r == MB_DNS_DROP)
			continue;
		if (r == 0) {
			uint8_t query[MB_DNS_QUERY_MAX];

			mb_dns_question_name(&q, name);
			mb_dns_reverse_parse(name, address);
			n = mb_dns_question_format(&q, 7, query);
			assert_int_equal(parse(query, n, &q, &rcode), 0);
			mb_dns_response_fits(p, sizeof(p), q.id, &q);
		}
		{
			struct mb_dns_reply reply;

			mb_dns_reply_begin(&reply, &q, buf, MB_DNS_UDP_PLAIN);
			mb_dns_reply_add_name(&reply, 5, "a.b");
			assert_true(mb_dns_reply_end(&reply, rcode) <= 512);
		}
	}
}

static void upstreams_of_a_resolv_conf(void **state)
{
	struct mb_dns_upstreams u = {0};
	union mb_dns_address a;
	char text[64];

	(void)state;
	mb_dns_upstreams_parse(&u, "# nameserver 9.9.9.9\nsearch x\n nameserver\t10.0.0.1 \n"
	                           "nameserverx 1.1.1.1\nnameserver bogus\nnameserver fd00::1\n"
	                           "nameserver 127.0.0.53#5353\nnameserver 8.8.8.8");
	assert_int_equal(u.n, 3);
	assert_string_equal(inet_ntoa(u.at[0].in4.sin_addr), "10.0.0.1");
	assert_int_equal(u.at[0].in4.sin_port, htons(53));
	assert_string_equal(inet_ntop(AF_INET6, &u.at[1].in6.sin6_addr, text, sizeof(text)),
	                    "fd00::1");
	assert_int_equal(u.at[2].in4.sin_port, htons(5353));
	assert_int_equal(mb_dns_upstream_parse("fe80::1%7", &a), 0);
	assert_int_equal(a.in6.sin6_scope_id, 7);
	assert_int_equal(mb_dns_upstream_parse("", &a), -EINVAL);
	assert_int_equal(mb_dns_upstream_parse("1.2.3.4#0", &a), -EINVAL);
	assert_int_equal(mb_dns_upstream_parse("1.2.3.4#", &a), -EINVAL);
	assert_int_equal(mb_dns_upstream_parse("1.2.3.4%eth0", &a), -EINVAL);
}

static void read_servers(struct mb_dns_upstreams *u, const char *text, size_t n)
{
	char path[] = "/tmp/mybox-resolv-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
	*u = (struct mb_dns_upstreams){0};
	mb_dns_upstreams_refresh(u, path);
	unlink(path);
}

static void assert_server(const struct mb_dns_upstreams *u, size_t i, const char *address)
{
	assert_true(i < u->n);
	assert_string_equal(inet_ntoa(u->at[i].in4.sin_addr), address);
}

/* However long a resolv.conf is, and wherever reading it comes to the end of a block. */
static void upstreams_of_a_long_file(void **state)
{
	static const char servers[] = "nameserver 10.0.0.12\nnameserver 10.0.0.13";
	static char text[3 * 4096];
	struct mb_dns_upstreams u;

	(void)state;
	for (size_t before = 0; before < sizeof(text) - sizeof(servers); before += 7) {
		/* Comments of one line each; the last one ends where the servers begin. */
		memset(text, '#', before);
		for (size_t i = 79; i < before; i += 80)
			text[i] = '\n';
		if (before)
			text[before - 1] = '\n';
		memcpy(text + before, servers, sizeof(servers));
		read_servers(&u, text, before + sizeof(servers) - 1);
		assert_int_equal(u.n, 2);
		assert_server(&u, 0, "10.0.0.12");
		assert_server(&u, 1, "10.0.0.13");
	}
	/* The rest of a line that is too long is no line. */
	memset(text, '#', sizeof(text));
	for (size_t i = 1; i < 5; i++)
		memcpy(text + 2048 * i, "nameserver 10.0.0.9 ", 20);
	read_servers(&u, text, sizeof(text));
	assert_int_equal(u.n, 0);
	text[10000] = '\n';
	memcpy(text + 10001, servers, sizeof(servers) - 1);
	text[10001 + sizeof(servers) - 1] = '\n';
	read_servers(&u, text, sizeof(text));
	assert_int_equal(u.n, 2);
	assert_server(&u, 0, "10.0.0.12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_plain_and_edns),
		cmocka_unit_test(question_refusals),
		cmocka_unit_test(odd_names_are_not_ours),
		cmocka_unit_test(reply_golden),
		cmocka_unit_test(reply_too_long_says_so),
		cmocka_unit_test(query_for_an_upstream),
		cmocka_unit_test(response_must_fit),
		cmocka_unit_test(records_of_an_answer),
		cmocka_unit_test(reverse_names),
		cmocka_unit_test(mutations),
		cmocka_unit_test(upstreams_of_a_resolv_conf),
		cmocka_unit_test(upstreams_of_a_long_file),
	};

	return cmocka_run_group_tests_name("monitor/dns_packet", tests, NULL, NULL);
}
