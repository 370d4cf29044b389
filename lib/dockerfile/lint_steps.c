/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions, each by itself or within its stage. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/own.h"
#include "core/str.h"
#include "dockerfile/glob.h"
#include "dockerfile/ignore.h"
#include "dockerfile/lint_priv.h"

/* What of a stage is known so far. */
struct within {
	struct mb_dockerfile_linting *l;
	bool has_shell, has_absolute_workdir;
	unsigned seen[MB_DOCKERFILE_KIND_N_];
};
typedef void rule_fn(struct within *w, const struct mb_dockerfile_instruction *in);

static void lint_command(struct within *w, const struct mb_dockerfile_instruction *in)
{
	bool is_health = in->kind == MB_DOCKERFILE_HEALTHCHECK;

	if (!is_health && !in->is_exec && in->args.n && !w->has_shell)
		mb_dockerfile_lint_tell(w->l, "JSONArgsRecommended", in->span,
		                        "JSON arguments recommended for %s to prevent unintended "
		                        "behavior related to OS signals",
		                        mb_dockerfile_kind_name(in->kind));
	if (++w->seen[in->kind] == 2)
		mb_dockerfile_lint_tell(w->l, "MultipleInstructionsDisallowed", in->span,
		                        "Multiple %s instructions should not be used in the same "
		                        "stage because only the last one will be used",
		                        mb_dockerfile_kind_name(in->kind));
}

static void lint_maintainer(struct within *w, const struct mb_dockerfile_instruction *in)
{
	mb_dockerfile_lint_tell(w->l, "MaintainerDeprecated", in->span,
	                        "Maintainer instruction is deprecated in favor of using label");
}

static void lint_shell(struct within *w, const struct mb_dockerfile_instruction *in)
{
	(void)in;
	w->has_shell = true;
}

static void lint_workdir(struct within *w, const struct mb_dockerfile_instruction *in)
{
	const char *path = in->args.v[0];

	if (*path == '/' || *path == '$')
		w->has_absolute_workdir = true;
	else if (!w->has_absolute_workdir)
		mb_dockerfile_lint_tell(
			w->l, "WorkdirRelativePath", in->span,
			"Relative workdir \"%s\" can have unexpected results if the "
			"base image changes",
			path);
}

/* --- secrets ---------------------------------------------------------------------------------- */

/* Is one of @words in @name, between underscores? */
static bool has_word(const char *name, const char *const *words)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;

	mb_strv_split(&parts, name, '_');
	MB_STRV_FOREACH (part, &parts)
		for (size_t i = 0; words[i]; i++)
			if (strcasecmp(part, words[i]) == 0)
				return true;
	return false;
}

static void lint_secret(struct mb_dockerfile_linting *l, const char *name, const char *kind,
                        struct mb_dockerfile_span span)
{
	static const char *const secret[] = {"apikey", "auth",     "credential", "credentials",
	                                     "key",    "password", "pword",      "passwd",
	                                     "secret", "token",    NULL};
	static const char *const open[] = {"public", NULL};

	if (has_word(name, secret) && !has_word(name, open))
		mb_dockerfile_lint_tell(
			l, "SecretsUsedInArgOrEnv", span,
			"Do not use ARG or ENV instructions for sensitive data (%s \"%s\")", kind,
			name);
}

static void lint_args(struct mb_dockerfile_linting *l, const struct mb_dockerfile_instruction *in)
{
	MB_STRV_FOREACH (word, &in->args) {
		MB_AUTO_FREE char *name = mb_dockerfile_lint_name_of(word);

		lint_secret(l, name, "ARG", in->span);
	}
}

static void lint_arg(struct within *w, const struct mb_dockerfile_instruction *in)
{
	lint_args(w->l, in);
}

static void lint_pairs(struct within *w, const struct mb_dockerfile_instruction *in)
{
	const char *kind = mb_dockerfile_kind_name(in->kind);

	if (in->is_legacy)
		mb_dockerfile_lint_tell(
			w->l, "LegacyKeyValueFormat", in->span,
			"\"%s key=value\" should be used instead of legacy \"%s key "
			"value\" format",
			kind, kind);
	if (in->kind == MB_DOCKERFILE_ENV)
		for (size_t i = 0; i + 1 < in->args.n; i += 2)
			lint_secret(w->l, in->args.v[i], kind, in->span);
}

/* --- ports ------------------------------------------------------------------------------------ */

