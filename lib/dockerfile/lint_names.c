/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keywords, names of stages, and what stands above them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/own.h"
#include "core/str.h"
#include "dockerfile/lint_priv.h"

enum casing { UPPER, LOWER, MIXED };

static enum casing casing_of(const char *word)
{
	bool has_upper = false, has_lower = false;

	for (; *word; word++) {
		has_upper |= isupper((unsigned char)*word) != 0;
		has_lower |= islower((unsigned char)*word) != 0;
	}
	return has_upper && has_lower ? MIXED : has_lower ? LOWER : UPPER;
}

/* --- keywords --------------------------------------------------------------------------------- */

typedef void each_fn(void *arg, const char *keyword, struct mb_dockerfile_span span);

static void each_keyword(const struct mb_dockerfile *file, each_fn *fn, void *arg)
{
	for (size_t i = 0; i < file->n_globals; i++)
		fn(arg, file->globals[i].keyword, file->globals[i].span);
	for (size_t i = 0; i < file->n_stages; i++) {
		const struct mb_dockerfile_stage *stage = &file->stages[i];

		fn(arg, stage->keyword, stage->span);
		for (size_t k = 0; k < stage->n; k++)
			fn(arg, stage->v[k].keyword, stage->v[k].span);
	}
}

static void count_keyword(void *arg, const char *keyword, struct mb_dockerfile_span span)
{
	size_t *counts = arg;

	(void)span;
	counts[casing_of(keyword)]++;
}

struct majority {
	struct mb_dockerfile_linting *l;
	enum casing casing;
};

static void compare_keyword(void *arg, const char *keyword, struct mb_dockerfile_span span)
{
	const struct majority *m = arg;

	if (casing_of(keyword) != m->casing)
		mb_dockerfile_lint_tell(
			m->l, "ConsistentInstructionCasing", span,
			"Command '%s' should match the case of the command majority "
			"(%s)",
			keyword, m->casing == LOWER ? "lowercase" : "uppercase");
}

static void lint_keywords(struct mb_dockerfile_linting *l)
{
	size_t counts[3] = {0};
	struct majority m = {l, UPPER};

	each_keyword(l->file, count_keyword, counts);
	if (counts[LOWER] > counts[UPPER])
		m.casing = LOWER;
	each_keyword(l->file, compare_keyword, &m);
}

/* --- stages ----------------------------------------------------------------------------------- */

static void lint_stage_name(struct mb_dockerfile_linting *l, size_t i)
{
	const struct mb_dockerfile_stage *stage = &l->file->stages[i];

	if (!stage->name)
		return;
	if (strcmp(stage->typed_name, stage->name) != 0)
		mb_dockerfile_lint_tell(l, "StageNameCasing", stage->span,
		                        "Stage name '%s' should be lowercase", stage->typed_name);
	if (casing_of(stage->as) != casing_of(stage->keyword))
		mb_dockerfile_lint_tell(l, "FromAsCasing", stage->span,
		                        "'%s' and '%s' keywords' casing do not match", stage->as,
		                        stage->keyword);
	if (strcmp(stage->name, "scratch") == 0 || strcmp(stage->name, "context") == 0)
		mb_dockerfile_lint_tell(
			l, "ReservedStageName", stage->span,
			"Stage name should not use the same name as reserved stage '%s'",
			stage->name);
	for (size_t k = 0; k < i; k++)
		if (mb_streq(l->file->stages[k].name, stage->name)) {
			mb_dockerfile_lint_tell(
				l, "DuplicateStageName", stage->span,
				"Duplicate stage name '%s', stage names should be unique",
				stage->typed_name);
			break;
		}
}

static void lint_platform(struct mb_dockerfile_linting *l, const struct mb_dockerfile_stage *stage)
{
	const char *platform = stage->platform;

	if (!platform || !*platform)
		return;
	if (strcmp(platform, "$TARGETPLATFORM") == 0 || strcmp(platform, "${TARGETPLATFORM}") == 0)
		mb_dockerfile_lint_tell(l, "RedundantTargetPlatform", stage->span,
		                        "Setting platform to predefined %s in FROM is redundant as "
		                        "this is the default behavior",
		                        platform);
	else if (!strchr(platform, '$'))
		mb_dockerfile_lint_tell(l, "FromPlatformFlagConstDisallowed", stage->span,
		                        "FROM --platform flag should not use constant value \"%s\"",
		                        platform);
}

/* --- comments that describe ------------------------------------------------------------------- */

/* Line @number of the text, from 1. */
static const char *line_at(const struct mb_dockerfile_lint *how, unsigned number, size_t *ret_n)
{
	const char *s = how->text, *end = how->text + how->len;

	for (unsigned i = 1; i < number && s; i++) {
		s = memchr(s, '\n', (size_t)(end - s));
		s = s ? s + 1 : NULL;
	}
	if (!s || s >= end)
		return NULL;
	*ret_n = strcspn(s, "\n");
	return s;
}

static void lint_comment(struct mb_dockerfile_linting *l, const char *name,
                         struct mb_dockerfile_span span)
{
	size_t n = 0;
	const char *s = span.first > 1 && l->how->text ? line_at(l->how, span.first - 1, &n) : NULL;
	MB_AUTO_FREE char *line = NULL, *wanted = NULL;
	const char *rest;

	if (!s || !name)
		return;
	line = mb_strndup(s, n);
	rest = line + strspn(line, " \t");
	if (*rest != '#')
		return;
	rest += 1 + strspn(rest + 1, " \t");
	/* A directive describes nothing. */
	if (strncasecmp(rest, "syntax=", 7) == 0 || strncasecmp(rest, "check=", 6) == 0 ||
	    strncasecmp(rest, "escape=", 7) == 0)
		return;
	wanted = mb_asprintf("%s ", name);
	if (!mb_starts_with(rest, wanted))
		mb_dockerfile_lint_tell(
			l, "InvalidDefinitionDescription", span,
			"Comment for %s should follow the format: `# %s <description>`", name,
			name);
}

void mb_dockerfile_lint_names(struct mb_dockerfile_linting *l)
{
	lint_keywords(l);
	for (size_t i = 0; i < l->file->n_globals; i++) {
		MB_AUTO_FREE char *name = mb_dockerfile_lint_name_of(l->file->globals[i].args.v[0]);

		lint_comment(l, name, l->file->globals[i].span);
	}
	for (size_t i = 0; i < l->file->n_stages; i++) {
		lint_stage_name(l, i);
		lint_platform(l, &l->file->stages[i]);
		lint_comment(l, l->file->stages[i].typed_name, l->file->stages[i].span);
	}
}
