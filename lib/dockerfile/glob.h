/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/dockerfile/glob.h — patterns of paths: sources of COPY, .dockerignore, --exclude.
 *
 * '*' and '?' stop at '/', "[a-z]" and "[^a-z]" are one byte, '\' takes the next byte literally.
 * In deep patterns "**" crosses '/' and a double star with a slash is also no folder at all.
 * Time is bounded by the product of the lengths.
 */
#ifndef MB_DOCKERFILE_GLOB_H
#define MB_DOCKERFILE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

struct mb_err;

struct mb_dockerfile_glob {
	struct mb_dockerfile_glob_piece *v;
	size_t n;
};
/* Return: 0; -EINVAL, told: a bracket or an escape that is not finished. */
int mb_dockerfile_glob_parse(const char *pattern, bool is_deep, struct mb_dockerfile_glob *ret,
                             struct mb_err *err);
void mb_dockerfile_glob_done(struct mb_dockerfile_glob *glob);
/* Whether the whole of the first @n bytes of @path matches. */
bool mb_dockerfile_glob_matches(const struct mb_dockerfile_glob *glob, const char *path, size_t n);
/* Whether @s has a byte that a pattern gives a meaning. */
bool mb_dockerfile_glob_is_pattern(const char *s);

#endif
