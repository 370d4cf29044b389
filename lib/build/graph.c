/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "build/job.h"
#include "build/mount.h"
#include "build/names.h"
#include "build/platform.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "dockerfile/expand.h"
#include "oci/image_spec.h"

ssize_t mb_build_stage_find(const struct mb_build *b, const char *name, size_t before)
{
	uint32_t number;

	for (size_t i = before; i-- > 0;)
		if (b->stages[i].text->name && strcasecmp(b->stages[i].text->name, name) == 0)
			return (ssize_t)i;
	if (mb_parse_u32(name, &number) == 0 && number < before)
		return (ssize_t)number;
	return -1;
}

/* --- ARGs above the first FROM ---------------------------------------------------------------- */

static const char *find_global(void *arg, const char *name)
{
	const struct mb_build *b = arg;

	return mb_kv_find(&b->globals, name);
}

static int expand_global(struct mb_build *b, const char *word, char **ret, struct mb_err *err)
{
	const struct mb_dockerfile_scope scope = {
		.find = find_global, .arg = b, .escape = b->file.escape};

	return mb_dockerfile_expand(&scope, word, ret, err);
}

static int set_global(struct mb_build *b, const char *word, struct mb_err *err)
{
	const char *equals = strchr(word, '=');
	MB_AUTO_FREE char *name =
		equals ? mb_strndup(word, (size_t)(equals - word)) : mb_strdup(word);
	const char *given = mb_kv_find(&b->request->args, name);
	MB_AUTO_FREE char *value = mb_strdup_or_null(given);
	int r = 0;

	if (given && !mb_strv_has(&b->consumed, name))
		mb_strv_add(&b->consumed, name);
	if (!given && equals)
		r = expand_global(b, equals + 1, &value, err);
	if (r == 0 && value)
		mb_kv_set(&b->globals, name, value);
	return r;
}

static int set_globals(struct mb_build *b, struct mb_err *err)
{
	MB_AUTO_FREE char *here = mb_oci_host_platform();
	int r = 0;

	if (b->request->platform)
		r = mb_oci_platform_parse(b->request->platform, &b->platform, err);
	else
		b->platform = mb_strdup(here);
	if (r < 0)
		return r;
	mb_build_names_of_platform(here, b->platform, &b->globals);
	mb_kv_set(&b->globals, "TARGETSTAGE", b->request->target ? b->request->target : "default");
	for (size_t i = 0; i < b->file.n_globals; i++) {
		b->where = b->file.globals[i].span;
		MB_STRV_FOREACH (word, &b->file.globals[i].args)
			if (r == 0)
				r = set_global(b, word, err);
	}
	return r;
}

/* --- stages ----------------------------------------------------------------------------------- */

static bool is_shown(enum mb_dockerfile_kind kind)
{
	return kind == MB_DOCKERFILE_RUN || kind == MB_DOCKERFILE_COPY ||
	       kind == MB_DOCKERFILE_ADD || kind == MB_DOCKERFILE_WORKDIR;
}

static unsigned count_triggers(const struct mb_dockerfile_stage *base)
{
	unsigned n = 0;

	for (size_t i = 0; i < base->n; i++) {
		struct mb_dockerfile_instruction in = {0};

		if (base->v[i].kind == MB_DOCKERFILE_ONBUILD &&
		    mb_dockerfile_instruction_parse(base->v[i].args.v[0], true, &in, NULL) == 0)
			n += is_shown(in.kind);
		mb_dockerfile_instruction_done(&in);
	}
	return n;
}

static int choose_platform(struct mb_build *b, struct mb_build_stage *stage, struct mb_err *err)
{
	MB_AUTO_FREE char *said = NULL;
	int r = stage->text->platform ? expand_global(b, stage->text->platform, &said, err) : 0;

	return r < 0 ? r : mb_build_platform_choose(b, stage, said, err);
}

static int make_stage(struct mb_build *b, size_t i, struct mb_err *err)
{
	struct mb_build_stage *stage = &b->stages[i];
	const struct mb_dockerfile_stage *text = &b->file.stages[i];
	int r;

	stage->text = text;
	b->where = text->span;
	if (text->name)
		stage->label = mb_strdup(text->name);
	else
		stage->label = b->n_stages > 1 ? mb_asprintf("stage-%zu", i) : mb_strdup("");
	r = expand_global(b, text->base, &stage->base, err);
	if (r < 0)
		return r;
	if (!*stage->base)
		return mb_fail(err, EINVAL, "base name (%s) should not be blank", text->base);
	stage->base_stage = mb_build_named_find(b, stage->base) >= 0
	                            ? -1
	                            : mb_build_stage_find(b, stage->base, i);
	/* A number is a stage for COPY alone. */
	if (stage->base_stage >= 0 &&
	    (!b->stages[stage->base_stage].text->name ||
	     strcasecmp(b->stages[stage->base_stage].text->name, stage->base) != 0))
		stage->base_stage = -1;
	stage->n_shown = stage->base_stage < 0 && strcmp(stage->base, "scratch") != 0;
	for (size_t j = 0; j < text->n; j++)
		stage->n_shown += is_shown(text->v[j].kind);
	if (stage->base_stage >= 0)
		stage->n_shown += count_triggers(b->stages[stage->base_stage].text);
	return choose_platform(b, stage, err);
}

