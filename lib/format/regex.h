/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/format/regex.h — regular expressions of users: POSIX extended ones, found anywhere in a text.
 *
 * One that repeats too much is not valid, because libc would fill the memory with it.
 */
#ifndef MB_FORMAT_REGEX_H
#define MB_FORMAT_REGEX_H

#include <stdbool.h>

bool mb_format_regex_is_valid(const char *pattern);
/* One that is not valid is found nowhere. */
bool mb_format_regex_finds(const char *pattern, const char *value);

#endif
