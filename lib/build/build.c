/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/build.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "build/content.h"
#include "build/exchange.h"
#include "build/job.h"
#include "build/names.h"
#include "build/platform.h"
#include "build/work.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "dockerfile/expand.h"
#include "dockerfile/lint.h"
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

int mb_build_step_end(struct mb_build *b, const struct mb_build_step *step, int r,
                      const struct mb_err *err)
{
	const struct mb_build_report *report = &b->request->report;

	if (report->end)
		report->end(report->arg, step->number,
		            r < 0          ? MB_BUILD_FAILED
		            : step->cached ? MB_BUILD_CACHED
		                           : MB_BUILD_DONE,
		            r < 0 && err ? err->msg : NULL);
	return r;
}

int mb_build_tick_every(const struct mb_build *b)
{
	return b->request->report.tick ? 150 : -1;
}

void mb_build_tick(const struct mb_build *b)
{
	if (b->request->report.tick)
		b->request->report.tick(b->request->report.arg);
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

static void warn(struct mb_build *b, const struct mb_build_warning *warning)
{
	const struct mb_build_report *report = &b->request->report;

	if (report->warn)
		report->warn(report->arg, warning);
}

int mb_build_expand(struct mb_build *b, struct mb_build_state *state, const char *word, char **ret,
                    struct mb_err *err)
{
	const struct mb_dockerfile_scope scope = {
		.find = mb_build_state_find, .arg = state, .escape = b->file.escape};

	return mb_dockerfile_expand(&scope, word, ret, err);
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
	warn(b, &(struct mb_build_warning){.message = line});
}

/* --- the whole -------------------------------------------------------------------------------- */

/* What an image that is here sets, or one of --build-context. */
static bool find_env(void *arg, const char *name, struct mb_strv *out)
{
	struct mb_build *b = arg;
	ssize_t named = mb_build_named_find(b, name);
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	struct mb_build_state state = {0};
	int r;

	if (named >= 0)
		name = b->request->named[named].image;
	if (!name || mb_image_find(b->store, name, &image, NULL, NULL) != 0)
		return false;
	r = mb_build_state_from_image(b->store, image, &state, NULL);
	if (r == 0)
		mb_strv_add_all(out, &state.config.config.env);
	mb_build_state_done(&state);
	return r == 0;
}

static int fail_lint(struct mb_build *b, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv rules = MB_STRV_INIT;
	MB_AUTO_FREE char *joined = NULL;

	for (size_t i = 0; i < b->file.n_warnings; i++)
		if (!mb_strv_has(&rules, b->file.warnings[i].rule))
			mb_strv_add(&rules, b->file.warnings[i].rule);
	joined = mb_strv_join(&rules, ", ");
	b->where = b->file.warnings[0].span;
	return mb_fail(err, EINVAL, "lint violation found for rules: %s", joined);
}

static int lint(struct mb_build *b, struct mb_err *err)
{
	const struct mb_build_request *q = b->request;
	const struct mb_dockerfile_lint how = {
		.text = q->dockerfile,
		.len = q->dockerfile_len,
		.check = mb_kv_find(&q->args, "BUILDKIT_DOCKERFILE_CHECK"),
		.ignore = b->ignore.n ? &b->ignore : NULL,
		.args = &q->args,
		.find_env = find_env,
		.arg = b,
	};
	bool is_error = false;
	int r = mb_dockerfile_lint(&b->file, &how, &is_error, err);

	b->warns_of_platforms =
		mb_dockerfile_lint_wants(&b->file, &how, "InvalidBaseImagePlatform");
	for (size_t i = 0; i < b->file.n_warnings && r == 0; i++) {
		const struct mb_dockerfile_warning *w = &b->file.warnings[i];

		warn(b, &(struct mb_build_warning){w->rule, w->message, w->span});
	}
	return r == 0 && is_error ? fail_lint(b, err) : r;
}

static int load(struct mb_build *b, struct mb_err *err)
{
	const struct mb_build_request *q = b->request;
	struct mb_dockerfile_span span = {0};
	int r = mb_dockerfile_parse(q->dockerfile, q->dockerfile_len, &b->file, &span, err);

	b->where = span;
	if (r == 0 && q->ignore) {
		b->where = (struct mb_dockerfile_span){0};
		r = mb_dockerfile_ignore_parse(q->ignore, q->ignore_len, &b->ignore, err);
		if (r < 0)
			return mb_wrap(err, r, "error reading .dockerignore");
	}
	if (r == 0)
		r = lint(b, err);
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
	if (r == 0)
		r = mb_build_stages_make(b, err);
	if (r == 0)
		r = mb_build_exchange_give(b, ret, err);
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
		free(b->stages[i].platform);
		free(b->stages[i].needs);
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

int mb_build_check(struct mb_store *store, const struct mb_build_request *request,
                   struct mb_build_result *ret, struct mb_err *err)
{
	__attribute__((cleanup(build_done))) struct mb_build b = {
		.store = store, .request = request, .exit_code = -1};
	unsigned n = 0;
	int r = load(&b, err);

	if (r == 0)
		n = mb_build_platforms_check(&b);
	ret->where = b.where;
	ret->exit_code = -1;
	return r == 0 && (b.file.n_warnings || n) ? 1 : r;
}
