/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/dockerfile/expand.h — quotes, escapes and ${...} in the words of a Dockerfile.
 *
 * $NAME ${NAME} ${NAME:-w} ${NAME-w} ${NAME:+w} ${NAME+w} ${NAME:?w} ${NAME?w} ${NAME#p}
 * ${NAME##p} ${NAME%p} ${NAME%%p} ${NAME/p/w} ${NAME//p/w}; patterns know * and ?.
 */
#ifndef MB_DOCKERFILE_EXPAND_H
#define MB_DOCKERFILE_EXPAND_H

#include <stdbool.h>

struct mb_err;
struct mb_strv;

enum { MB_DOCKERFILE_MAX_EXPANDED = 1024 * 1024 }; /* bytes of one result */

struct mb_dockerfile_scope {
	const char *(*find)(void *arg, const char *name); /* borrowed; NULL: not set */
	void *arg;
	char escape;           /* '\\' or '`' */
	bool quotes_are_plain; /* bodies of here-documents */
	bool quotes_stay;      /* quotes group, and stay in the result */
};

/* The whole of @text as one word.  Return: 0 and *@ret, caller frees; -EINVAL, told; -E2BIG. */
int mb_dockerfile_expand(const struct mb_dockerfile_scope *scope, const char *text, char **ret,
                         struct mb_err *err);
/* Split at blanks after expanding; what quotes hold together stays together. */
int mb_dockerfile_expand_words(const struct mb_dockerfile_scope *scope, const char *text,
                               struct mb_strv *out, struct mb_err *err);

#endif
