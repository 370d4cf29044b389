/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/graph.h"

#include "core/own.h"
#include "core/str.h"
#include "core/utf8.h"
#include "format/human.h"

enum { EIGHTHS = 8 };

static const char *const left_blocks[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
static const char *const low_blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char low_ascii[] = "_.-:=+*#";

static double between_0_and_1(double part)
{
	return part > 0 ? (part < 1 ? part : 1) : 0; /* what is no number is nothing */
}

void mb_format_bar(struct mb_str *out, double part, size_t width, bool utf8)
{
	size_t eighths = (size_t)(between_0_and_1(part) * (double)(width * EIGHTHS) + 0.5);

	/* A little is not nothing. */
	if (!eighths && part > 0)
		eighths = 1;
	for (size_t i = 0; i < width; i++) {
		size_t here = eighths > i * EIGHTHS ? eighths - i * EIGHTHS : 0;

		here = here < EIGHTHS ? here : EIGHTHS;
		if (utf8)
			mb_str_add(out, left_blocks[here]);
		else
			mb_str_addc(out, here >= EIGHTHS / 2 || (!i && here) ? '#' : '.');
	}
}

void mb_format_spark(struct mb_str *out, const double *values, size_t n, double max, size_t width,
                     bool utf8)
{
	for (size_t i = 0; i < width; i++) {
		size_t from_end = width - i;
		double value = from_end <= n ? values[n - from_end] : -1;
		size_t level;

		if (!(value >= 0)) {
			mb_str_addc(out, ' ');
			continue;
		}
		level = max > 0 ? (size_t)(between_0_and_1(value / max) * (EIGHTHS - 1) + 0.5) : 0;
		if (utf8)
			mb_str_add(out, low_blocks[level]);
		else
			mb_str_addc(out, low_ascii[level]);
	}
}

void mb_format_fit(struct mb_str *out, const char *text, size_t width, bool right)
{
	MB_AUTO_FREE char *cut = mb_format_ellipsis(text, width);
	size_t taken = width ? mb_utf8_width(cut) : 0;

	for (size_t i = taken; right && i < width; i++)
		mb_str_addc(out, ' ');
	if (width)
		mb_str_add(out, cut);
	for (size_t i = taken; !right && i < width; i++)
		mb_str_addc(out, ' ');
}
