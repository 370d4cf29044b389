/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/support/filter.h — what the kernel would do with a seccomp filter: the instructions that
 * filters are made of, simulated, so that programs for other machines can be tried too. */
#ifndef MB_SUPPORT_FILTER_H
#define MB_SUPPORT_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FILTER_ALLOW = 0 }; /* else the errno */

static inline uint32_t filter_run(const struct sock_filter *f, size_t n,
                                  const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		const uint32_t k = f[pc].k;
		bool yes = false;

		switch (f[pc].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(k + 4 <= sizeof(*data));
			memcpy(&a, (const char *)data + k, 4);
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= k;
			continue;
		case BPF_RET | BPF_K:
			return k;
		case BPF_JMP | BPF_JA:
			pc += k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			yes = a & k;
			break;
		default:
			fail_msg("instruction %#x", f[pc].code);
		}
		pc += yes ? f[pc].jt : f[pc].jf;
	}
	fail_msg("no verdict");
	return 0;
}

/* FILTER_ALLOW or the errno that call @nr with first arguments @arg and @second ends with. */
static inline int filter_ask(const struct sock_filter *f, size_t n, uint32_t arch, int nr,
                             uint64_t arg, uint64_t second)
{
	const struct seccomp_data data = {.nr = nr, .arch = arch, .args = {arg, second}};
	const uint32_t ret = filter_run(f, n, &data);

	if (ret == SECCOMP_RET_ALLOW)
		return FILTER_ALLOW;
	assert_int_equal(ret & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
	return (int)(ret & SECCOMP_RET_DATA);
}

#endif
