/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
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

/* ---- answers --------------------------------------------------------------------------- */

static void message(struct mb_nl_batch *b, uint16_t type)
{
	const struct nfgenmsg g = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

	mb_nl_message(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), 0, &g, sizeof(g));
}

/* A copy of @h cut at @len, in a block of that size: a byte read behind its end is seen. */
static struct nlmsghdr *cut(const struct nlmsghdr *h, uint32_t len)
{
	struct nlmsghdr *copy = mb_malloc(len);

	memcpy(copy, h, len);
	copy->nlmsg_len = len;
	return copy;
}

struct seen {
	size_t n;
	struct mb_nl_nft_elem last;
};

static int keep(const struct mb_nl_nft_elem *elem, void *arg)
{
	struct seen *s = arg;

	s->n++;
	s->last = *elem;
	return 0;
}

/* What was built is what the kernel answers with. */
static void elements_are_read_back(void **state)
{
	const struct mb_nl_nft_elem v[2] = {
		{.key = {1}, .key_len = 4, .data = {7}, .data_len = 8, .packets = 3, .bytes = 99},
		{.key = {2}, .key_len = 4, .is_verdict = true, .verdict = NF_ACCEPT},
	};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct seen s = {0};

	(void)state;
	mb_nl_nft_elems_add(&b, "t", "s", v, 1);
	assert_int_equal(mb_nl_nft_elem_read((const void *)b.buf, keep, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.last.data_len, 8);
	assert_memory_equal(s.last.data, v[0].data, 8);
	mb_nl_batch_reset(&b);
	mb_nl_nft_elems_add(&b, "t", "s", v + 1, 1);
	assert_int_equal(mb_nl_nft_elem_read((const void *)b.buf, keep, &s), 0);
	assert_int_equal(s.n, 2);
	assert_true(s.last.is_verdict);
	assert_int_equal(s.last.verdict, NF_ACCEPT);
}

/* Elements are whole or not there: the list that has them ends where the message ends. */
static void elements_cut_short_are_not_told_of(void **state)
{
	struct mb_nl_nft_elem v[2] = {{.key = {1}, .key_len = 32, .data_len = 8, .packets = 1},
	                              {.key = {2}, .key_len = 32, .is_verdict = true}};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const struct nlmsghdr *h;

	(void)state;
	mb_nl_nft_elems_add(&b, "t", "s", v, MB_N(v));
	h = (const void *)b.buf;
	for (uint32_t len = NLMSG_HDRLEN; len < h->nlmsg_len; len++) {
		struct nlmsghdr *copy = cut(h, len);
		struct seen s = {0};

		assert_int_equal(mb_nl_nft_elem_read(copy, keep, &s), 0);
		assert_int_equal(s.n, 0);
		mb_free_p(&copy);
	}
}

/* An element that says it is longer than its list, or shorter than its own header. */
static void an_element_with_a_wrong_length_ends_it(void **state)
{
	static const uint16_t lengths[] = {0, 3, 13, UINT16_MAX};

	(void)state;
	for (size_t i = 0; i < MB_N(lengths); i++) {
		const struct nlattr item = {.nla_len = lengths[i], .nla_type = NFTA_LIST_ELEM};
		MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
		struct seen s = {0};
		size_t list;

		message(&b, NFT_MSG_NEWSETELEM);
		list = mb_nl_nest(&b, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
		mb_nl_put_raw(&b, &item, sizeof(item));
		mb_nl_put_raw(&b, "12345678", 8);
		mb_nl_nest_end(&b, list);
		assert_int_equal(mb_nl_nft_elem_read((const void *)b.buf, keep, &s), -EBADMSG);
		assert_int_equal(s.n, 0);
	}
}

static int stop(const struct mb_nl_nft_elem *elem, void *arg)
{
	(void)elem;
	++*(size_t *)arg;
	return -ECANCELED;
}

static void who_reads_elements_may_stop(void **state)
{
	const struct mb_nl_nft_elem v[2] = {{.key_len = 4}, {.key_len = 4}};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	size_t n = 0;

	(void)state;
	mb_nl_nft_elems_add(&b, "t", "s", v, MB_N(v));
	assert_int_equal(mb_nl_nft_elem_read((const void *)b.buf, stop, &n), -ECANCELED);
	assert_int_equal(n, 1);
}

/* A value is cut to what there is room for. */
static void a_key_that_is_too_long_is_cut(void **state)
{
	const uint8_t longer[MB_NL_NFT_BYTES + 16] = {1};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct seen s = {0};
	size_t list, item, key;

	(void)state;
	message(&b, NFT_MSG_NEWSETELEM);
	list = mb_nl_nest(&b, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
	item = mb_nl_nest(&b, NFTA_LIST_ELEM | NLA_F_NESTED);
	key = mb_nl_nest(&b, NFTA_SET_ELEM_KEY | NLA_F_NESTED);
	mb_nl_put(&b, NFTA_DATA_VALUE, longer, sizeof(longer));
	mb_nl_nest_end(&b, key);
	mb_nl_nest_end(&b, item);
	mb_nl_nest_end(&b, list);
	assert_int_equal(mb_nl_nft_elem_read((const void *)b.buf, keep, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.last.key_len, MB_NL_NFT_BYTES);
}

static void base_chains_cut_short_are_not_told_of(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_nft_base base;
	const struct nlmsghdr *h;
	size_t hook;

	(void)state;
	message(&b, NFT_MSG_NEWCHAIN);
	mb_nl_put_str(&b, NFTA_CHAIN_TABLE, "filter");
	mb_nl_put_str(&b, NFTA_CHAIN_NAME, "FORWARD");
	mb_nl_put_be32(&b, NFTA_CHAIN_POLICY, NF_DROP);
	hook = mb_nl_nest(&b, NFTA_CHAIN_HOOK | NLA_F_NESTED);
	mb_nl_put_be32(&b, NFTA_HOOK_HOOKNUM, NF_INET_FORWARD);
	mb_nl_nest_end(&b, hook);
	h = (const void *)b.buf;
	assert_true(mb_nl_nft_base_read(h, &base));
	assert_int_equal(base.family, NFPROTO_INET);
	assert_string_equal(base.table, "filter");
	assert_string_equal(base.name, "FORWARD");
	assert_int_equal(base.hook, NF_INET_FORWARD);
	assert_int_equal(base.policy, NF_DROP);
	for (uint32_t len = NLMSG_HDRLEN; len < h->nlmsg_len; len++) {
		struct nlmsghdr *copy = cut(h, len);

		assert_false(mb_nl_nft_base_read(copy, &base));
		assert_int_equal(*base.name, '\0');
		mb_free_p(&copy);
	}
}

/* A chain without a hook is no base chain. */
static void other_chains_are_passed_over(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_nft_base base;

	(void)state;
	message(&b, NFT_MSG_NEWCHAIN);
	mb_nl_put_str(&b, NFTA_CHAIN_TABLE, "filter");
	mb_nl_put_str(&b, NFTA_CHAIN_NAME, "ufw-user-input");
	assert_false(mb_nl_nft_base_read((const void *)b.buf, &base));
}

static void rules_cut_short_are_not_told_of(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_nft_rule_info rule;
	const struct nlmsghdr *h;

	(void)state;
	message(&b, NFT_MSG_NEWRULE);
	mb_nl_put_str(&b, NFTA_RULE_TABLE, "foreign");
	mb_nl_put_str(&b, NFTA_RULE_CHAIN, "forward");
	mb_nl_put(&b, NFTA_RULE_EXPRESSIONS, "br-0 drop", 9);
	h = (const void *)b.buf;
	assert_false(mb_nl_nft_rule_read(h, "foreigner", &rule));
	assert_true(mb_nl_nft_rule_read(h, "foreign", &rule));
	assert_string_equal(rule.chain, "forward");
	assert_int_equal(rule.len, 9);
	assert_memory_equal(rule.bytes, "br-0 drop", 9);
	for (uint32_t len = NLMSG_HDRLEN; len < h->nlmsg_len; len++) {
		struct nlmsghdr *copy = cut(h, len);

		if (mb_nl_nft_rule_read(copy, "foreign", &rule))
			assert_true(rule.len == 0 || rule.len == 9);
		mb_free_p(&copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_elements_are_cut_into_messages),
		cmocka_unit_test(no_elements_are_no_message),
		cmocka_unit_test(an_element_has_the_bytes_of_nft),
		cmocka_unit_test(elements_are_read_back),
		cmocka_unit_test(elements_cut_short_are_not_told_of),
		cmocka_unit_test(an_element_with_a_wrong_length_ends_it),
		cmocka_unit_test(who_reads_elements_may_stop),
		cmocka_unit_test(a_key_that_is_too_long_is_cut),
		cmocka_unit_test(base_chains_cut_short_are_not_told_of),
		cmocka_unit_test(other_chains_are_passed_over),
		cmocka_unit_test(rules_cut_short_are_not_told_of),
	};

	return cmocka_run_group_tests_name("nl/nft", tests, NULL, NULL);
}
