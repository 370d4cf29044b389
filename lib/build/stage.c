/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One stage: what it stands on, then its instructions. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "build/content.h"
#include "build/job.h"
#include "build/platform.h"
#include "build/work.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/refs.h"
#include "sys/interrupt.h"

ssize_t mb_build_named_find(const struct mb_build *b, const char *name)
{
	MB_AUTO_FREE char *canonical = NULL;

	(void)mb_image_ref_canonical(name, &canonical, NULL);
	for (size_t i = 0; i < b->request->n_named; i++) {
		MB_AUTO_FREE char *other = NULL;

		if (strcasecmp(b->request->named[i].name, name) == 0)
			return (ssize_t)i;
		if (canonical &&
		    mb_image_ref_canonical(b->request->named[i].name, &other, NULL) == 0 &&
		    strcmp(other, canonical) == 0)
			return (ssize_t)i;
	}
	return -1;
}

/* Nobody knew of the ONBUILD of an image when stages were put in order, so what it reads was not
 * waited for: it is made now, in this process, unless it has been.  Who makes it elsewhere makes
 * the same. */
static int make_late(struct mb_build *b, size_t i, struct mb_err *err)
{
	const struct mb_dockerfile_span where = b->where;
	struct mb_build_stage *stage = &b->stages[i];
	int r = stage->is_made ? 0 : mb_build_need(b, i, err);

	for (size_t j = 0; j < i && r == 0 && !stage->is_made; j++)
		if (stage->needs[j])
			r = make_late(b, j, err);
	if (r == 0 && !stage->is_made)
		r = mb_build_stage_make(b, stage, err);
	if (r == 0)
		b->where = where;
	return r;
}

int mb_build_source_state(struct mb_build *b, const char *name, size_t before,
                          struct mb_build_state *ret, struct mb_err *err)
{
	ssize_t named = mb_build_named_find(b, name);
	ssize_t stage = mb_build_stage_find(b, name, before);
	const struct mb_build_stage *self = &b->stages[before];
	int r = 0;

	if (named >= 0)
		return mb_build_image_state(b, self, b->request->named[named].image, ret, err);
	if (stage < 0)
		return mb_build_image_state(b, self, name, ret, err);
	if (!b->stages[before].needs[stage])
		r = make_late(b, (size_t)stage, err);
	return r < 0 ? r : mb_build_state_copy(&b->stages[stage].state, ret, err);
}

int mb_build_root_open(struct mb_build *b, const struct mb_build_stage *stage, const char *from,
                       struct mb_build_state *ret_state, struct mb_build_root *root, int *ret_fd,
                       struct mb_err *err)
{
	ssize_t named = from ? mb_build_named_find(b, from) : -1;
	const struct mb_dockerfile_ignore *ignore =
		named >= 0 ? &b->named_ignores[named] : &b->ignore;
	int r;

	*ret_fd = -1;
	if (!from || (named >= 0 && b->request->named[named].fd >= 0)) {
		root->fd = from ? b->request->named[named].fd : b->request->context_fd;
		root->passes = from ? b->request->named[named].passes : b->request->context_passes;
		root->ignore = ignore->n ? ignore : NULL;
		root->is_owned_by_root = true;
		root->is_dated = true;
		return 0;
	}
	r = mb_build_source_state(b, from, (size_t)(stage - b->stages), ret_state, err);
	if (r == 0)
		r = mb_build_tree_open(b, ret_state, ret_fd, err);
	root->fd = *ret_fd;
	root->is_dated = ret_state->is_dated;
	return r;
}

/* A directory of --build-context is a root file system: what is in it, on nothing. */
static int begin_on_directory(struct mb_build *b, struct mb_build_stage *stage, struct mb_err *err)
{
	MB_AUTO_FREE char *text = mb_asprintf("COPY --from=%s . /", stage->base);
	struct mb_dockerfile_instruction in = {0};
	int r = mb_dockerfile_instruction_parse(text, false, &in, err);

	mb_build_state_scratch(&stage->state, stage->platform);
	if (r == 0)
		r = mb_build_copy(b, stage, &in, err);
	mb_dockerfile_instruction_done(&in);
	return r;
}

static int begin_stage(struct mb_build *b, struct mb_build_stage *stage, struct mb_err *err)
{
	MB_AUTO_FREE char *text = NULL;
	struct mb_build_step step;
	ssize_t named;
	int r;

	b->where = stage->text->span;
	if (stage->base_stage >= 0)
		return mb_build_state_copy(&b->stages[stage->base_stage].state, &stage->state, err);
	if (strcmp(stage->base, "scratch") == 0) {
		mb_build_state_scratch(&stage->state, stage->platform);
		return 0;
	}
	named = mb_build_named_find(b, stage->base);
	if (named >= 0 && !b->request->named[named].image)
		return begin_on_directory(b, stage, err);
	text = mb_asprintf("FROM %s", stage->base);
	step = mb_build_step_begin(b, stage, text);
	r = mb_build_image_state(b, stage,
	                         named >= 0 ? b->request->named[named].image : stage->base,
	                         &stage->state, err);
	return mb_build_step_end(b, &step, r, err);
}

static int apply(struct mb_build *b, struct mb_build_stage *stage,
                 const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	static mb_build_apply_fn *const table[MB_DOCKERFILE_KIND_N_] = {
		[MB_DOCKERFILE_ADD] = mb_build_copy,
		[MB_DOCKERFILE_ARG] = mb_build_arg,
		[MB_DOCKERFILE_COPY] = mb_build_copy,
		[MB_DOCKERFILE_MAINTAINER] = mb_build_maintainer,
		[MB_DOCKERFILE_RUN] = mb_build_run_command,
		[MB_DOCKERFILE_WORKDIR] = mb_build_workdir,
	};
	int r = mb_sys_interrupt_check(err);

	if (r < 0)
		return r;
	return table[in->kind] ? table[in->kind](b, stage, in, err)
	                       : mb_build_setting(b, stage, in, err);
}

/* What the base image wants done in whatever is built on it. */
static int apply_triggers(struct mb_build *b, struct mb_build_stage *stage, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv triggers = stage->state.config.config.on_build;
	int r = 0;

	stage->state.config.config.on_build = MB_STRV_INIT;
	for (size_t i = 0; i < triggers.n && r == 0; i++) {
		struct mb_dockerfile_instruction in = {0};

		r = mb_dockerfile_instruction_parse(triggers.v[i], true, &in, err);
		if (r == 0)
			r = apply(b, stage, &in, err);
		mb_dockerfile_instruction_done(&in);
		if (r < 0)
			mb_wrap(err, r, "ONBUILD of '%s'", stage->base);
	}
	return r;
}

int mb_build_stage_make(struct mb_build *b, struct mb_build_stage *stage, struct mb_err *err)
{
	int r = begin_stage(b, stage, err);

	if (r == 0)
		r = apply_triggers(b, stage, err);
	for (size_t i = 0; i < stage->text->n && r == 0; i++) {
		b->where = stage->text->v[i].span;
		r = apply(b, stage, &stage->text->v[i], err);
	}
	if (r == 0)
		b->where = (struct mb_dockerfile_span){0};
	stage->is_made = r == 0;
	return r;
}
