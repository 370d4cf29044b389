/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A build in a pipe: "#5 [stage 2/3] RUN make", a line at a time. */
#include <string.h>
#include <unistd.h>

#include "cmd/build_view.h"
#include "cmd/output.h"
#include "core/own.h"

static void put(unsigned number, const char *text)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_FREE char *safe =
		mb_cmd_is_shown(STDERR_FILENO) ? mb_printable(text) : mb_strdup(text);

	mb_str_addf(&out, "#%u %s\n", number, safe);
	mb_cmd_build_put(&out);
}

static void put_blank(void)
{
	const struct mb_str blank = {.buf = (char[]){"\n"}, .len = 1};

	mb_cmd_build_put(&blank);
}

/* Lines of several steps that run at once do not stand among each other without a word. */
static void turn_to(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step)
{
	if (s->current == step->number)
		return;
	if (s->current) {
		put(s->current, "...");
		put_blank();
	}
	s->current = step->number;
	put(step->number, step->name);
}

static void line(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step, const char *text)
{
	MB_AUTO_FREE char *timed =
		mb_asprintf("%.3f %s", mb_cmd_build_seconds(step->started), text);

	turn_to(s, step);
	put(step->number, timed);
}

static void say(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step, const char *text)
{
	turn_to(s, step);
	put(step->number, text);
}

static void end(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step,
                enum mb_build_end how, const char *why)
{
	MB_AUTO_FREE char *done = mb_asprintf("DONE %.1fs", mb_cmd_build_seconds(step->started));

	MB_AUTO_FREE char *failed = mb_asprintf("ERROR%s%s", why ? ": " : "", why ? why : "");

	turn_to(s, step);
	put(step->number, how == MB_BUILD_CACHED     ? "CACHED"
	                  : how == MB_BUILD_FAILED   ? failed
	                  : how == MB_BUILD_CANCELED ? "CANCELED"
	                                             : done);
	put_blank();
	s->current = 0;
}

const struct mb_cmd_build_show mb_cmd_build_show_plain = {
	.begin = turn_to,
	.line = line,
	.say = say,
	.end = end,
};
