/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

#include <linux/bpf.h>

#include "core/err.h"
#include "core/own.h"
#include "sys/device.h"

/* --- a machine for the instructions that the programs consist of --- */

struct machine {
	uint64_t r[11];
	const struct bpf_cgroup_dev_ctx *ctx;
};

static uint64_t field(const struct bpf_cgroup_dev_ctx *ctx, int offset)
{
	uint32_t value;

	assert_true(offset >= 0 && (size_t)offset + 4 <= sizeof(*ctx) && offset % 4 == 0);
	memcpy(&value, (const char *)ctx + offset, sizeof(value));
	return value;
}

/* Arithmetic on two values, or a comparison that yields 0 or 1. */
static uint64_t compute(uint8_t code, uint64_t dst, uint64_t src)
{
	switch (code & ~BPF_X) {
	case BPF_ALU64 | BPF_MOV:
		return src;
	case BPF_ALU64 | BPF_AND:
		return dst & src;
	case BPF_ALU64 | BPF_RSH:
		return dst >> src;
	case BPF_JMP | BPF_JNE:
		return dst != src;
	case BPF_JMP | BPF_JEQ:
		return dst == src;
	default:
		fail_msg("instruction %#x is not known", code);
		return 0;
	}
}

static bool run(const struct bpf_insn *insns, size_t n, const struct bpf_cgroup_dev_ctx *ctx)
{
	struct machine m = {.ctx = ctx};

	for (size_t pc = 0; pc < n; pc++) {
		const struct bpf_insn *i = &insns[pc];
		uint64_t src = i->code & BPF_X ? m.r[i->src_reg] : (uint64_t)(int64_t)i->imm;
		uint64_t value;

		if (i->code == (BPF_JMP | BPF_EXIT))
			return m.r[0] != 0;
		if (i->code == (BPF_LDX | BPF_MEM | BPF_W)) {
			assert_int_equal(i->src_reg, 1);
			m.r[i->dst_reg] = field(ctx, i->off);
			continue;
		}
		value = compute(i->code, m.r[i->dst_reg], src);
		if (BPF_CLASS(i->code) != BPF_JMP) {
			m.r[i->dst_reg] = value;
			continue;
		}
		assert_true(i->off >= 0 && pc + 1 + (size_t)i->off < n);
		pc += value ? (size_t)i->off : 0;
	}
	fail_msg("the program has no end");
	return false;
}

static bool allowed(const struct mb_sys_device_rule *rules, size_t n, char type, uint32_t major,
                    uint32_t minor, unsigned access)
{
	const struct bpf_cgroup_dev_ctx ctx = {
		.access_type =
			access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	MB_AUTO_FREE struct bpf_insn *insns = NULL;
	struct mb_err err = MB_ERR_INIT;
	size_t n_insns;

	assert_int_equal(mb_sys_device_program_make(rules, n, &insns, &n_insns, &err), 0);
	return run(insns, n_insns, &ctx);
}

/* What the rules mean, said another way: each access by the last rule that names it. */
static bool model(const struct mb_sys_device_rule *rules, size_t n, char type, uint32_t major,
                  uint32_t minor, unsigned access)
{
	for (unsigned bit = 1; bit < 8; bit <<= 1) {
		bool yes = false;

		if (!(access & bit))
			continue;
		for (size_t i = 0; i < n; i++)
			if ((rules[i].type == 'a' || rules[i].type == type) &&
			    (rules[i].major < 0 || rules[i].major == major) &&
			    (rules[i].minor < 0 || rules[i].minor == minor) &&
			    (rules[i].access & bit))
				yes = rules[i].allow;
		if (!yes)
			return false;
	}
	return true;
}

enum { R = MB_SYS_DEVICE_READ, W = MB_SYS_DEVICE_WRITE, M = MB_SYS_DEVICE_MKNOD };

static void default_rules_allow_what_a_container_needs(void **state)
{
	static const struct {
		char type;
		uint32_t major, minor;
		unsigned access;
		bool allowed;
	} rows[] = {
		{'c', 1, 3, R | W, true},     {'c', 1, 5, R | W, true},
		{'c', 1, 7, R, true},         {'c', 1, 8, R, true},
		{'c', 1, 9, R | W | M, true}, {'c', 5, 0, R | W, true},
		{'c', 5, 1, R | W, true},     {'c', 5, 2, R | W, true},
		{'c', 136, 7, R | W, true},   {'c', 1, 1, R, false},
		{'c', 1, 1, M, true},         {'c', 1, 11, R, false},
		{'c', 10, 229, R, false},     {'c', 10, 229, M, true},
		{'b', 8, 0, R, false},        {'b', 8, 0, M, true},
		{'b', 1, 3, R, false},        {'c', 4, 0, W, false},
		{'c', 10, 200, R | W, false}, {'c', 10, 229, R | M, false},
	};
	size_t n;
	const struct mb_sys_device_rule *rules = mb_sys_device_rules_default(&n);

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++)
		assert_int_equal(allowed(rules, n, rows[i].type, rows[i].major, rows[i].minor,
		                         rows[i].access),
		                 rows[i].allowed);
}

