/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/dockerfile/parse.h — what the files of this folder share about instructions. */
#ifndef MB_DOCKERFILE_PARSE_H
#define MB_DOCKERFILE_PARSE_H

#include "dockerfile/dockerfile.h"

struct mb_dockerfile_line;
struct mb_err;

/* Fill @ret from a line whose keyword is known.  @line's here-documents move to @ret.
 * Return: 0 or -EINVAL, told. */
int mb_dockerfile_instruction_read(struct mb_dockerfile_line *line, char escape,
                                   struct mb_dockerfile_instruction *ret, struct mb_err *err);
/* Which instruction @keyword is, in any case.  Return: 0; -EINVAL, told, perhaps with what was
 * meant. */
int mb_dockerfile_kind_find(const char *keyword, enum mb_dockerfile_kind *ret, struct mb_err *err);
/* Take the flags off the beginning of *@rest.  Return: 0 or -EINVAL, told. */
int mb_dockerfile_flags_read(enum mb_dockerfile_kind kind, char escape, const char **rest,
                             struct mb_dockerfile_instruction *ret, struct mb_err *err);
/* The nearest of @names (ended by NULL) to a mistyped @word, or NULL. */
const char *mb_dockerfile_nearest(const char *word, const char *const *names);

/* Add what docker build --check would tell. */
void mb_dockerfile_warn(struct mb_dockerfile *file, const char *rule,
                        struct mb_dockerfile_span span, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