static void lint_expose(struct within *w, const struct mb_dockerfile_instruction *in)
{
	MB_STRV_FOREACH (port, &in->args) {
		const char *slash = strchr(port, '/');
		bool has_upper = false;

		if (strchr(port, '$'))
			continue;
		if (strchr(port, ':'))
			mb_dockerfile_lint_tell(
				w->l, "ExposeInvalidFormat", in->span,
				"EXPOSE instruction should not define an IP address "
				"or host-port mapping, found '%s'",
				port);
		for (const char *s = slash; s && *s; s++)
			has_upper |= isupper((unsigned char)*s) != 0;
		if (has_upper)
			mb_dockerfile_lint_tell(
				w->l, "ExposeProtoCasing", in->span,
				"Defined protocol '%s' in EXPOSE instruction should be lowercase",
				port);
	}
}

/* --- sources ---------------------------------------------------------------------------------- */

static bool is_heredoc(const struct mb_dockerfile_instruction *in, const char *word)
{
	for (size_t i = 0; i < in->n_heredocs; i++)
		if (strcmp(in->heredocs[i].word, word) == 0)
			return true;
	return false;
}

static void lint_copy(struct within *w, const struct mb_dockerfile_instruction *in)
{
	const struct mb_dockerfile_ignore *ignore = w->l->how->ignore;

	if (!ignore || mb_dockerfile_flag_find(in, "from"))
		return;
	for (size_t i = 0; i + 1 < in->args.n; i++) {
		const char *source = in->args.v[i];
		MB_AUTO_FREE char *clean = NULL;
		const char *s = source + strspn(source, "./");

		if (strpbrk(source, "$*?[\"'\\") || strstr(source, "://") || is_heredoc(in, source))
			continue;
		clean = mb_strdup(s);
		while (*clean && clean[strlen(clean) - 1] == '/')
			clean[strlen(clean) - 1] = '\0';
		if (*clean && mb_dockerfile_ignore_has(ignore, clean))
			mb_dockerfile_lint_tell(
				w->l, "CopyIgnoredFile", in->span,
				"Attempting to %s file \"%s\" that is excluded by .dockerignore",
				in->kind == MB_DOCKERFILE_ADD ? "Add" : "Copy", source);
	}
}

/* --- all of them ------------------------------------------------------------------------------ */

static void lint_stage(struct mb_dockerfile_linting *l, size_t i, struct within *w)
{
	static rule_fn *const table[MB_DOCKERFILE_KIND_N_] = {
		[MB_DOCKERFILE_ADD] = lint_copy,
		[MB_DOCKERFILE_ARG] = lint_arg,
		[MB_DOCKERFILE_CMD] = lint_command,
		[MB_DOCKERFILE_COPY] = lint_copy,
		[MB_DOCKERFILE_ENTRYPOINT] = lint_command,
		[MB_DOCKERFILE_ENV] = lint_pairs,
		[MB_DOCKERFILE_EXPOSE] = lint_expose,
		[MB_DOCKERFILE_HEALTHCHECK] = lint_command,
		[MB_DOCKERFILE_LABEL] = lint_pairs,
		[MB_DOCKERFILE_MAINTAINER] = lint_maintainer,
		[MB_DOCKERFILE_SHELL] = lint_shell,
		[MB_DOCKERFILE_WORKDIR] = lint_workdir,
	};
	const struct mb_dockerfile_stage *stage = &l->file->stages[i];

	for (size_t k = 0; k < stage->n; k++)
		if (table[stage->v[k].kind])
			table[stage->v[k].kind](w, &stage->v[k]);
}

void mb_dockerfile_lint_steps(struct mb_dockerfile_linting *l)
{
	struct within *all = mb_calloc(l->file->n_stages + 1, sizeof(*all));

	for (size_t i = 0; i < l->file->n_globals; i++)
		lint_args(l, &l->file->globals[i]);
	for (size_t i = 0; i < l->file->n_stages; i++) {
		all[i].l = l;
		/* What a stage stands on counts. */
		for (size_t k = 0; k < i; k++)
			if (l->file->stages[k].name &&
			    strcasecmp(l->file->stages[k].name, l->file->stages[i].base) == 0) {
				all[i].has_shell = all[k].has_shell;
				all[i].has_absolute_workdir = all[k].has_absolute_workdir;
			}
		lint_stage(l, i, &all[i]);
	}
	free(all);
}
