/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/build.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "build/content.h"
#include "build/job.h"
#include "build/names.h"
#include "build/work.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "dockerfile/expand.h"
#include "image/commit.h"
#include "image/refs.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/interrupt.h"

/* --- what is seen ----------------------------------------------------------------------------- */

struct mb_build_step mb_build_step_begin_named(struct mb_build *b, const char *name)
{
	const struct mb_build_report *report = &b->request->report;
	struct mb_build_step step = {.number = ++b->n_steps};

	if (report->begin)
		report->begin(report->arg, step.number, name);
	return step;
}

struct mb_build_step mb_build_step_begin(struct mb_build *b, struct mb_build_stage *stage,
                                         const char *text)
{
	MB_AUTO_FREE char *name =
		mb_asprintf("[%s%s%u/%u] %s", stage->label, *stage->label ? " " : "",
	                    ++stage->shown, stage->n_shown, text);

	return mb_build_step_begin_named(b, name);
}

int mb_build_step_end(struct mb_build *b, const struct mb_build_step *step, int r)
{
	const struct mb_build_report *report = &b->request->report;

	if (report->end)
		report->end(report->arg, step->number,
		            r < 0          ? MB_BUILD_FAILED
		            : step->cached ? MB_BUILD_CACHED
		                           : MB_BUILD_DONE);
	return r;
}

void mb_build_say(struct mb_build *b, const struct mb_build_step *step, const char *fmt, ...)
{
	const struct mb_build_report *report = &b->request->report;
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;
	va_list ap;

	if (!report->say)
		return;
	va_start(ap, fmt);
	mb_str_addv(&line, fmt, ap);
	va_end(ap);
	report->say(report->arg, step->number, mb_str_text(&line));
}

static void warn(struct mb_build *b, const char *line)
{
	const struct mb_build_report *report = &b->request->report;

	if (report->warn)
		report->warn(report->arg, line);
}

int mb_build_expand(struct mb_build *b, struct mb_build_state *state, const char *word, char **ret,
                    struct mb_err *err)
{
	const struct mb_dockerfile_scope scope = {
		.find = mb_build_state_find, .arg = state, .escape = b->file.escape};

	return mb_dockerfile_expand(&scope, word, ret, err);
}

/* --- stages ----------------------------------------------------------------------------------- */

/* An image that is here, or is brought in. */
static int image_state(struct mb_build *b, const char *name, struct mb_build_state *ret,
                       struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	int r = 0;

	if (b->request->fetch)
		r = b->request->fetch(b->request->fetch_arg, name, b->request->pull, err);
	if (r == 0)
		r = mb_image_find(b->store, name, &image, NULL, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	return mb_build_state_from_image(b->store, image, ret, err);
}

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

int mb_build_source_state(struct mb_build *b, const char *name, size_t before,
                          struct mb_build_state *ret, struct mb_err *err)
{
	ssize_t named = mb_build_named_find(b, name);
	ssize_t stage = mb_build_stage_find(b, name, before);

	if (named >= 0)
		return image_state(b, b->request->named[named].image, ret, err);
	if (stage >= 0)
		return mb_build_state_copy(&b->stages[stage].state, ret, err);
	return image_state(b, name, ret, err);
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
		root->ignore = ignore->n ? ignore : NULL;
		root->is_owned_by_root = true;
		return 0;
	}
	r = mb_build_source_state(b, from, (size_t)(stage - b->stages), ret_state, err);
	if (r == 0)
		r = mb_build_tree_open(b, ret_state, ret_fd, err);
	root->fd = *ret_fd;
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
		mb_build_state_scratch(&stage->state, b->platform);
		return 0;
	}
	named = mb_build_named_find(b, stage->base);
	if (named >= 0 && !b->request->named[named].image)
		return mb_fail(err, EOPNOTSUPP,
		               "FROM %s: a directory of --build-context is no base image",
		               stage->base);
	text = mb_asprintf("FROM %s", stage->base);
	step = mb_build_step_begin(b, stage, text);
	r = image_state(b, named >= 0 ? b->request->named[named].image : stage->base, &stage->state,
	                err);
	return mb_build_step_end(b, &step, r);
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

