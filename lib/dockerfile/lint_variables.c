/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables that nobody set. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/own.h"
#include "core/str.h"
#include "dockerfile/expand.h"
#include "dockerfile/lint_priv.h"
#include "dockerfile/parse.h"

static const char *const platform_names[] = {
	"BUILDPLATFORM", "BUILDOS",    "BUILDARCH",     "BUILDVARIANT", "TARGETPLATFORM",
	"TARGETOS",      "TARGETARCH", "TARGETVARIANT", "TARGETSTAGE",
};

/* --- words ------------------------------------------------------------------------------------ */

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

void mb_dockerfile_lint_scan(const char *word, char escape,
                             void (*found)(void *arg, const char *name), void *arg)
{
	bool in_single = false, in_double = false;

	for (const char *s = word; *s; s++) {
		MB_AUTO_FREE char *name = NULL;
		bool has_brace;
		size_t n = 0;

		if (in_single || (*s == '\'' && !in_double)) {
			in_single = in_single ? *s != '\'' : true;
			continue;
		}
		if (*s == '"')
			in_double = !in_double;
		if (*s == escape && s[1]) {
			s++;
			continue;
		}
		if (*s != '$')
			continue;
		has_brace = s[1] == '{';
		s += has_brace;
		while (is_name_byte(s[1 + n]))
			n++;
		name = mb_strndup(s + 1, n);
		s += n;
		/* "${x:-y}" and the like say what to do without it. */
		if (n && !isdigit((unsigned char)*name) &&
		    !(has_brace && s[1] && strchr(":-+?", s[1])))
			found(arg, name);
		if (!*s)
			break;
	}
}

/* --- FROM ------------------------------------------------------------------------------------- */

struct from {
	struct mb_dockerfile_linting *l;
	const struct mb_dockerfile_stage *stage;
	struct mb_strv known;
};

static void add_nearest(const char *name, const struct mb_strv *known, struct mb_str *out)
{
	const char *meant =
		known->n ? mb_dockerfile_nearest(name, (const char *const *)known->v) : NULL;

	if (meant)
		mb_str_addf(out, " (did you mean %s?)", meant);
}

static void find_in_from(void *arg, const char *name)
{
	struct from *from = arg;
	MB_AUTO_STR struct mb_str hint = MB_STR_INIT;

	if (mb_strv_has(&from->known, name))
		return;
	add_nearest(name, &from->known, &hint);
	mb_dockerfile_lint_tell(from->l, "UndefinedArgInFrom", from->stage->span,
	                        "FROM argument '%s' is not declared%s", name, mb_str_text(&hint));
}

static const char *find_default(void *arg, const char *name)
{
	return mb_kv_find(arg, name);
}

/* Without what the user gives, is there a name? */
static void lint_default(struct mb_dockerfile_linting *l, const struct mb_dockerfile_stage *stage,
                         struct mb_kv *defaults)
{
	const struct mb_dockerfile_scope scope = {
		.find = find_default, .arg = defaults, .escape = l->file->escape};
	MB_AUTO_FREE char *base = NULL;

	if (!strchr(stage->base, '$') || mb_dockerfile_expand(&scope, stage->base, &base, NULL) < 0)
		return;
	if (!*base || *base == ':' || *base == '/' || *base == '@' || mb_ends_with(base, ":") ||
	    mb_ends_with(base, "/") || mb_ends_with(base, "@"))
		mb_dockerfile_lint_tell(
			l, "InvalidDefaultArgInFrom", stage->span,
			"Default value for ARG %s results in empty or invalid base image name",
			stage->base);
}

static void lint_froms(struct mb_dockerfile_linting *l, struct mb_kv *defaults)
{
	struct from from = {.l = l};

	for (size_t i = 0; i < MB_N(platform_names); i++) {
		mb_strv_add(&from.known, platform_names[i]);
		mb_kv_set(defaults, platform_names[i], "x");
	}
	for (size_t i = 0; i < l->file->n_globals; i++)
		MB_STRV_FOREACH (word, &l->file->globals[i].args) {
			MB_AUTO_FREE char *name = mb_dockerfile_lint_name_of(word);

			mb_strv_add(&from.known, name);
			if (strchr(word, '='))
				mb_kv_set(defaults, name, strchr(word, '=') + 1);
		}
	for (size_t i = 0; i < l->file->n_stages; i++) {
		from.stage = &l->file->stages[i];
		mb_dockerfile_lint_scan(from.stage->base, l->file->escape, find_in_from, &from);
		if (from.stage->platform)
			mb_dockerfile_lint_scan(from.stage->platform, l->file->escape, find_in_from,
			                        &from);
		lint_default(l, from.stage, defaults);
	}
	mb_strv_done(&from.known);
}

/* --- instructions ----------------------------------------------------------------------------- */

