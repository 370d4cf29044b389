/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "core/own.h"
#include "nl/nft.h"

static void many_elements_are_cut_into_messages(void **state)
{
	enum { N = 10000 };
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_FREE struct mb_nl_nft_elem *v = mb_calloc(N, sizeof(*v));
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < N; i++)
		v[i].key_len = v[i].data_len = MB_NL_NFT_BYTES;
	mb_nl_nft_elems_add(&b, "t", "s", v, N);
	assert_false(b.broken);
	for (size_t at = 0; at < b.len; n++) {
		const struct nlmsghdr *h = (const void *)(b.buf + at);

		assert_int_equal(h->nlmsg_type, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM);
		assert_true(h->nlmsg_len < 65536 + 64);
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	assert_int_equal(n, b.n_messages);
	assert_int_equal(n, (N + 255) / 256);
}

static void no_elements_are_no_message(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	(void)state;
	mb_nl_nft_elems_add(&b, "t", "s", NULL, 0);
	assert_int_equal(b.len, 0);
}

/* The bytes that nft(8) sends for { "br0" . "br0" : accept }, taken from its debug output. */
static void an_element_has_the_bytes_of_nft(void **state)
{
	static const uint8_t expected[] = {
		64,  0,   3,   0x80, 60, 0, 1, 0x80, 40, 0, 1, 0x80, 36, 0, 1, 0,
		'b', 'r', '0', 0,    0,  0, 0, 0,    0,  0, 0, 0,    0,  0, 0, 0,
		'b', 'r', '0', 0,    0,  0, 0, 0,    0,  0, 0, 0,    0,  0, 0, 0,
		16,  0,   2,   0x80, 12, 0, 2, 0x80, 8,  0, 1, 0,    0,  0, 0, 1,
	};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_nft_elem e = {.key_len = 32, .is_verdict = true, .verdict = NF_ACCEPT};

	(void)state;
	memcpy(e.key, "br0", 3);
	memcpy(e.key + 16, "br0", 3);
	mb_nl_nft_elems_add(&b, "mybox", "fwd_pair", &e, 1);
	assert_memory_equal(b.buf + b.len - sizeof(expected), expected, sizeof(expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_elements_are_cut_into_messages),
		cmocka_unit_test(no_elements_are_no_message),
		cmocka_unit_test(an_element_has_the_bytes_of_nft),
	};

	return cmocka_run_group_tests_name("nl/nft", tests, NULL, NULL);
}
