/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/id.h — random identifiers. */
#ifndef MB_CORE_ID_H
#define MB_CORE_ID_H

#include <stddef.h>

enum { MB_ID_LEN = 64, MB_ID_TEXT = 65, MB_ID_SHORT = 12 };

void mb_random(void *bytes, size_t n); /* getrandom(2); ends the process if that fails */
/* 64 lower-case hex digits and NUL.  The first twelve are never all decimal, so that a short id
 * is never taken for a number. */
void mb_id_make(char id[MB_ID_TEXT]);
/* 2 * n hex digits and NUL. */
void mb_hex_format(const void *bytes, size_t n, char *text);

#endif
