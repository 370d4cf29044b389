/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "core/own.h"
#include "net/dhcp.h"
#include "unit.h"

enum { XID = 0x01020304, OPTIONS = 240 };

static const struct mb_net_dhcp_query ours = {.type = MB_NET_DHCP_DISCOVER,
                                              .xid = XID,
                                              .mac = {2, 0x6b, 1, 2, 3, 4},
                                              .id = {255, 1, 2, 3},
                                              .hostname = "web"};

/* An answer as a server would give it; tests add to it. */
struct answer {
	uint8_t p[1200];
	size_t n;
};

static void add(struct answer *a, uint8_t code, const void *bytes, size_t n)
{
	a->p[a->n++] = code;
	a->p[a->n++] = (uint8_t)n;
	memcpy(a->p + a->n, bytes, n);
	a->n += n;
}
#define ADD(a, code, ...)                                 \
	do {                                              \
		const uint8_t bytes_[] = {__VA_ARGS__};   \
		add((a), (code), bytes_, sizeof(bytes_)); \
	} while (0)

static void begin(struct answer *a, uint8_t type)
{
	memset(a, 0, sizeof(*a));
	memcpy(a->p, "\2\1\6", 3);
	memcpy(a->p + 4, "\1\2\3\4", 4);
	memcpy(a->p + 16, "\xc0\0\2\x07", 4);
	memcpy(a->p + 28, ours.mac, sizeof(ours.mac));
	memcpy(a->p + 236, "\x63\x82\x53\x63", 4);
	a->n = OPTIONS;
	ADD(a, 53, type);
	ADD(a, 54, 192, 0, 2, 1);
}

static void begin_whole(struct answer *a)
{
	begin(a, MB_NET_DHCP_ACK);
	ADD(a, 1, 255, 255, 255, 0);
	ADD(a, 51, 0, 0, 0, 100);
}

static bool parses(const struct answer *a, struct mb_net_dhcp_reply *r)
{
	/* Of its own size, so that a step beyond is seen. */
	uint8_t *copy = mb_malloc(a->n + 1);
	bool is;

	memcpy(copy, a->p, a->n);
	copy[a->n] = 255;
	is = mb_net_dhcp_parse(copy, a->n + 1, &ours, r);
	free(copy);
	return is;
}

