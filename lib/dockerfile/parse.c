/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dockerfile/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "dockerfile/lines.h"

/* --- growing -------------------------------------------------------------------------------- */

static void add_instruction(struct mb_dockerfile_instruction **v, size_t *n,
                            const struct mb_dockerfile_instruction *in)
{
	*v = mb_realloc(*v, (*n + 1) * sizeof(**v));
	(*v)[(*n)++] = *in;
}

void mb_dockerfile_warn(struct mb_dockerfile *file, const char *rule,
                        struct mb_dockerfile_span span, const char *fmt, ...)
{
	MB_AUTO_STR struct mb_str message = MB_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	mb_str_addv(&message, fmt, ap);
	va_end(ap);
	file->warnings =
		mb_realloc(file->warnings, (file->n_warnings + 1) * sizeof(*file->warnings));
	file->warnings[file->n_warnings++] =
		(struct mb_dockerfile_warning){rule, mb_str_take(&message), span};
}

static void free_instructions(struct mb_dockerfile_instruction *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mb_dockerfile_instruction_done(&v[i]);
	free(v);
}

void mb_dockerfile_done(struct mb_dockerfile *file)
{
	free(file->syntax);
	free(file->check);
	free_instructions(file->globals, file->n_globals);
	for (size_t i = 0; i < file->n_stages; i++) {
		struct mb_dockerfile_stage *stage = &file->stages[i];

		free(stage->base);
		free(stage->name);
		free(stage->platform);
		free(stage->text);
		free(stage->keyword);
		free(stage->as);
		free(stage->typed_name);
		free_instructions(stage->v, stage->n);
	}
	free(file->stages);
	for (size_t i = 0; i < file->n_warnings; i++)
		free(file->warnings[i].message);
	free(file->warnings);
	*file = (struct mb_dockerfile){0};
}

/* --- what was meant -------------------------------------------------------------------------- */

/* Levenshtein's distance, for words of a few letters. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64], n = strlen(b);

	if (strlen(a) >= MB_N(row) || n >= MB_N(row))
		return MB_N(row);
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = change < least ? change : least;
		}
	}
	return row[n];
}

const char *mb_dockerfile_nearest(const char *word, const char *const *names)
{
	const char *best = NULL;
	size_t least = 4;

	for (; *names; names++) {
		size_t d = distance(word, *names);

		if (d < least && d <= strlen(*names) / 2) {
			least = d;
			best = *names;
		}
	}
	return best;
}

/* --- stages ---------------------------------------------------------------------------------- */

static bool stage_name_is_valid(const char *s)
{
	if (!islower((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s) &&
		    !strchr("-_.", *s))
			return false;
	return true;
}

static int add_stage(struct mb_dockerfile *file, struct mb_dockerfile_instruction *from,
                     struct mb_err *err)
{
	struct mb_dockerfile_stage stage = {.span = from->span};
	const char *platform = mb_dockerfile_flag_find(from, "platform");

	if (from->args.n == 3) {
		if (strcasecmp(from->args.v[1], "AS") != 0)
			return mb_fail(err, EINVAL, "FROM requires either one or three arguments");
		stage.name = mb_strdup(from->args.v[2]);
		for (char *p = stage.name; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		if (!stage_name_is_valid(stage.name)) {
			free(stage.name);
			return mb_fail(err, EINVAL,
			               "invalid name for build stage: \"%.100s\", name can't start "
			               "with a number or contain symbols",
			               from->args.v[2]);
		}
	}
	stage.base = mb_strdup(from->args.v[0]);
	stage.platform = mb_strdup_or_null(platform);
	stage.text = mb_strdup(from->text);
	stage.keyword = mb_strdup(from->keyword);
	if (from->args.n == 3) {
		stage.as = mb_strdup(from->args.v[1]);
		stage.typed_name = mb_strdup(from->args.v[2]);
	}
	file->stages = mb_realloc(file->stages, (file->n_stages + 1) * sizeof(*file->stages));
	file->stages[file->n_stages++] = stage;
	return 0;
}

static int add(struct mb_dockerfile *file, struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	struct mb_dockerfile_stage *stage;
	int r;

	if (in->kind == MB_DOCKERFILE_FROM) {
		r = add_stage(file, in, err);
		mb_dockerfile_instruction_done(in);
		return r;
	}
	if (file->n_stages == 0 && in->kind == MB_DOCKERFILE_ARG) {
		add_instruction(&file->globals, &file->n_globals, in);
		return 0;
	}
	if (file->n_stages == 0) {
		mb_dockerfile_instruction_done(in);
		return mb_fail(err, EINVAL, "no build stage in current context");
	}
	stage = &file->stages[file->n_stages - 1];
	add_instruction(&stage->v, &stage->n, in);
	return 0;
}

/* --- the whole ------------------------------------------------------------------------------- */

static int parse_next(struct mb_dockerfile_reader *reader, struct mb_dockerfile *file,
                      struct mb_dockerfile_span *span, struct mb_err *err)
{
	struct mb_dockerfile_line line = {0};
	struct mb_dockerfile_instruction in = {0};
	int r = mb_dockerfile_read_line(reader, &line, err);

	if (r == 1)
		return 1;
	*span = line.span;
	if (r == 0 && line.has_empty)
		mb_dockerfile_warn(file, "NoEmptyContinuation", line.span,
		                   "Empty continuation line");
	if (r == 0)
		r = mb_dockerfile_instruction_read(&line, reader->escape, &in, err);
	if (r == 0)
		r = add(file, &in, err);
	mb_dockerfile_line_done(&line);
	return r;
}

static int check_text(const char *text, size_t len, struct mb_err *err)
{
	size_t lines = 0;

	if (len > MB_DOCKERFILE_MAX_BYTES)
		return mb_fail(err, E2BIG, "the Dockerfile is larger than %d bytes",
		               MB_DOCKERFILE_MAX_BYTES);
	if (memchr(text, '\0', len))
		return mb_fail(err, EINVAL, "the Dockerfile has a byte of zero in it");
	for (const char *p = text; (p = memchr(p, '\n', (size_t)(text + len - p))); p++)
		lines++;
	if (lines > MB_DOCKERFILE_MAX_LINES)
		return mb_fail(err, E2BIG, "the Dockerfile has more than %d lines",
		               MB_DOCKERFILE_MAX_LINES);
	return 0;
}

static const char *after_mark(const char *text, size_t len)
{
	return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

int mb_dockerfile_parse(const char *text, size_t len, struct mb_dockerfile *ret,
                        struct mb_dockerfile_span *ret_span, struct mb_err *err)
{
	MB_AUTO_DOCKERFILE struct mb_dockerfile file = {.escape = '\\'};
	struct mb_dockerfile_reader reader = {
		.p = after_mark(text, len), .end = text + len, .line = 1, .escape = '\\'};
	struct mb_dockerfile_span span = {0};
	int r = check_text(text, len, err);

	if (ret_span)
		*ret_span = span;
	if (r < 0)
		return r;
	r = mb_dockerfile_read_directives(&reader, &file, &span, err);
	while (r == 0)
		r = parse_next(&reader, &file, &span, err);
	if (r < 0) {
		if (ret_span)
			*ret_span = span;
		return mb_wrap(err, r, "dockerfile parse error on line %u", span.first);
	}
	if (file.n_stages == 0)
		return mb_fail(err, EINVAL,
		               file.n_globals ? "no build stage in the Dockerfile"
		                              : "file with no instructions");
	*ret = file;
	file = (struct mb_dockerfile){0};
	return 0;
}
