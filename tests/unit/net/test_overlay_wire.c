/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"
#include "core/id.h"
#include "core/own.h"
#include "net/net.h"
#include "net/overlay_record.h"
#include "net/overlay_wire.h"

#define KEY  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEY2 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee"
/* The first half of the SHA-256 of the key's bytes (sha256sum), behind fe80::. */
#define ADDRESS "fe80::4884:fdaa:fea4:7c29"

static char text_of[MB_NET_ADDR_TEXT];

static const char *address_of(const char *key)
{
	struct mb_net_addr a;

	return mb_net_wire_address(key, &a) ? mb_net_addr_format(&a, text_of) : NULL;
}

static void an_address_follows_from_a_key(void **state)
{
	MB_AUTO_FREE char *first = mb_strdup(address_of(KEY));

	(void)state;
	assert_string_equal(first, ADDRESS);
	assert_string_not_equal(first, address_of(KEY2));
	assert_null(address_of(NULL));
	assert_null(address_of(""));
	assert_null(address_of(KEY "0"));
	assert_null(address_of("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"));
}

static void endpoints_are_one_hosts(void **state)
{
	static const char *const bad[] = {
		"",
		":51820",
		"192.0.2.1",
		"192.0.2.1:",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1:1x",
		"[192.0.2.1]:51820",
		"2001:db8::1:51820",
		"[2001:db8::1]",
		"[2001:db8::1:51820",
		"[]:51820",
		"host:51820",
		"0.0.0.0:51820",
		"127.0.0.1:51820",
		"224.0.0.1:51820",
		"[::]:51820",
		"[::1]:51820",
		"[ff02::1]:51820",
		"[fe80::1]:51820",
	};
	struct mb_net_addr a;
	uint16_t port;

	(void)state;
	assert_int_equal(mb_net_wire_endpoint_parse("192.0.2.1:51820", &a, &port), 0);
	assert_int_equal(a.family, AF_INET);
	assert_int_equal(port, 51820);
	assert_int_equal(mb_net_wire_endpoint_parse("[2001:db8::1]:1", &a, &port), 0);
	assert_string_equal(mb_net_addr_format(&a, text_of), "2001:db8::1");
	assert_int_equal(port, 1);
	assert_int_equal(mb_net_wire_endpoint_parse(NULL, &a, &port), -EINVAL);
	for (size_t i = 0; i < MB_N(bad); i++)
		if (mb_net_wire_endpoint_parse(bad[i], &a, &port) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
}

static void what_is_told_is_what_is_read(void **state)
{
	static char v4[] = "192.0.2.1", v6[] = "2001:db8::1";
	struct mb_net_overlay o = {.underlay = v4, .wire_port = 51820};
	MB_AUTO_FREE char *first = mb_net_wire_endpoint(&o);

	(void)state;
	assert_string_equal(first, "192.0.2.1:51820");
	o.underlay = v6;
	MB_AUTO_FREE char *second = mb_net_wire_endpoint(&o);
	assert_string_equal(second, "[2001:db8::1]:51820");
}

/* Nobody can tell a key for an address that does not follow from it. */
static void a_host_has_the_address_of_its_key_alone(void **state)
{
	static char key[] = KEY, other[] = KEY2, endpoint[] = "192.0.2.2:51820", lie[] = "::1";
	struct mb_net_host h = {.key = key, .endpoint = endpoint};

	(void)state;
	assert_true(mb_net_wire_is_of(&h, ADDRESS));
	assert_false(mb_net_wire_is_of(&h, "fe80::1"));
	assert_false(mb_net_wire_is_of(&h, "192.0.2.2"));
	assert_false(mb_net_wire_is_of(&h, NULL));
	h.key = other;
	assert_false(mb_net_wire_is_of(&h, ADDRESS));
	h.key = NULL;
	assert_false(mb_net_wire_is_of(&h, ADDRESS));
	h.key = key;
	h.endpoint = lie;
	assert_false(mb_net_wire_is_of(&h, ADDRESS));
	h.endpoint = NULL;
	assert_false(mb_net_wire_is_of(&h, ADDRESS));
}

static void a_document_says_all_of_it(void **state)
{
	static char key[] = KEY, vtep[] = ADDRESS, underlay[] = "192.0.2.1", other[] = "fe80::1";
	const struct mb_net_overlay good = {.vtep = vtep,
	                                    .underlay = underlay,
	                                    .wire_key = key,
	                                    .wire_public = key,
	                                    .wire_port = 51820};
	struct mb_net_overlay o = good;

	(void)state;
	assert_true(mb_net_wire_is_valid(&o));
	o.vtep = other;
	assert_false(mb_net_wire_is_valid(&o));
	o = good;
	o.wire_key = NULL;
	assert_false(mb_net_wire_is_valid(&o));
	o = good;
	o.wire_public = NULL;
	assert_false(mb_net_wire_is_valid(&o));
	o = good;
	o.underlay = NULL;
	assert_false(mb_net_wire_is_valid(&o));
	o = good;
	o.wire_port = 0;
	assert_false(mb_net_wire_is_valid(&o));
}

/* In the C library's place. */
static size_t n_drawn;

ssize_t getrandom(void *bytes, size_t n, unsigned int flags)
{
	n_drawn += n;
	return syscall(SYS_getrandom, bytes, n, flags);
}

/* Before a key is drawn, and before the kernel is asked anything: there is no handle here. */
static void an_address_that_nobody_reaches_gets_no_key(void **state)
{
	static const char *const useless[] = {"127.0.0.1", "224.0.0.1", "0.0.0.0", "fe80::1", "x"};

	unsigned char byte;

	(void)state;
	mb_random(&byte, sizeof(byte));
	assert_int_equal(n_drawn, 1);
	for (size_t i = 0; i < MB_N(useless); i++) {
		MB_AUTO_FREE char *vtep = mb_strdup(useless[i]);
		struct mb_net_network n = {.overlay.vtep = vtep};
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(mb_net_wire_draw(NULL, &n, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "other hosts cannot reach this one at "));
		assert_non_null(strstr(err.msg, useless[i]));
		assert_null(n.overlay.wire_key);
		assert_string_equal(n.overlay.vtep, useless[i]);
		assert_int_equal(n_drawn, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_follows_from_a_key),
		cmocka_unit_test(endpoints_are_one_hosts),
		cmocka_unit_test(what_is_told_is_what_is_read),
		cmocka_unit_test(a_host_has_the_address_of_its_key_alone),
		cmocka_unit_test(a_document_says_all_of_it),
		cmocka_unit_test(an_address_that_nobody_reaches_gets_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
