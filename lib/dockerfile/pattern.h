/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/dockerfile/pattern.h — the patterns of ${NAME#p}, ${NAME%p} and ${NAME/p/w}.
 *
 * '*' is any run of bytes, '?' one byte, '\' takes '*', '?' and '\' literally and goes away
 * before '}' and '/'.  Time is bounded by the product of the lengths.
 */
#ifndef MB_DOCKERFILE_PATTERN_H
#define MB_DOCKERFILE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct mb_err;

/* What is left of @value without the shortest or longest beginning (or end) that matches. */
int mb_dockerfile_pattern_trim(const char *pattern, const char *value, bool at_end, bool longest,
                               char **ret, struct mb_err *err);
/* @value with the first match, or with every one, replaced. */
int mb_dockerfile_pattern_replace(const char *pattern, const char *value, const char *with,
                                  bool every, char **ret, struct mb_err *err);

#endif
