/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/parse.h"

/* What stays in an output when a text is refused. */
enum { UNTOUCHED = 4711 };

struct row {
	const char *text;
	int64_t value;
	int r; /* 0 when the value counts */
};

typedef int parse_fn(const char *s, int64_t *ret);

static void check(const char *what, parse_fn *parse, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t got = UNTOUCHED;
		int r = parse(rows[i].text, &got);

		if (r != rows[i].r || got != (r == 0 ? rows[i].value : UNTOUCHED))
			fail_msg("%s '%s' gave %d and %lld, not %d and %lld", what, rows[i].text, r,
			         (long long)got, rows[i].r, (long long)rows[i].value);
	}
}

static int as_u64(const char *s, int64_t *ret)
{
	uint64_t value = UNTOUCHED;
	int r = mb_parse_u64(s, &value);

	*ret = (int64_t)value;
	return r;
}

static int as_u32(const char *s, int64_t *ret)
{
	uint32_t value = UNTOUCHED;
	int r = mb_parse_u32(s, &value);

	*ret = value;
	return r;
}

static int as_int(const char *s, int64_t *ret)
{
	int value = UNTOUCHED, r = mb_parse_int(s, &value);

	*ret = value;
	return r;
}

static int as_mode(const char *s, int64_t *ret)
{
	uint32_t value = UNTOUCHED;
	int r = mb_parse_mode(s, &value);

	*ret = value;
	return r;
}

static int as_signal(const char *s, int64_t *ret)
{
	int value = UNTOUCHED, r = mb_parse_signal(s, &value);

	*ret = value;
	return r;
}

static void numbers(void **state)
{
	static const struct row u64[] = {
		{"0", 0, 0},
		{"007", 7, 0},
		{"18446744073709551615", -1, 0},
		{"18446744073709551616", 0, -ERANGE},
		{"99999999999999999999999", 0, -ERANGE},
		{"", 0, -EINVAL},
		{"+1", 0, -EINVAL},
		{"-1", 0, -EINVAL},
		{" 1", 0, -EINVAL},
		{"1 ", 0, -EINVAL},
		{"0x10", 0, -EINVAL},
		{"1e3", 0, -EINVAL},
	};
	static const struct row i64[] = {
		{"-0", 0, 0},
		{"-5", -5, 0},
		{"9223372036854775807", INT64_MAX, 0},
		{"9223372036854775808", 0, -ERANGE},
		{"-9223372036854775807", -INT64_MAX, 0},
		{"-", 0, -EINVAL},
		{"--5", 0, -EINVAL},
		{"", 0, -EINVAL},
	};
	static const struct row u32[] = {{"4294967295", 4294967295, 0}, {"4294967296", 0, -ERANGE}};
	static const struct row ints[] = {
		{"2147483647", 2147483647, 0},
		{"2147483648", 0, -ERANGE},
		{"-2147483648", -2147483648ll, 0},
		{"-2147483649", 0, -ERANGE},
	};
	static const struct row modes[] = {
		{"0", 0, 0},        {"755", 0755, 0},    {"01777", 01777, 0},
		{"7777", 07777, 0}, {"8", 0, -EINVAL},   {"10000", 0, -ERANGE},
		{"", 0, -EINVAL},   {"0o7", 0, -EINVAL}, {"-1", 0, -EINVAL},
	};

	(void)state;
	check("u64", as_u64, u64, N(u64));
	check("i64", mb_parse_i64, i64, N(i64));
	check("u32", as_u32, u32, N(u32));
	check("int", as_int, ints, N(ints));
	check("mode", as_mode, modes, N(modes));
}

static void booleans_are_gos(void **state)
{
	static const char *const no_boolean[] = {"", "yes", "no", "on", "TrUe", "2", "true "};
	bool got;

	(void)state;
	assert_true(mb_parse_bool("T", &got) == 0 && got);
	assert_true(mb_parse_bool("True", &got) == 0 && got);
	assert_true(mb_parse_bool("0", &got) == 0 && !got);
	assert_true(mb_parse_bool("FALSE", &got) == 0 && !got);
	for (size_t i = 0; i < N(no_boolean); i++)
		assert_int_equal(mb_parse_bool(no_boolean[i], &got), -EINVAL);
}

