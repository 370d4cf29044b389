/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/dockerfile/lint_priv.h — what the rules share. */
#ifndef MB_DOCKERFILE_LINT_PRIV_H
#define MB_DOCKERFILE_LINT_PRIV_H

#include "core/strv.h"
#include "dockerfile/dockerfile.h"
#include "dockerfile/lint.h"

struct mb_dockerfile_linting {
	struct mb_dockerfile *file;
	const struct mb_dockerfile_lint *how;
	struct mb_strv skip, experimental; /* names of rules, or "all" */
	bool is_error;
};
void mb_dockerfile_lint_tell(struct mb_dockerfile_linting *l, const char *rule,
                             struct mb_dockerfile_span span, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* lint_names.c: keywords, names of stages, what FROM says. */
void mb_dockerfile_lint_names(struct mb_dockerfile_linting *l);
/* lint_steps.c: instructions, each by itself or within its stage. */
void mb_dockerfile_lint_steps(struct mb_dockerfile_linting *l);
/* lint_variables.c: variables that nobody set. */
void mb_dockerfile_lint_variables(struct mb_dockerfile_linting *l);

/* Tell @found of every variable that @word needs to be set: not of "${x:-y}". */
void mb_dockerfile_lint_scan(const char *word, char escape,
                             void (*found)(void *arg, const char *name), void *arg);
/* "NAME" of "NAME=VALUE".  Caller frees. */
char *mb_dockerfile_lint_name_of(const char *assignment);

#endif