static int make_stage(struct mb_build *b, struct mb_build_stage *stage, struct mb_err *err)
{
	int r = begin_stage(b, stage, err);

	if (r == 0 && stage->base_stage < 0)
		r = apply_triggers(b, stage, err);
	for (size_t i = 0; i < stage->text->n && r == 0; i++) {
		b->where = stage->text->v[i].span;
		r = apply(b, stage, &stage->text->v[i], err);
	}
	if (r == 0)
		b->where = (struct mb_dockerfile_span){0};
	return r;
}

/* --- arguments that nobody took -------------------------------------------------------- */

static void warn_unused(struct mb_build *b)
{
	MB_AUTO_STRV struct mb_strv unused = MB_STRV_INIT;
	MB_AUTO_FREE char *names = NULL, *line = NULL;

	MB_KV_FOREACH (pair, &b->request->args)
		if (!mb_strv_has(&b->consumed, pair->key) && !mb_build_name_is_proxy(pair->key) &&
		    !mb_build_name_is_ours(pair->key))
			mb_strv_add(&unused, pair->key);
	if (!unused.n)
		return;
	names = mb_strv_join(&unused, " ");
	line = mb_asprintf("one or more build-args [%s] were not consumed", names);
	warn(b, line);
}

/* --- the whole -------------------------------------------------------------------------------- */

static int load(struct mb_build *b, struct mb_err *err)
{
	const struct mb_build_request *q = b->request;
	struct mb_dockerfile_span span = {0};
	int r = mb_dockerfile_parse(q->dockerfile, q->dockerfile_len, &b->file, &span, err);

	b->where = span;
	for (size_t i = 0; i < b->file.n_warnings; i++) {
		const struct mb_dockerfile_warning *w = &b->file.warnings[i];
		MB_AUTO_FREE char *line =
			mb_asprintf("%s: %s (line %u)", w->rule, w->message, w->span.first);

		warn(b, line);
	}
	if (r == 0 && q->ignore) {
		b->where = (struct mb_dockerfile_span){0};
		r = mb_dockerfile_ignore_parse(q->ignore, q->ignore_len, &b->ignore, err);
		if (r < 0)
			return mb_wrap(err, r, "error reading .dockerignore");
	}
	b->named_ignores = mb_calloc(q->n_named + 1, sizeof(*b->named_ignores));
	for (size_t i = 0; i < q->n_named && r == 0; i++) {
		const struct mb_str *ignore = &q->named[i].ignore;

		if (ignore->len)
			r = mb_dockerfile_ignore_parse(ignore->buf, ignore->len,
			                               &b->named_ignores[i], err);
		if (r < 0)
			return mb_wrap(err, r, "error reading .dockerignore of '%s'",
			               q->named[i].name);
	}
	return r < 0 ? r : mb_build_graph_make(b, err);
}

static int run(struct mb_build *b, struct mb_build_result *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int hold = -1;
	int r;

	mb_image_commit_clean(b->store);
	/* As mb_image_hold(), but held while containers are made, whose locks come before that of
	 * images: nobody waits for this one exclusively. */
	r = mb_store_lock(b->store, MB_RANK_STORE, "images", false, true, &hold, err);
	for (size_t i = 0; i < b->n_stages && r == 0; i++)
		if (b->stages[i].needed)
			r = make_stage(b, &b->stages[i], err);
	if (r == 0)
		r = mb_build_outputs_write(b, ret, err);
	if (r == 0)
		warn_unused(b);
	return r;
}

static void build_done(struct mb_build *b)
{
	for (size_t i = 0; i < b->n_stages; i++) {
		free(b->stages[i].label);
		free(b->stages[i].base);
		mb_build_state_done(&b->stages[i].state);
	}
	free(b->stages);
	free(b->platform);
	mb_kv_done(&b->globals);
	mb_strv_done(&b->consumed);
	mb_dockerfile_done(&b->file);
	mb_dockerfile_ignore_done(&b->ignore);
	for (size_t i = 0; b->named_ignores && i < b->request->n_named; i++)
		mb_dockerfile_ignore_done(&b->named_ignores[i]);
	free(b->named_ignores);
}

int mb_build_run(struct mb_store *store, const struct mb_build_request *request,
                 struct mb_build_result *ret, struct mb_err *err)
{
	__attribute__((cleanup(build_done))) struct mb_build b = {
		.store = store, .request = request, .exit_code = -1};
	int r = load(&b, err);

	if (r == 0)
		r = run(&b, ret, err);
	ret->where = b.where;
	ret->exit_code = b.exit_code;
	ret->n_steps = b.n_steps;
	return r;
}
