/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "core/str.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void mb_registry_base64_format(const void *bytes, size_t n, struct mb_str *out)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t word = (uint32_t)b[i] << 16;

		if (have > 1)
			word |= (uint32_t)b[i + 1] << 8;
		if (have > 2)
			word |= b[i + 2];
		mb_str_addc(out, digits[word >> 18]);
		mb_str_addc(out, digits[word >> 12 & 63]);
		mb_str_addc(out, have > 1 ? digits[word >> 6 & 63] : '=');
		mb_str_addc(out, have > 2 ? digits[word & 63] : '=');
	}
}

/* Four characters.  Return: how many bytes they are, 0 when they are none. */
static size_t parse_group(const char *s, unsigned char bytes[3])
{
	size_t padding = s[3] != '=' ? 0 : s[2] != '=' ? 1 : 2;
	uint32_t word = 0;

	for (size_t i = 0; i < 4; i++) {
		const char *digit = i < 4 - padding ? strchr(digits, s[i]) : digits;

		if (!digit)
			return 0;
		word = word << 6 | (uint32_t)(digit - digits);
	}
	for (size_t i = 0; i < 3; i++)
		bytes[i] = (unsigned char)(word >> (16 - 8 * i));
	return 3 - padding;
}

int mb_registry_base64_parse(const char *text, struct mb_str *out)
{
	size_t len = strlen(text);

	if (len % 4)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		unsigned char bytes[3];
		size_t n = parse_group(text + i, bytes);

		if (n == 0 || (n < 3 && i + 4 != len))
			return -EINVAL;
		mb_str_addn(out, bytes, n);
	}
	return 0;
}
