/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/sha256.h — SHA-256 (FIPS 180-4), with the processor's instructions where it has them.
 *
 * Ours, because a static libcrypto runs two dozen CPUID traps in every start of the program;
 * this one asks once, when first used.
 */
#ifndef MB_CORE_SHA256_H
#define MB_CORE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { MB_SHA256_BYTES = 32, MB_SHA256_TEXT = 65 };

struct mb_sha256 {
	uint32_t state[8];
	uint64_t total; /* bytes so far */
	unsigned char block[64];
};

void mb_sha256_init(struct mb_sha256 *h);
void mb_sha256_add(struct mb_sha256 *h, const void *bytes, size_t n);
void mb_sha256_finish(struct mb_sha256 *h, unsigned char digest[MB_SHA256_BYTES]);
/* 64 hex digits and NUL. */
void mb_sha256_finish_text(struct mb_sha256 *h, char text[MB_SHA256_TEXT]);
void mb_sha256_text(const void *bytes, size_t n, char text[MB_SHA256_TEXT]);

#endif
