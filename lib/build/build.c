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
	if (r == 0)
		r = mb_build_stages_make(b, err);
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
