/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/cgroup_priv.h"

enum { FRACTION_BITS = 32, SHARES_MIN = 2, SHARES_MAX = 262144, WEIGHT_MAX = 10000 };
#define ONE ((uint64_t)1 << FRACTION_BITS)

static uint64_t mul(uint64_t a, uint64_t b)
{
	return (uint64_t)(((unsigned __int128)a * b) >> FRACTION_BITS);
}

/* Binary logarithm of n >= 1 in fixed point: squaring doubles it, so each bit of the fraction
 * shows as an overflow over two. */
static uint64_t log2_fixed(uint64_t n)
{
	unsigned whole = 63 - (unsigned)__builtin_clzll(n);
	uint64_t x = whole >= FRACTION_BITS ? n >> (whole - FRACTION_BITS)
	                                    : n << (FRACTION_BITS - whole);
	uint64_t fraction = 0;

	for (int bit = FRACTION_BITS - 1; bit >= 0; bit--) {
		x = mul(x, x);
		if (x >= 2 * ONE) {
			x >>= 1;
			fraction |= (uint64_t)1 << bit;
		}
	}
	return (uint64_t)whole * ONE + fraction;
}

/* Ten to a power in [0, 5) in fixed point, from 10^(2^-1), 10^(2^-2), ... */
static uint64_t exp10_fixed(uint64_t power)
{
	static const uint64_t roots[] = {
		13581879131, 7637651909, 5727430940, 4959750858, 4615405479, 4452304526,
		4372928347,  4333772518, 4314326278, 4304635904, 4299798883, 4297382410,
		4296174683,  4295570947, 4295269111, 4295118201, 4295042748, 4295005022,
		4294986159,  4294976727, 4294972012, 4294969654, 4294968475, 4294967885,
	};
	uint64_t result = ONE;

	for (uint64_t whole = power >> FRACTION_BITS; whole; whole--)
		result *= 10;
	for (unsigned i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		if (power & (ONE >> (i + 1)))
			result = mul(result, roots[i]);
	return result;
}

/* The curve that runtimes have agreed on since 2025: with l the binary logarithm of the shares,
 * 10^((l^2 + 125 l) / 612 - 7/34), rounded up.  It maps both ends and the default onto each
 * other: 2 to 1, 1024 to 100, 262144 to 10000. */
uint64_t mb_sys_cgroup_weight_of_shares(uint64_t shares)
{
	uint64_t l, power, weight;

	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	if (shares == 1024)
		return 100;
	l = log2_fixed(shares);
	power = (mul(l, l) + 125 * l) / 612 - 7 * ONE / 34;
	weight = (exp10_fixed(power) + ONE - 1) >> FRACTION_BITS;
	return weight > WEIGHT_MAX ? WEIGHT_MAX : weight;
}

uint64_t mb_sys_cgroup_weight_of_blkio(uint16_t weight)
{
	return 1 + ((uint64_t)weight - 10) * 9999 / 990;
}