static void parse_all_of_it(void **state)
{
	struct mb_net_dhcp_reply r;
	struct answer a;

	(void)state;
	begin_whole(&a);
	ADD(&a, 0x03, 192, 0, 2, 254, 192, 0, 2, 253);
	ADD(&a, 6, 192, 0, 2, 53, 127, 0, 0, 1, 198, 51, 100, 53);
	add(&a, 15, "lan.example.\0", 13);
	ADD(&a, 26, 0x05, 0x78);
	ADD(&a, 58, 0, 0, 0, 40);
	ADD(&a, 59, 0, 0, 0, 80);
	ADD(&a, 61, 255, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	assert_true(parses(&a, &r));
	assert_int_equal(r.type, MB_NET_DHCP_ACK);
	assert_memory_equal(r.own, "\xc0\0\2\x07", 4);
	assert_memory_equal(r.server, "\xc0\0\2\x01", 4);
	assert_memory_equal(r.router, "\xc0\0\2\xfe", 4);
	assert_int_equal(r.bits, 24);
	assert_int_equal(r.n_dns, 2); /* none of them ourselves */
	assert_memory_equal(r.dns[1], "\xc6\x33\x64\x35", 4);
	assert_string_equal(r.domain, "lan.example");
	assert_int_equal(r.mtu, 1400);
	assert_int_equal(r.lease, 100);
	assert_int_equal(r.renew, 40);
	assert_int_equal(r.rebind, 80);
}

static void parse_times(void **state)
{
	static const struct {
		uint8_t lease, renew, rebind;
		bool is;
		uint32_t t1, t2;
	} rows[] = {
		{100, 0, 0, true, 50, 87},    {100, 60, 50, true, 50, 87},
		{100, 60, 100, true, 50, 87}, {100, 60, 99, true, 60, 99},
		{4, 0, 0, false, 0, 0},       {5, 0, 0, true, 2, 4},
		{0, 0, 0, false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_dhcp_reply r = {0};
		struct answer a;

		begin(&a, MB_NET_DHCP_ACK);
		ADD(&a, 1, 255, 255, 255, 0);
		ADD(&a, 51, 0, 0, 0, rows[i].lease);
		ADD(&a, 58, 0, 0, 0, rows[i].renew);
		ADD(&a, 59, 0, 0, 0, rows[i].rebind);
		assert_int_equal(parses(&a, &r), rows[i].is);
		assert_int_equal(r.renew, rows[i].t1);
		assert_int_equal(r.rebind, rows[i].t2);
	}
}

static void parse_a_lease_without_end(void **state)
{
	struct mb_net_dhcp_reply r;
	struct answer a;

	(void)state;
	begin(&a, MB_NET_DHCP_ACK);
	ADD(&a, 51, 255, 255, 255, 255);
	ADD(&a, 58, 0, 0, 0, 9);
	assert_true(parses(&a, &r));
	assert_true(r.lease == MB_NET_DHCP_FOREVER && r.renew == MB_NET_DHCP_FOREVER);
	assert_int_equal(r.bits, 24); /* of its class */
}

static void parse_routes(void **state)
{
	struct mb_net_dhcp_reply r;
	struct answer a;

	(void)state;
	begin_whole(&a);
	ADD(&a, 3, 192, 0, 2, 254);
	ADD(&a, 121, 0, 192, 0, 2, 9, 24, 10, 1, 2, 192, 0, 2, 8, 9, 10, 0xff, 0, 0, 0, 0);
	ADD(&a, 121, 32, 198, 51, 100, 7, 192, 0, 2, 8, 33, 1, 1, 1, 1, 1);
	assert_true(parses(&a, &r));
	assert_memory_equal(r.router, "\xc0\0\2\x09", 4);
	assert_int_equal(r.n_routes, 3);
	assert_memory_equal(r.routes[0].dst, "\x0a\1\2\0", 4);
	assert_int_equal(r.routes[1].bits, 9);
	assert_memory_equal(r.routes[1].dst, "\x0a\x80\0\0", 4);
	assert_memory_equal(r.routes[1].gateway, "\0\0\0\0", 4);
	assert_memory_equal(r.routes[2].dst, "\xc6\x33\x64\x07", 4);
}

static void parse_options_where_the_file_would_be(void **state)
{
	struct mb_net_dhcp_reply r;
	struct answer a;

	(void)state;
	begin_whole(&a);
	memcpy(a.p + 108, "\3\4\xc0\0\2\xfd\xff", 7);
	memcpy(a.p + 44, "\x1a\2\5\xdc\xff", 5);
	assert_true(parses(&a, &r));
	assert_int_equal(r.mtu, 0);
	ADD(&a, 52, 3);
	assert_true(parses(&a, &r));
	assert_memory_equal(r.router, "\xc0\0\2\xfd", 4);
	assert_int_equal(r.mtu, 1500);
}

static void parse_what_is_no_answer(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} rows[] = {{0, 1},    {1, 6},   {2, 8},    {7, 9},     {33, 9},    {239, 0},
	            {242, 9},  {242, 1}, {245, 0},  {245, 127}, {245, 224}, {16, 0},
	            {16, 255}, {19, 0},  {19, 255}, {252, 1},   {253, 9}};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_net_dhcp_reply r;
		struct answer a;

		begin_whole(&a);
		assert_true(parses(&a, &r));
		a.p[rows[i].at] = rows[i].byte;
		if (parses(&a, &r))
			fail_msg("%zu: %u is taken", rows[i].at, rows[i].byte);
	}
}

static void parse_cut_short(void **state)
{
	struct mb_net_dhcp_reply r;
	struct answer a;

	(void)state;
	begin_whole(&a);
	for (size_t n = 0; n < a.n; n++) {
		uint8_t *copy = mb_malloc(n + 1);

		memcpy(copy, a.p, n);
		assert_false(mb_net_dhcp_parse(copy, n, &ours, &r));
		free(copy);
	}
}

