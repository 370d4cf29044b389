/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/utf8.h"

#include <string.h>

static size_t sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

size_t mb_utf8_decode(const char *s, size_t len, uint32_t *ret_c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	static const unsigned char first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	size_t n = len ? sequence_length((unsigned char)s[0]) : 0;
	uint32_t c;

	if (n == 0 || n > len)
		return 0;
	c = (unsigned char)s[0] & first_mask[n];
	for (size_t i = 1; i < n; i++) {
		unsigned char next = (unsigned char)s[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (next & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_c = c;
	return n;
}

bool mb_utf8_is_valid(const char *s, size_t len)
{
	uint32_t c;

	while (len) {
		size_t n = mb_utf8_decode(s, len, &c);

		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

static size_t columns(uint32_t c)
{
	if ((c >= 0x300 && c <= 0x36f) || c == 0x200b || c == 0x200d ||
	    (c >= 0xfe00 && c <= 0xfe0f))
		return 0;
	if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
	    (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
	    (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
	    (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd))
		return 2;
	return 1;
}

size_t mb_utf8_width(const char *s)
{
	size_t left = strlen(s), width = 0;
	uint32_t c;

	while (left) {
		size_t n;

		if ((unsigned char)*s < 0x80) { /* nearly all there is */
			width++;
			s++;
			left--;
			continue;
		}
		n = mb_utf8_decode(s, left, &c);
		width += n ? columns(c) : 1;
		n = n ? n : 1;
		s += n;
		left -= n;
	}
	return width;
}

bool mb_utf8_moves_terminal(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return true;
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}
