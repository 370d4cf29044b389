/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/dockerfile/ignore.h — .dockerignore: which paths of a context do not count.
 *
 * A path is left out when the last line that matches it, or a folder above it, has no '!'.
 */
#ifndef MB_DOCKERFILE_IGNORE_H
#define MB_DOCKERFILE_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "dockerfile/glob.h"

struct mb_err;

enum { MB_DOCKERFILE_MAX_IGNORES = 8192 };

struct mb_dockerfile_ignore {
	struct mb_dockerfile_ignore_rule {
		struct mb_dockerfile_glob glob;
		bool keeps; /* "!pattern" */
	} * v;
	size_t n;
	bool has_keeps; /* below what is left out there may be what is not */
};
#define MB_AUTO_IGNORE __attribute__((cleanup(mb_dockerfile_ignore_done)))

/* Return: 0; -EINVAL with the line told; -E2BIG. */
int mb_dockerfile_ignore_parse(const char *text, size_t len, struct mb_dockerfile_ignore *ret,
                               struct mb_err *err);
/* One pattern more, as a line has it (COPY --exclude). */
int mb_dockerfile_ignore_add(struct mb_dockerfile_ignore *ignore, const char *pattern,
                             struct mb_err *err);
void mb_dockerfile_ignore_done(struct mb_dockerfile_ignore *ignore);
/* Whether @path, relative and clean ("a/b"), is left out. */
bool mb_dockerfile_ignore_has(const struct mb_dockerfile_ignore *ignore, const char *path);

#endif
