/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/dockerfile/lint.h — what docker build --check tells of a Dockerfile that can be read. */
#ifndef MB_DOCKERFILE_LINT_H
#define MB_DOCKERFILE_LINT_H

#include <stdbool.h>
#include <stddef.h>

struct mb_dockerfile;
struct mb_dockerfile_ignore;
struct mb_err;
struct mb_kv;
struct mb_strv;

struct mb_dockerfile_lint {
	const char *text; /* that the file was read from */
	size_t len;
	const char *check;                         /* in place of the directive's words, or NULL */
	const struct mb_dockerfile_ignore *ignore; /* of the context, or NULL */
	const struct mb_kv *args;                  /* of the user */
	/* The environment of an image, or false: nobody knows.  NULL: nobody does. */
	bool (*find_env)(void *arg, const char *image, struct mb_strv *out);
	void *arg;
};
/* Add to @file->warnings, sorted by line, what is not to be skipped.  "# check=skip=RULE,...;
 * error=true;experimental=RULE,...".  *@ret_is_error: warnings are to end the build.
 * Return: 0; -EINVAL, told: the directive makes no sense. */
int mb_dockerfile_lint(struct mb_dockerfile *file, const struct mb_dockerfile_lint *how,
                       bool *ret_is_error, struct mb_err *err);
/* Nobody skips @rule: for what only a build can know. */
bool mb_dockerfile_lint_wants(const struct mb_dockerfile *file,
                              const struct mb_dockerfile_lint *how, const char *rule);

#endif
