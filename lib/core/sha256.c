/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sha256.h"

#include <string.h>

#include "core/id.h"

static const uint32_t K[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static void schedule(uint32_t w[64], const unsigned char *block)
{
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

static void compress_plain(uint32_t state[8], const unsigned char *block, size_t blocks)
{
	for (; blocks; blocks--, block += 64) {
		uint32_t w[64], s[8];

		schedule(w, block);
		memcpy(s, state, sizeof(s));
		for (int i = 0; i < 64; i++) {
			uint32_t t1 = s[7] +
			              (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
			              ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
			uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
			              ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

			memmove(s + 1, s, 7 * sizeof(*s));
			s[4] += t1;
			s[0] = t1 + t2;
		}
		for (int i = 0; i < 8; i++)
			state[i] += s[i];
	}
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* Four rounds with the message words @m; the instruction takes two at a time. */
#define ROUNDS4(abef, cdgh, m, k)                                                       \
	do {                                                                            \
		__m128i wk_ = _mm_add_epi32(m, _mm_load_si128((const __m128i *)(k)));   \
		cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk_);                          \
		abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk_, 0x0e)); \
	} while (0)

__attribute__((target("sha,sse4.1"))) static void
compress_sha_ni(uint32_t state[8], const unsigned char *block, size_t blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i low = _mm_loadu_si128((const __m128i *)state);
	__m128i high = _mm_loadu_si128((const __m128i *)(state + 4));
	__m128i badc = _mm_shuffle_epi32(low, 0xb1), hgfe = _mm_shuffle_epi32(high, 0x1b);
	__m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);

	for (; blocks; blocks--, block += 64) {
		__m128i abef_before = abef, cdgh_before = cdgh, m[4];

		for (int i = 0; i < 4; i++) {
			m[i] = _mm_loadu_si128((const __m128i *)(block + 16 * i));
			m[i] = _mm_shuffle_epi8(m[i], swap);
		}
		for (int i = 0; i < 16; i++) {
			ROUNDS4(abef, cdgh, m[i & 3], K + 4 * i);
			if (i < 12) {
				__m128i next = _mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]);

				next = _mm_add_epi32(
					next, _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4));
				m[i & 3] = _mm_sha256msg2_epu32(next, m[(i + 3) & 3]);
			}
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	badc = _mm_shuffle_epi32(abef, 0x1b);
	hgfe = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(badc, hgfe, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(hgfe, badc, 8));
}

static int has_sha_ni(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3))
		return 0;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}
#endif

static void compress(uint32_t state[8], const unsigned char *block, size_t blocks)
{
	static void (*best)(uint32_t[8], const unsigned char *, size_t);

	if (!best) {
		best = compress_plain;
#if defined(__x86_64__)
		if (has_sha_ni())
			best = compress_sha_ni;
#endif
	}
	best(state, block, blocks);
}

void mb_sha256_init(struct mb_sha256 *h)
{
	static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memcpy(h->state, start, sizeof(start));
	h->total = 0;
}

void mb_sha256_add(struct mb_sha256 *h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	size_t used = h->total % 64;

	if (n == 0)
		return;
	h->total += n;
	if (used) {
		size_t take = 64 - used < n ? 64 - used : n;

		memcpy(h->block + used, p, take);
		p += take;
		n -= take;
		if (used + take < 64)
			return;
		compress(h->state, h->block, 1);
	}
	if (n >= 64)
		compress(h->state, p, n / 64);
	memcpy(h->block, p + n / 64 * 64, n % 64);
}

void mb_sha256_finish(struct mb_sha256 *h, unsigned char digest[MB_SHA256_BYTES])
{
	unsigned char tail[72] = {0x80};
	uint64_t bits = h->total * 8;
	size_t used = h->total % 64, pad = (used < 56 ? 56 : 120) - used;

	for (int i = 0; i < 8; i++)
		tail[pad + (size_t)i] = (unsigned char)(bits >> (56 - 8 * i));
	mb_sha256_add(h, tail, pad + 8);
	for (int i = 0; i < 32; i++)
		digest[i] = (unsigned char)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

void mb_sha256_finish_text(struct mb_sha256 *h, char text[MB_SHA256_TEXT])
{
	unsigned char digest[MB_SHA256_BYTES];

	mb_sha256_finish(h, digest);
	mb_hex_format(digest, sizeof(digest), text);
}

void mb_sha256_text(const void *bytes, size_t n, char text[MB_SHA256_TEXT])
{
	struct mb_sha256 h;

	mb_sha256_init(&h);
	mb_sha256_add(&h, bytes, n);
	mb_sha256_finish_text(&h, text);
}
