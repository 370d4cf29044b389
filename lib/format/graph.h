/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/format/graph.h — figures as pictures of one line, and text in places of a fixed width.
 *
 * @utf8 says whether the reader's terminal has more than ASCII.
 */
#ifndef MB_FORMAT_GRAPH_H
#define MB_FORMAT_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

struct mb_str;

/* Append @width columns, filled from the left by @part (0 to 1; what is beyond is cut). */
void mb_format_bar(struct mb_str *out, double part, size_t width, bool utf8);
/* Append @width columns with the last @width of @n values, the newest one at the right end, each as
 * high as its share of @max; of a negative value, which is not known, nothing is seen. */
void mb_format_spark(struct mb_str *out, const double *values, size_t n, double max, size_t width,
                     bool utf8);
/* Append @text in exactly @width columns, cut or filled up; @right: at the right end. */
void mb_format_fit(struct mb_str *out, const char *text, size_t width, bool right);

#endif