/* docker's, whose units are binary however they are written. */
static void sizes(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"512", 512, 0},
		{"512b", 512, 0},
		{"512B", 512, 0},
		{"64k", 65536, 0},
		{"64K", 65536, 0},
		{"64kb", 65536, 0},
		{"64KiB", 65536, 0},
		{"64 k", 65536, 0},
		{"64m", 64 << 20, 0},
		{"64MB", 64 << 20, 0},
		{"1g", 1 << 30, 0},
		{"1.5g", 1610612736, 0},
		{"1.5GiB", 1610612736, 0},
		{"0.25g", 268435456, 0},
		{"0.75m", 786432, 0},
		{"1.1g", 1181116006, 0},
		{".5k", 512, 0},
		{"0.0009765625k", 1, 0},
		{"1.k", 1024, 0},
		{"0.9", 0, 0},
		{"1t", 1ll << 40, 0},
		{"1p", 1ll << 50, 0},
		{"8191p", 8191ll << 50, 0},
		{"8192p", 0, -ERANGE},
		{"99999999999999999999", 0, -ERANGE},
		{"", 0, -EINVAL},
		{"k", 0, -EINVAL},
		{"b", 0, -EINVAL},
		{".", 0, -EINVAL},
		{".k", 0, -EINVAL},
		{"-1", 0, -EINVAL},
		{"+1", 0, -EINVAL},
		{"1e", 0, -EINVAL},
		{"1kk", 0, -EINVAL},
		{"1ki", 0, -EINVAL},
		{"1bb", 0, -EINVAL},
		{"1kbb", 0, -EINVAL},
		{"1.2.3k", 0, -EINVAL},
		{"1..k", 0, -EINVAL},
		{"1  k", 0, -EINVAL},
		{" 1k", 0, -EINVAL},
		{"1k ", 0, -EINVAL},
		{"0x10", 0, -EINVAL},
	};

	(void)state;
	check("size", mb_parse_size, rows, N(rows));
}

static void durations_are_gos(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"-0", 0, 0},
		{"+0", 0, 0},
		{"7ns", 7, 0},
		{"250us", 250000, 0},
		{"250\302\265s", 250000, 0},
		{"100ms", 100000000, 0},
		{"1s", 1000000000, 0},
		{"1.5s", 1500000000, 0},
		{".5s", 500000000, 0},
		{"1.s", 1000000000, 0},
		{"1h2m3.5s", 3723500000000, 0},
		{"10m", 600000000000, 0},
		{"0.3333333333333333333h", 1199999999999, 0},
		{"-1m", -60000000000, 0},
		{"+1m", 60000000000, 0},
		{"2562047h47m16.854775807s", INT64_MAX, 0},
		{"2562047h47m16.854775808s", 0, -ERANGE},
		{"99999999999h", 0, -ERANGE},
		{"", 0, -EINVAL},
		{"-", 0, -EINVAL},
		{"5", 0, -EINVAL},
		{"s", 0, -EINVAL},
		{".s", 0, -EINVAL},
		{"1", 0, -EINVAL},
		{"1d", 0, -EINVAL},
		{"1 s", 0, -EINVAL},
		{"1s ", 0, -EINVAL},
		{"1..5s", 0, -EINVAL},
		{"1.5.5s", 0, -EINVAL},
		{"1s2", 0, -EINVAL},
		{"--1s", 0, -EINVAL},
		{"1S", 0, -EINVAL},
	};

	(void)state;
	check("duration", mb_parse_duration, rows, N(rows));
}

static void cpus(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"1", 1000000000, 0},
		{"1.5", 1500000000, 0},
		{".5", 500000000, 0},
		{"0.000000001", 1, 0},
		{"0.0000000019", 1, 0},
		{"1.", 1000000000, 0},
		{"9223372036", 9223372036000000000, 0},
		{"9223372037", 0, -ERANGE},
		{"", 0, -EINVAL},
		{".", 0, -EINVAL},
		{"-1", 0, -EINVAL},
		{"1.5.5", 0, -EINVAL},
		{"1/2", 0, -EINVAL},
		{"two", 0, -EINVAL},
	};

	(void)state;
	check("cpus", mb_parse_nano_cpus, rows, N(rows));
}