static void parse_one_for_another_client(void **state)
{
	struct mb_net_dhcp_reply r;
	struct answer a;

	(void)state;
	begin_whole(&a);
	ADD(&a, 61, 255, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	assert_false(parses(&a, &r));
}

static void parse_domains(void **state)
{
	static const char *const bad[] = {"a b", "a\nnameserver", "..", "a..b",
	                                  ".a",  "\xc3\xa4",      "a;b"};

	(void)state;
	for (size_t i = 0; i < MB_N(bad); i++) {
		struct mb_net_dhcp_reply r;
		struct answer a;

		begin_whole(&a);
		add(&a, 15, bad[i], strlen(bad[i]));
		assert_true(parses(&a, &r));
		assert_string_equal(r.domain, "");
	}
}

static void parse_a_refusal(void **state)
{
	struct mb_net_dhcp_reply r;
	struct answer a;

	(void)state;
	begin(&a, MB_NET_DHCP_NAK);
	assert_true(parses(&a, &r));
	assert_int_equal(r.type, MB_NET_DHCP_NAK);
}

static void format_and_frame(void **state)
{
	const struct mb_net_dhcp_ends ends = {.from_mac = {2, 1, 1, 1, 1, 1},
	                                      .to_mac = {255, 255, 255, 255, 255, 255},
	                                      .to = {255, 255, 255, 255}};
	uint8_t message[MB_NET_DHCP_MESSAGE_MAX], frame[MB_NET_DHCP_FRAME_MAX], from[6];
	struct mb_net_dhcp_query q = ours;
	const uint8_t *inside;
	size_t n, size;

	(void)state;
	memcpy(q.wanted, "\xc0\0\2\x07", 4);
	n = mb_net_dhcp_format(&q, message);
	assert_true(n >= 300 && n <= sizeof(message));
	assert_memory_equal(message, "\1\1\6\0\1\2\3\4", 8);
	assert_memory_equal(message + OPTIONS, "\x35\1\1\x3d\x17\xff\1\2\3", 9);
	assert_non_null(memmem(message, n, "\x32\4\xc0\0\2\x07", 6));
	assert_non_null(memmem(message, n, "\x0c\3web", 5));
	size = mb_net_dhcp_frame(&ends, message, n, frame);
	assert_int_equal(size, n + 42);
	/* From a client to a server: not what a client takes. */
	assert_false(mb_net_dhcp_unframe(frame, size, &inside, &size, from));
	memcpy(frame + 34, "\0\x43\0\x44", 4);
	size = n + 42;
	assert_true(mb_net_dhcp_unframe(frame, size + 4, &inside, &size, from));
	assert_int_equal(size, n);
	assert_ptr_equal(inside, frame + 42);
	assert_memory_equal(from, ends.from_mac, 6);
	assert_false(mb_net_dhcp_unframe(frame, n + 41, &inside, &size, from));
	frame[22]++; /* the sum is wrong then */
	assert_false(mb_net_dhcp_unframe(frame, n + 42, &inside, &size, from));
}

static void id_is_of_both(void **state)
{
	uint8_t a[MB_NET_DHCP_ID_BYTES], b[MB_NET_DHCP_ID_BYTES], c[MB_NET_DHCP_ID_BYTES];

	(void)state;
	mb_net_dhcp_id("one", "net", a);
	mb_net_dhcp_id("one", "net", b);
	assert_memory_equal(a, b, sizeof(a));
	mb_net_dhcp_id("one", "other", b);
	assert_memory_not_equal(a, b, sizeof(a));
	mb_net_dhcp_id("onen", "et", c);
	assert_memory_not_equal(a, c, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_all_of_it),
		cmocka_unit_test(parse_times),
		cmocka_unit_test(parse_a_lease_without_end),
		cmocka_unit_test(parse_routes),
		cmocka_unit_test(parse_options_where_the_file_would_be),
		cmocka_unit_test(parse_what_is_no_answer),
		cmocka_unit_test(parse_cut_short),
		cmocka_unit_test(parse_one_for_another_client),
		cmocka_unit_test(parse_domains),
		cmocka_unit_test(parse_a_refusal),
		cmocka_unit_test(format_and_frame),
		cmocka_unit_test(id_is_of_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
