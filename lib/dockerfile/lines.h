/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/dockerfile/lines.h — a Dockerfile's text as instructions without their continuations. */
#ifndef MB_DOCKERFILE_LINES_H
#define MB_DOCKERFILE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "dockerfile/dockerfile.h"

struct mb_err;

struct mb_dockerfile_reader {
	const char *p, *end; /* what is not read yet */
	unsigned line;       /* of p, from 1 */
	char escape;
};

struct mb_dockerfile_line {
	char *keyword; /* as typed */
	char *rest;    /* continuations joined, comments out, blanks at both ends off */
	struct mb_dockerfile_span span;
	bool has_empty; /* a blank line in the middle of it */
	struct mb_dockerfile_heredoc *heredocs;
	size_t n_heredocs;
};

/* The directives at the top, into @file.  Return: 0 or -EINVAL, told, with the line in @span. */
int mb_dockerfile_read_directives(struct mb_dockerfile_reader *in, struct mb_dockerfile *file,
                                  struct mb_dockerfile_span *span, struct mb_err *err);
/* The next instruction.  Return: 0; 1 at the end; -EINVAL or -E2BIG, told. */
int mb_dockerfile_read_line(struct mb_dockerfile_reader *in, struct mb_dockerfile_line *ret,
                            struct mb_err *err);
void mb_dockerfile_line_done(struct mb_dockerfile_line *line);
void mb_dockerfile_heredoc_done(struct mb_dockerfile_heredoc *heredoc);

#endif