struct scope {
	struct mb_dockerfile_linting *l;
	bool is_known; /* all of its names are */
	struct mb_strv names;
	struct mb_dockerfile_span span;
};

static bool is_predefined(const char *name)
{
	static const char *const known[] = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
	                                    "ALL_PROXY"};

	for (size_t i = 0; i < MB_N(known); i++)
		if (strcasecmp(name, known[i]) == 0)
			return true;
	return false;
}

static void find_in_scope(void *arg, const char *name)
{
	struct scope *scope = arg;
	MB_AUTO_STR struct mb_str hint = MB_STR_INIT;

	if (mb_strv_has(&scope->names, name) || is_predefined(name))
		return;
	if (scope->names.n) {
		const char *meant =
			mb_dockerfile_nearest(name, (const char *const *)scope->names.v);

		if (meant)
			mb_str_addf(&hint, " (did you mean $%s?)", meant);
	}
	mb_dockerfile_lint_tell(scope->l, "UndefinedVar", scope->span,
	                        "Usage of undefined variable '$%s'%s", name, mb_str_text(&hint));
}

static bool expands(enum mb_dockerfile_kind kind)
{
	return kind == MB_DOCKERFILE_ADD || kind == MB_DOCKERFILE_COPY ||
	       kind == MB_DOCKERFILE_ENV || kind == MB_DOCKERFILE_EXPOSE ||
	       kind == MB_DOCKERFILE_LABEL || kind == MB_DOCKERFILE_USER ||
	       kind == MB_DOCKERFILE_WORKDIR || kind == MB_DOCKERFILE_VOLUME ||
	       kind == MB_DOCKERFILE_STOPSIGNAL || kind == MB_DOCKERFILE_ARG;
}

static bool is_heredoc(const struct mb_dockerfile_instruction *in, const char *word)
{
	for (size_t i = 0; i < in->n_heredocs; i++)
		if (strcmp(in->heredocs[i].word, word) == 0)
			return true;
	return false;
}

static void lint_instruction(struct scope *scope, const struct mb_dockerfile_instruction *in)
{
	scope->span = in->span;
	if (expands(in->kind) && scope->is_known)
		MB_STRV_FOREACH (word, &in->args)
			if (!is_heredoc(in, word))
				mb_dockerfile_lint_scan(word, scope->l->file->escape, find_in_scope,
				                        scope);
	for (size_t i = 0; i < in->args.n; i++) {
		if (in->kind == MB_DOCKERFILE_ARG)
			mb_strv_take(&scope->names, mb_dockerfile_lint_name_of(in->args.v[i]));
		if (in->kind == MB_DOCKERFILE_ENV && i % 2 == 0)
			mb_strv_add(&scope->names, in->args.v[i]);
	}
}

static void add_env(struct scope *scope, const struct mb_strv *env)
{
	MB_STRV_FOREACH (assignment, env)
		mb_strv_take(&scope->names, mb_dockerfile_lint_name_of(assignment));
}

/* What is set before the first instruction: by the image, or by the stage below. */
static void begin_scope(struct scope *all, size_t i, const struct mb_kv *defaults)
{
	struct scope *scope = &all[i];
	const struct mb_dockerfile_lint *how = scope->l->how;
	const struct mb_dockerfile *file = scope->l->file;
	const struct mb_dockerfile_scope expand = {
		.find = find_default, .arg = (void *)(uintptr_t)defaults, .escape = file->escape};
	MB_AUTO_STRV struct mb_strv env = MB_STRV_INIT;
	MB_AUTO_FREE char *base = NULL;

	if (mb_dockerfile_expand(&expand, file->stages[i].base, &base, NULL) < 0)
		return;
	for (size_t k = i; k-- > 0;)
		if (file->stages[k].name && strcasecmp(file->stages[k].name, base) == 0) {
			scope->is_known = all[k].is_known;
			mb_strv_add_all(&scope->names, &all[k].names);
			return;
		}
	mb_strv_add(&scope->names, "PATH");
	scope->is_known = strcmp(base, "scratch") == 0 ||
	                  (how->find_env && how->find_env(how->arg, base, &env));
	add_env(scope, &env);
}

void mb_dockerfile_lint_variables(struct mb_dockerfile_linting *l)
{
	MB_AUTO_KV struct mb_kv defaults = MB_KV_INIT;
	struct scope *all = mb_calloc(l->file->n_stages + 1, sizeof(*all));

	lint_froms(l, &defaults);
	if (l->how->args)
		mb_kv_set_all(&defaults, l->how->args);
	for (size_t i = 0; i < l->file->n_stages; i++) {
		all[i].l = l;
		begin_scope(all, i, &defaults);
		for (size_t k = 0; k < l->file->stages[i].n; k++)
			lint_instruction(&all[i], &l->file->stages[i].v[k]);
	}
	for (size_t i = 0; i < l->file->n_stages; i++)
		mb_strv_done(&all[i].names);
	free(all);
}
