/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/utf8.h — UTF-8 as RFC 3629 has it: shortest forms, no surrogates, up to U+10FFFF. */
#ifndef MB_CORE_UTF8_H
#define MB_CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decode one character of at most @len bytes.  Return: its length 1..4 and *@ret_c; 0 when
 * the bytes are not UTF-8, *@ret_c untouched. */
size_t mb_utf8_decode(const char *s, size_t len, uint32_t *ret_c);
bool mb_utf8_is_valid(const char *s, size_t len);
/* Columns that @s takes on a terminal, an approximation: wide East Asian and emoji blocks count
 * two, combining marks none, anything invalid one. */
size_t mb_utf8_width(const char *s);
/* Controls of C0, C1 and DEL, and those that turn the direction of what is written. */
bool mb_utf8_moves_terminal(uint32_t c);

#endif
