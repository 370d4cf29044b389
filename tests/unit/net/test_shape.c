/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "net/shape.h"
#include "nl/batch.h"
#include "unit.h"

static void what_is_right(void **state)
{
	static const struct {
		const char *rate, *delay, *loss;
		struct mb_net_shape is;
	} rows[] = {
		{NULL, NULL, NULL, {0}},
		{"8", NULL, NULL, {.rate = 1}},
		{"8bit", NULL, NULL, {.rate = 1}},
		{"10mbit", NULL, NULL, {.rate = 1250000}},
		{"1.5Gbit:64k", NULL, NULL, {.rate = 187500000, .burst = 65536}},
		{"0.000008m", NULL, NULL, {.rate = 1}},
		{"1000gbit", NULL, NULL, {.rate = 125000000000}},
		{NULL, "100ms", NULL, {.delay = 100000000}},
		{NULL, "1h,1h", NULL, {.delay = 3600000000000, .jitter = 3600000000000}},
		{NULL, "250us,7ns", "100%", {.delay = 250000, .jitter = 7, .loss = UINT32_MAX}},
		{NULL, NULL, "50", {.loss = UINT32_MAX / 2}},
		{NULL, NULL, "0.000001%", {.loss = 42}},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_err err = MB_ERR_INIT;
		struct mb_net_shape s;

		if (mb_net_shape_parse(rows[i].rate, rows[i].delay, rows[i].loss, &s, &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		if (s.rate != rows[i].is.rate || s.burst != rows[i].is.burst ||
		    s.delay != rows[i].is.delay || s.jitter != rows[i].is.jitter ||
		    s.loss != rows[i].is.loss)
			fail_msg("row %zu is read as something else", i);
	}
}

static void what_is_wrong(void **state)
{
	static const char *const rates[] = {"",       "0",     "7",     "1001gbit",
	                                    "1kbyte", "-8",    ".5m",   "1m:",
	                                    "1m:x",   "1m:0",  "1m:4g", "1..5m",
	                                    "1m k",   "8 bit", "1e3",   "99999999999999999999999"};
	static const char *const delays[] = {"",     "1",       "-1ms",    "1h1ns",
	                                     "1ms,", "1ms,2ms", "1ms,-1ms"};
	static const char *const losses[] = {"", "%", "101", "100.1%", "-1", "1%%", "0x1"};
	struct mb_net_shape s;

	(void)state;
	for (size_t i = 0; i < MB_N(rates); i++)
		if (mb_net_shape_parse(rates[i], NULL, NULL, &s, NULL) != -EINVAL)
			fail_msg("rate '%s' is accepted", rates[i]);
	for (size_t i = 0; i < MB_N(delays); i++)
		if (mb_net_shape_parse(NULL, delays[i], NULL, &s, NULL) != -EINVAL)
			fail_msg("delay '%s' is accepted", delays[i]);
	for (size_t i = 0; i < MB_N(losses); i++)
		if (mb_net_shape_parse(NULL, NULL, losses[i], &s, NULL) != -EINVAL)
			fail_msg("loss '%s' is accepted", losses[i]);
}

/* Kinds and places of the messages in @b, in order. */
static size_t read_kinds(const struct mb_nl_batch *b, const char *kinds[2], uint32_t parents[2])
{
	size_t n = 0;

	for (size_t at = 0; at < b->len;) {
		const struct nlmsghdr *h = (const void *)(b->buf + at);
		const struct tcmsg *t = NLMSG_DATA(h);
		const struct nlattr *attrs[TCA_MAX + 1];
		size_t skip = NLMSG_SPACE(sizeof(*t));

		assert_true(n < 2);
		assert_int_equal(
			mb_nl_parse((const char *)h + skip, h->nlmsg_len - skip, attrs, TCA_MAX),
			0);
		kinds[n] = mb_nl_str(attrs[TCA_KIND]);
		parents[n++] = t->tcm_parent;
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	return n;
}

static void a_bad_line_is_what_it_sends_and_the_rate_both(void **state)
{
	const struct mb_net_shape s = {.rate = 125000, .delay = 1000000};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const char *kinds[2];
	uint32_t parents[2];

	(void)state;
	mb_net_shape_put(&b, &s, 7, 1500, true);
	assert_int_equal(read_kinds(&b, kinds, parents), 2);
	assert_string_equal(kinds[0], "netem");
	assert_true(parents[0] == TC_H_ROOT);
	assert_string_equal(kinds[1], "tbf");
	assert_true(parents[1] == TC_H_MAKE(1u << 16, 1));
	mb_nl_batch_reset(&b);
	mb_net_shape_put(&b, &s, 7, 1500, false);
	assert_int_equal(read_kinds(&b, kinds, parents), 1);
	assert_string_equal(kinds[0], "tbf");
	assert_true(parents[0] == TC_H_ROOT);
	mb_nl_batch_reset(&b);
	mb_net_shape_put(&b, &(struct mb_net_shape){0}, 7, 1500, true);
	assert_int_equal(b.n_messages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right),
		cmocka_unit_test(what_is_wrong),
		cmocka_unit_test(a_bad_line_is_what_it_sends_and_the_rate_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
