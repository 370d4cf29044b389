/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A build on a terminal: what is over stays, what runs is drawn again below it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/build_view.h"
#include "cmd/output.h"
#include "core/clock.h"
#include "core/own.h"

enum { SHOWN = 6, TENTH = 100 * 1000 * 1000 };

static void erase(struct mb_cmd_build_screen *s, struct mb_str *out)
{
	if (s->n_drawn)
		mb_str_addf(out, "\033[%zuA\r\033[J", s->n_drawn);
	s->n_drawn = 0;
}

/* One line no wider than the terminal, with the time at its right end. */
static void add_line(struct mb_str *out, const char *mark, const char *text, const char *right)
{
	MB_AUTO_FREE char *safe = mb_printable(text);
	size_t width = mb_cmd_width(STDERR_FILENO);
	size_t room, used = strlen(mark);

	width = width < 40 ? 80 : width;
	room = width - used - strlen(right) - 2;
	mb_str_addf(out, "%s%.*s", mark, (int)room, safe);
	used += strlen(safe) < room ? strlen(safe) : room;
	if (*right)
		mb_str_addf(out, "%*s%s", (int)(width - 1 - used - strlen(right)), "", right);
	mb_str_addc(out, '\n');
}

static void add_step(const struct mb_cmd_build_step *step, const char *state, struct mb_str *out)
{
	MB_AUTO_FREE char *name = mb_asprintf("%s%s", state, step->name);
	char right[32];

	snprintf(right, sizeof(right), "%.1fs", mb_cmd_build_seconds(step->started));
	add_line(out, " => ", name, right);
}

static void add_running(struct mb_cmd_build_screen *s, struct mb_str *out)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct mb_cmd_build_step *step = &s->v[i];
		size_t from = step->tail.n > SHOWN ? step->tail.n - SHOWN : 0;

		if (!step->runs)
			continue;
		add_step(step, "", out);
		s->n_drawn++;
		for (size_t k = from; k < step->tail.n; k++, s->n_drawn++)
			add_line(out, " => => # ", step->tail.v[k], "");
	}
}

static void draw(struct mb_cmd_build_screen *s)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	if (mb_monotonic_nsec() - s->drawn < TENTH)
		return;
	s->drawn = mb_monotonic_nsec();
	erase(s, &out);
	add_running(s, &out);
	mb_cmd_build_put(&out);
}

static void begin(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step)
{
	(void)step;
	s->drawn = 0;
	draw(s);
}

static void line(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step, const char *text)
{
	(void)step;
	(void)text;
	draw(s);
}

static void end(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step,
                enum mb_build_end how, const char *why)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)why; /* it is told in the end */
	erase(s, &out);
	add_step(step,
	         how == MB_BUILD_CACHED     ? "CACHED "
	         : how == MB_BUILD_FAILED   ? "ERROR "
	         : how == MB_BUILD_CANCELED ? "CANCELED "
	                                    : "",
	         &out);
	add_running(s, &out);
	mb_cmd_build_put(&out);
}

const struct mb_cmd_build_show mb_cmd_build_show_live = {
	.begin = begin,
	.line = line,
	.end = end,
	.tick = draw,
};