static void all_rules_allow_everything(void **state)
{
	size_t n;
	const struct mb_sys_device_rule *rules = mb_sys_device_rules_all(&n);

	(void)state;
	assert_true(allowed(rules, n, 'b', 8, 0, R | W | M));
	assert_true(allowed(rules, n, 'c', 1, 1, R | W));
}

static void no_rules_allow_nothing(void **state)
{
	(void)state;
	assert_false(allowed(NULL, 0, 'c', 1, 3, R));
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static struct mb_sys_device_rule rule_random(uint32_t *seed)
{
	return (struct mb_sys_device_rule){
		.allow = random_next(seed) % 2,
		.type = "abc"[random_next(seed) % 3],
		.major = (int64_t)(random_next(seed) % 4) - 1,
		.minor = (int64_t)(random_next(seed) % 4) - 1,
		.access = 1 + random_next(seed) % 7,
	};
}

static void programs_agree_with_the_model(void **state)
{
	uint32_t seed = 12345;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct mb_sys_device_rule rules[6];
		size_t n = random_next(&seed) % 7;

		for (size_t i = 0; i < n; i++)
			rules[i] = rule_random(&seed);
		for (unsigned q = 0; q < 60; q++) {
			char type = q % 2 ? 'b' : 'c';
			uint32_t major = random_next(&seed) % 4, minor = random_next(&seed) % 4;
			unsigned access = 1 + random_next(&seed) % 7;

			assert_int_equal(allowed(rules, n, type, major, minor, access),
			                 model(rules, n, type, major, minor, access));
		}
	}
}

static void program_make_refuses_bad_rules(void **state)
{
	const struct mb_sys_device_rule bad[] = {{true, 'x', 1, 1, R},
	                                         {true, 'c', 1, 1, 0},
	                                         {true, 'c', 1, 1, 8},
	                                         {true, 'c', -2, 1, R}};
	struct mb_err err = MB_ERR_INIT;
	struct bpf_insn *insns;
	size_t n;

	(void)state;
	for (size_t i = 0; i < MB_N(bad); i++)
		assert_int_equal(mb_sys_device_program_make(&bad[i], 1, &insns, &n, &err), -EINVAL);
	assert_int_equal(
		mb_sys_device_program_make(bad, MB_SYS_DEVICE_MAX_RULES + 1, &insns, &n, &err),
		-E2BIG);
}

/* --- texts --- */

static void rule_parse_takes_what_docker_takes(void **state)
{
	static const char *const good[][2] = {
		{"c 1:3 rwm", "c 1:3 rwm"}, {"b *:* m", "b *:* m"}, {"c 136:* wr", "c 136:* rw"},
		{"a *:* rwm", "a *:* rwm"}, {"a", "a *:* rwm"},     {"b 8:* r", "b 8:* r"},
	};
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < MB_N(good); i++) {
		char text[MB_SYS_DEVICE_TEXT];
		struct mb_sys_device_rule rule;

		assert_int_equal(mb_sys_device_rule_parse(good[i][0], true, &rule, &err), 0);
		assert_string_equal(mb_sys_device_rule_format(&rule, text), good[i][1]);
		assert_true(rule.allow);
	}
}

static void rule_parse_refuses_the_rest(void **state)
{
	static const char *const bad[] = {"",
	                                  "c",
	                                  "c 1:3",
	                                  "c 1 rwm",
	                                  "c 1:3 x",
	                                  "c 1:3 rr",
	                                  "d 1:3 r",
	                                  "c :3 r",
	                                  "c -1:3 r",
	                                  "c 1:3:4 r",
	                                  "c 1:3 r ",
	                                  "c  1:3 r",
	                                  "cc 1:3 r",
	                                  "c 1:3 rwm\n",
	                                  "c 0x1:3 r",
	                                  "c 1048576:0 r",
	                                  "c 1:99999999999 r"};
	struct mb_err err = MB_ERR_INIT;
	struct mb_sys_device_rule rule;

	(void)state;
	for (size_t i = 0; i < MB_N(bad); i++)
		assert_int_equal(mb_sys_device_rule_parse(bad[i], true, &rule, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_rules_allow_what_a_container_needs),
		cmocka_unit_test(all_rules_allow_everything),
		cmocka_unit_test(no_rules_allow_nothing),
		cmocka_unit_test(programs_agree_with_the_model),
		cmocka_unit_test(program_make_refuses_bad_rules),
		cmocka_unit_test(rule_parse_takes_what_docker_takes),
		cmocka_unit_test(rule_parse_refuses_the_rest),
	};

	return cmocka_run_group_tests_name("sys/device", tests, NULL, NULL);
}
