/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/format/template_word.h — reading the source of a template word by word (this folder). */
#ifndef MB_FORMAT_TEMPLATE_WORD_H
#define MB_FORMAT_TEMPLATE_WORD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/strv.h"

struct json_object;
struct mb_err;
struct mb_str;

struct mb_format_reader {
	const char *start, *p; /* the source, ended by NUL */
	bool escapes;          /* \t and \n in plain text */
	bool trim;             /* the last action ended in "-}}" */
	unsigned int depth, n_open, n_ranges;
	size_t n_nodes;
	struct mb_strv vars; /* known here, the innermost last */
	struct mb_err *err;
};

/* "template: :LINE: ...".  Return: -EINVAL. */
int mb_format_read_error(struct mb_format_reader *rd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));
/* What stands here has no place in an action.  Return: -EINVAL. */
int mb_format_read_unexpected(struct mb_format_reader *rd);
/* Plain text up to the next action.  Return: false when the source ends. */
bool mb_format_read_text(struct mb_format_reader *rd, struct mb_str *out);
bool mb_format_at_comment(const struct mb_format_reader *rd);
int mb_format_skip_comment(struct mb_format_reader *rd);
void mb_format_skip_space(struct mb_format_reader *rd);
bool mb_format_at_close(const struct mb_format_reader *rd);
/* The closing braces, which must be there. */
int mb_format_read_close(struct mb_format_reader *rd, const char *context);
bool mb_format_is_word(char c);
bool mb_format_is_keyword(const char *word);
bool mb_format_accept_word(struct mb_format_reader *rd, const char *word);
char *mb_format_read_word(struct mb_format_reader *rd);     /* caller frees */
char *mb_format_read_variable(struct mb_format_reader *rd); /* with its '$'; caller frees */
/* A string, a character or a number. */
int mb_format_read_constant(struct mb_format_reader *rd, struct json_object **ret);
void mb_format_reader_drop_vars(struct mb_format_reader *rd, size_t n);

#endif
