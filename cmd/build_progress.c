/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/build_view.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"

enum { TAIL = 20, LINE_MAX_BYTES = 4096, NSEC = 1000000000 };

const struct mb_cmd_build_show mb_cmd_build_show_nothing = {.is_quiet = true};

struct mb_cmd_build_progress *mb_cmd_build_progress_new(enum mb_cmd_build_view view)
{
	static const struct mb_cmd_build_show *const shows[] = {
		[MB_CMD_BUILD_SILENT] = &mb_cmd_build_show_nothing,
		[MB_CMD_BUILD_PLAIN] = &mb_cmd_build_show_plain,
		[MB_CMD_BUILD_LIVE] = &mb_cmd_build_show_live,
		[MB_CMD_BUILD_RAW] = &mb_cmd_build_show_raw,
	};
	struct mb_cmd_build_progress *p = mb_calloc(1, sizeof(*p));

	p->show = shows[view];
	return p;
}

void mb_cmd_build_put(const struct mb_str *text)
{
	mb_write_full(STDERR_FILENO, mb_str_text(text), text->len);
}

double mb_cmd_build_seconds(int64_t since)
{
	return (double)(mb_monotonic_nsec() - since) / NSEC;
}

/* --- what the engine reports ------------------------------------------------------------------ */

struct mb_cmd_build_step *mb_cmd_build_step_find(struct mb_cmd_build_progress *p, unsigned number)
{
	for (size_t i = p->screen.n; i-- > 0;)
		if (p->screen.v[i].number == number)
			return &p->screen.v[i];
	return NULL;
}

static void begin(void *arg, unsigned number, const char *name)
{
	struct mb_cmd_build_progress *p = arg;
	struct mb_cmd_build_screen *s = &p->screen;
	struct mb_cmd_build_step *step;

	s->v = mb_realloc(s->v, (s->n + 1) * sizeof(*s->v));
	step = &s->v[s->n++];
	*step = (struct mb_cmd_build_step){.number = number,
	                                   .name = mb_strdup(name),
	                                   .started = mb_monotonic_nsec(),
	                                   .began = mb_now_nsec(),
	                                   .runs = true};
	p->last = number > p->last ? number : p->last;
	if (p->show->begin)
		p->show->begin(s, step);
}

static void take_line(struct mb_cmd_build_progress *p, struct mb_cmd_build_step *step)
{
	if (step->tail.n == TAIL) {
		free(step->tail.v[0]);
		memmove(step->tail.v, step->tail.v + 1, (--step->tail.n) * sizeof(*step->tail.v));
		step->tail.v[step->tail.n] = NULL;
	}
	mb_strv_add(&step->tail, mb_str_text(&step->line));
	if (p->show->line)
		p->show->line(&p->screen, step, mb_str_text(&step->line));
	mb_str_reset(&step->line);
}

static void output(void *arg, unsigned number, bool is_stderr, const char *bytes, size_t n)
{
	struct mb_cmd_build_progress *p = arg;
	struct mb_cmd_build_step *step = mb_cmd_build_step_find(p, number);

	if (!step)
		return;
	if (p->show->bytes)
		p->show->bytes(&p->screen, step, is_stderr, bytes, n);
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' || step->line.len >= LINE_MAX_BYTES)
			take_line(p, step);
		if (bytes[i] != '\n' && bytes[i] != '\r')
			mb_str_addc(&step->line, bytes[i]);
	}
}

static void say(void *arg, unsigned number, const char *line)
{
	struct mb_cmd_build_progress *p = arg;
	struct mb_cmd_build_step *step = mb_cmd_build_step_find(p, number);

	if (step && p->show->say)
		p->show->say(&p->screen, step, line);
}

static void end(void *arg, unsigned number, enum mb_build_end how, const char *why)
{
	struct mb_cmd_build_progress *p = arg;
	struct mb_cmd_build_step *step = mb_cmd_build_step_find(p, number);

	if (!step)
		return;
	if (step->line.len)
		take_line(p, step);
	step->runs = false;
	if (how == MB_BUILD_FAILED)
		p->failed = number;
	if (p->show->end)
		p->show->end(&p->screen, step, how, why);
}

static void warn(void *arg, const struct mb_build_warning *warning)
{
	struct mb_cmd_build_progress *p = arg;
	struct mb_cmd_build_kept *kept;

	if (p->show->warn)
		p->show->warn(&p->screen, warning);
	p->warnings = mb_realloc(p->warnings, (p->n_warnings + 1) * sizeof(*p->warnings));
	kept = &p->warnings[p->n_warnings++];
	kept->text = mb_asprintf("%s%s%s", warning->rule ? warning->rule : "",
	                         warning->rule ? ": " : "", warning->message);
	kept->where = warning->where;
}

static void tick(void *arg)
{
	struct mb_cmd_build_progress *p = arg;

	p->show->tick(&p->screen);
}

struct mb_build_report mb_cmd_build_progress_report(struct mb_cmd_build_progress *p)
{
	return (struct mb_build_report){begin, output, say, end, warn, p->show->tick ? tick : NULL,
	                                p};
}

unsigned mb_cmd_build_progress_next(const struct mb_cmd_build_progress *p)
{
	return p->last + 1;
}

void mb_cmd_build_progress_free(struct mb_cmd_build_progress *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->screen.n; i++) {
		free(p->screen.v[i].name);
		mb_str_done(&p->screen.v[i].line);
		mb_strv_done(&p->screen.v[i].tail);
	}
	free(p->screen.v);
	for (size_t i = 0; i < p->n_warnings; i++)
		free(p->warnings[i].text);
	free(p->warnings);
	free(p);
}
