/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>

#include "core/own.h"
#include "nl/batch.h"

static void messages_follow_each_other_aligned(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const char header[5] = "head";
	const struct nlmsghdr *first, *second;

	(void)state;
	mb_nl_message(&b, 100, NLM_F_ACK, header, sizeof(header));
	mb_nl_put_str(&b, 1, "ab");
	mb_nl_message(&b, 101, 0, header, sizeof(header));
	first = (const void *)b.buf;
	assert_int_equal(first->nlmsg_type, 100);
	assert_int_equal(first->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	assert_int_equal(first->nlmsg_len, NLMSG_HDRLEN + 8 + 8);
	second = (const void *)(b.buf + first->nlmsg_len);
	assert_int_equal(second->nlmsg_type, 101);
	assert_int_equal(second->nlmsg_seq, 1);
	assert_int_equal(b.len, first->nlmsg_len + second->nlmsg_len);
}

static void nests_have_the_length_of_what_is_in_them(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const struct nlattr *at[4], *inner[4];
	size_t outer_mark, inner_mark;

	(void)state;
	mb_nl_message(&b, 100, 0, NULL, 0);
	outer_mark = mb_nl_nest(&b, 2 | NLA_F_NESTED);
	mb_nl_put_u8(&b, 1, 7);
	inner_mark = mb_nl_nest(&b, 3);
	mb_nl_put_be16(&b, 1, 0x1234);
	mb_nl_nest_end(&b, inner_mark);
	mb_nl_nest_end(&b, outer_mark);
	mb_nl_put_be32(&b, 3, 0x01020304);
	assert_int_equal(mb_nl_parse(b.buf + NLMSG_HDRLEN, b.len - NLMSG_HDRLEN, at, 3), 0);
	assert_int_equal(mb_nl_be32(at[3], 0), 0x01020304);
	assert_null(at[1]);
	assert_int_equal(mb_nl_parse(mb_nl_data(at[2], 0), mb_nl_data_len(at[2]), inner, 3), 0);
	assert_int_equal(mb_nl_u8(inner[1], 0), 7);
	assert_int_equal(mb_nl_parse(mb_nl_data(inner[3], 0), mb_nl_data_len(inner[3]), at, 3), 0);
	assert_int_equal(mb_nl_be16(at[1], 0), 0x1234);
}

static void what_is_too_long_breaks_the_batch(void **state)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_FREE char *big = mb_calloc(1, 70000);
	size_t mark;

	(void)state;
	mb_nl_message(&b, 100, 0, NULL, 0);
	mb_nl_put(&b, 1, big, 65000);
	assert_false(b.broken);
	mb_nl_put(&b, 1, big, 70000);
	assert_true(b.broken);
	mb_nl_put_u32(&b, 1, 1); /* harmless after */
	mb_nl_batch_reset(&b);
	mb_nl_message(&b, 100, 0, NULL, 0);
	mark = mb_nl_nest(&b, 1);
	mb_nl_put(&b, 1, big, 60000);
	mb_nl_put(&b, 1, big, 60000);
	mb_nl_nest_end(&b, mark);
	assert_true(b.broken);
	mb_nl_batch_reset(&b);
	for (int i = 0; i < 200; i++)
		mb_nl_message(&b, 100, 0, big, 60000);
	assert_true(b.broken);
}

static void parse_believes_no_length(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int r;
	} rows[] = {
		{"", 0, 0},
		{"\x04\0\x01\0", 4, 0},
		{"\x03\0\x01\0", 4, -EBADMSG},        /* shorter than itself */
		{"\x08\0\x01\0", 4, -EBADMSG},        /* longer than the rest */
		{"\x05\0\x01\0x", 5, 0},              /* the last one needs no padding */
		{"\x04\0\x01\0\x01", 5, -EBADMSG},    /* a piece of a header */
		{"\x04\0\xff\x3f", 4, 0},             /* a type that nobody asked for */
		{"\x04\0\x01\x80\x04\0\x02\0", 8, 0}, /* nested flag is taken off */
		{"\0\0\0\0\0\0\0\0", 8, -EBADMSG},
		{"\xff\xff\xff\xff", 4, -EBADMSG},
	};
	const struct nlattr *at[3];

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		_Alignas(4) char copy[16];

		memcpy(copy, rows[i].bytes, rows[i].len);
		assert_int_equal(mb_nl_parse(copy, rows[i].len, at, 2), rows[i].r);
	}
	assert_null(at[0]);
}

static void values_that_are_short_are_absent(void **state)
{
	_Alignas(4) const char bytes[] = "\x06\0\x01\0ab\0\0";
	const struct nlattr *at[2];

	(void)state;
	assert_int_equal(mb_nl_parse(bytes, 8, at, 1), 0);
	assert_int_equal(mb_nl_u32(at[1], 77), 77);
	assert_null(mb_nl_str(at[1])); /* no NUL inside its length */
	assert_null(mb_nl_data(at[1], 3));
	assert_non_null(mb_nl_data(at[1], 2));
	assert_null(mb_nl_str(NULL));
	assert_int_equal(mb_nl_be16(NULL, 9), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_follow_each_other_aligned),
		cmocka_unit_test(nests_have_the_length_of_what_is_in_them),
		cmocka_unit_test(what_is_too_long_breaks_the_batch),
		cmocka_unit_test(parse_believes_no_length),
		cmocka_unit_test(values_that_are_short_are_absent),
	};

	return cmocka_run_group_tests_name("nl/batch", tests, NULL, NULL);
}