static int choose_target(struct mb_build *b, struct mb_err *err)
{
	ssize_t found;

	b->where = (struct mb_dockerfile_span){0};
	b->target = b->n_stages - 1;
	if (!b->request->target || !*b->request->target)
		return 0;
	found = mb_build_stage_find(b, b->request->target, b->n_stages);
	if (found < 0)
		return mb_fail(err, ENOENT, "target stage \"%s\" could not be found",
		               b->request->target);
	b->target = (size_t)found;
	return 0;
}

/* What an instruction reads besides its own stage: a stage, an image, or nothing. */
static int need_source(struct mb_build *b, size_t i, const char *from, struct mb_err *err)
{
	ssize_t source = mb_build_stage_find(b, from, b->n_stages);

	if (source < 0 || mb_build_named_find(b, from) >= 0)
		return 0;
	if ((size_t)source == i)
		return mb_fail(err, EINVAL, "circular dependency detected on stage: %s", from);
	if ((size_t)source > i)
		return mb_fail(err, EINVAL, "stage '%s' stands below the instruction that reads it",
		               from);
	b->stages[i].needs[source] = true;
	return mb_build_need(b, (size_t)source, err);
}

static int need_all(struct mb_build *b, size_t i, const struct mb_dockerfile_instruction *in,
                    struct mb_err *err)
{
	int r = 0;

	if (in->span.first)
		b->where = in->span;
	for (size_t f = 0; f < in->n_flags && r == 0; f++) {
		const struct mb_dockerfile_flag *flag = &in->flags[f];
		MB_AUTO_FREE char *from = NULL;

		if (in->kind == MB_DOCKERFILE_COPY && strcmp(flag->name, "from") == 0)
			from = mb_strdup(flag->value);
		else if (in->kind == MB_DOCKERFILE_RUN && strcmp(flag->name, "mount") == 0)
			from = mb_build_mount_source(flag->value);
		if (from)
			r = need_source(b, i, from, err);
	}
	return r;
}

/* What ONBUILD of the stage below reads.  A trigger that is none is told when it is its turn. */
static int need_triggers(struct mb_build *b, size_t i, struct mb_err *err)
{
	const struct mb_dockerfile_stage *base = b->stages[b->stages[i].base_stage].text;
	int r = 0;

	for (size_t j = 0; j < base->n && r == 0; j++) {
		struct mb_dockerfile_instruction in = {0};

		if (base->v[j].kind == MB_DOCKERFILE_ONBUILD &&
		    mb_dockerfile_instruction_parse(base->v[j].args.v[0], true, &in, NULL) == 0)
			r = need_all(b, i, &in, err);
		mb_dockerfile_instruction_done(&in);
	}
	return r;
}

int mb_build_need(struct mb_build *b, size_t i, struct mb_err *err)
{
	struct mb_build_stage *stage = &b->stages[i];
	int r = 0;

	if (stage->needed)
		return 0;
	stage->needed = true;
	stage->needs = mb_calloc(b->n_stages, sizeof(*stage->needs));
	if (stage->base_stage >= 0) {
		stage->needs[stage->base_stage] = true;
		r = mb_build_need(b, (size_t)stage->base_stage, err);
		if (r == 0)
			r = need_triggers(b, i, err);
	}
	for (size_t j = 0; j < stage->text->n && r == 0; j++)
		r = need_all(b, i, &stage->text->v[j], err);
	return r;
}

int mb_build_graph_make(struct mb_build *b, struct mb_err *err)
{
	int r = set_globals(b, err);

	b->n_stages = b->file.n_stages;
	b->stages = mb_calloc(b->n_stages, sizeof(*b->stages));
	for (size_t i = 0; i < b->n_stages && r == 0; i++)
		r = make_stage(b, i, err);
	if (r == 0)
		r = choose_target(b, err);
	if (r == 0)
		r = mb_build_need(b, b->target, err);
	return r;
}
