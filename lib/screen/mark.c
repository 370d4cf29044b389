/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen/mark.h"

#include <string.h>

#include "core/own.h"
#include "core/str.h"
#include "core/utf8.h"

static const struct {
	char letter;
	const char *sgr;
} looks[] = {
	{'n', "0"},    {'h', "0;7"},  {'s', "0;7"},  {'b', "0;1"},  {'d', "0;2"},
	{'g', "0;32"}, {'y', "0;33"}, {'r', "0;31"}, {'c', "0;36"},
};

/* The next character and what it takes.  Return: its bytes; 2 for a mark, of no width. */
static size_t next(const char *at, size_t left, size_t *ret_width)
{
	char one[5] = "";
	uint32_t c;
	size_t n;

	*ret_width = 0;
	if (*at == MB_MARK)
		return left > 1 ? 2 : 1;
	n = mb_utf8_decode(at, left, &c);
	n = n ? n : 1;
	memcpy(one, at, n);
	*ret_width = mb_utf8_width(one);
	return n;
}

size_t mb_screen_mark_width(const char *line)
{
	size_t left = strlen(line), total = 0, width;

	while (left) {
		size_t n = next(line, left, &width);

		total += width;
		line += n;
		left -= n;
	}
	return total;
}

void mb_screen_mark_fit(struct mb_str *out, const char *line, size_t width)
{
	size_t left = strlen(line), total = 0, w;
	bool marked = false;

	while (left) {
		size_t n = next(line, left, &w);

		if (total + w > width)
			break;
		marked |= *line == MB_MARK;
		mb_str_addn(out, line, n);
		total += w;
		line += n;
		left -= n;
	}
	for (; total < width; total++)
		mb_str_addc(out, ' ');
	if (marked)
		mb_str_add(out, MB_MARK_PLAIN);
}

void mb_screen_mark_render(struct mb_str *out, const char *line, bool colour)
{
	for (const char *at = line; *at; at++) {
		if (*at != MB_MARK) {
			mb_str_addc(out, *at);
			continue;
		}
		if (!*++at)
			break;
		for (size_t i = 0; colour && i < MB_N(looks); i++)
			if (looks[i].letter == *at)
				mb_str_addf(out, "\033[%sm", looks[i].sgr);
	}
}