static void cpu_lists(void **state)
{
	static const struct {
		const char *text;
		int r;
	} rows[] = {
		{"0", 0},
		{"0-3", 0},
		{"0,2", 0},
		{"0-3,7", 0},
		{"7,0-3", 0},
		{"3-3", 0},
		{"63", 0},
		{"", -EINVAL},
		{"64", -ERANGE},
		{"0-64", -ERANGE},
		{"3-0", -EINVAL},
		{",", -EINVAL},
		{"0,", -EINVAL},
		{",0", -EINVAL},
		{"0--3", -EINVAL},
		{"0-", -EINVAL},
		{"-3", -EINVAL},
		{"a", -EINVAL},
		{"0 - 3", -EINVAL},
		{"0\n", -EINVAL},
		{"0-3-5", -EINVAL},
		{"0;1", -EINVAL},
		{"99999999999999999999", -ERANGE},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		if (mb_parse_cpu_list(rows[i].text, 63) != rows[i].r)
			fail_msg("cpu list '%s'", rows[i].text);
}

static void signals(void **state)
{
	static const struct row rows[] = {
		{"9", 9, 0},
		{"KILL", 9, 0},
		{"SIGKILL", 9, 0},
		{"sigkill", 9, 0},
		{"Term", 15, 0},
		{"HUP", 1, 0},
		{"WINCH", 28, 0},
		{"POLL", 29, 0},
		{"IO", 29, 0},
		{"SIGIO", 29, 0},
		{"IOT", 6, 0},
		{"CLD", 17, 0},
		{"CHLD", 17, 0},
		{"SYS", 31, 0},
		{"UNUSED", 31, 0},
		{"1", 1, 0},
		{"64", 64, 0},
		{"RTMIN", 34, 0},
		{"SIGRTMIN+3", 37, 0},
		{"rtmin+30", 64, 0},
		{"RTMAX", 64, 0},
		{"RTMAX-14", 50, 0},
		{"RTMAX-30", 34, 0},
		{"0", 0, -EINVAL},
		{"65", 0, -EINVAL},
		{"", 0, -EINVAL},
		{"SIG", 0, -EINVAL},
		{"SIG9", 0, -EINVAL},
		{"-9", 0, -EINVAL},
		{"FOO", 0, -EINVAL},
		{"9x", 0, -EINVAL},
		{"RTMIN+", 0, -EINVAL},
		{"RTMIN-1", 0, -EINVAL},
		{"RTMIN+31", 0, -EINVAL},
		{"RTMIN+-1", 0, -EINVAL},
		{"RTMAX+1", 0, -EINVAL},
		{"RTMAX-31", 0, -EINVAL},
		{"SIGSIGTERM", 0, -EINVAL},
	};
	char name[16];
	int sig;

	(void)state;
	check("signal", as_signal, rows, N(rows));
	assert_string_equal(mb_signal_name(15, name), "SIGTERM");
	assert_string_equal(mb_signal_name(34, name), "SIG34");
	assert_string_equal(mb_signal_name(-2147483647 - 1, name), "SIG-2147483648");
	for (int i = 1; i < 32; i++)
		assert_true(mb_parse_signal(mb_signal_name(i, name), &sig) == 0 && sig == i);
}

static void names(void **state)
{
	static const char *const good[] = {"ab",  "a1",  "0a",  "a_b",
	                                   "a.b", "a-b", "A..", "web-1.2_3"};
	static const char *const bad[] = {"",   "a",   ".a",  "-a",     "_a",        "a b",  "a/b",
	                                  "a:", "a\n", "a@b", "../etc", "a\303\274", "a\177"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < N(good); i++)
		if (!mb_name_is_valid(good[i]))
			fail_msg("'%s' is a name", good[i]);
	for (size_t i = 0; i < N(bad); i++)
		if (mb_name_is_valid(bad[i]))
			fail_msg("'%s' is no name", bad[i]);
	memset(text, 'x', sizeof(text));
	text[253] = '\0';
	assert_true(mb_name_is_valid(text));
	text[253] = 'x';
	text[254] = '\0';
	assert_false(mb_name_is_valid(text));
}

static void hex(void **state)
{
	(void)state;
	assert_true(mb_hex_is_valid("", 0));
	assert_true(mb_hex_is_valid("09af", 4));
	assert_false(mb_hex_is_valid("09af", 3));
	assert_false(mb_hex_is_valid("09af", 5));
	assert_false(mb_hex_is_valid("09AF", 4));
	assert_false(mb_hex_is_valid("09ag", 4));
	assert_false(mb_hex_is_valid("09a/", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers), cmocka_unit_test(booleans_are_gos),
		cmocka_unit_test(sizes),   cmocka_unit_test(durations_are_gos),
		cmocka_unit_test(cpus),    cmocka_unit_test(cpu_lists),
		cmocka_unit_test(signals), cmocka_unit_test(names),
		cmocka_unit_test(hex),
	};

	return cmocka_run_group_tests_name("core/parse", tests, NULL, NULL);
}
