/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/screen/mark.h — lines of text with marks for how they look.
 *
 * A mark is the byte 1 and a letter, and holds until the next one or the line's end.  Everything
 * else in a line has gone through mb_printable(), which lets no such byte through.
 */
#ifndef MB_SCREEN_MARK_H
#define MB_SCREEN_MARK_H

#include <stdbool.h>
#include <stddef.h>

struct mb_str;

#define MB_MARK         '\001'
#define MB_MARK_PLAIN   "\001n"
#define MB_MARK_HEADING "\001h"
#define MB_MARK_CHOSEN  "\001s"
#define MB_MARK_BOLD    "\001b"
#define MB_MARK_DIM     "\001d"
#define MB_MARK_GREEN   "\001g"
#define MB_MARK_YELLOW  "\001y"
#define MB_MARK_RED     "\001r"
#define MB_MARK_CYAN    "\001c"

/* Columns of a line, marks apart. */
size_t mb_screen_mark_width(const char *line);
/* Append exactly @width columns of @line: cut or filled up, plain from there on. */
void mb_screen_mark_fit(struct mb_str *out, const char *line, size_t width);
/* Append @line (or several) for a terminal; marks become SGR sequences, or with @colour false
 * nothing. */
void mb_screen_mark_render(struct mb_str *out, const char *line, bool colour);

#endif
