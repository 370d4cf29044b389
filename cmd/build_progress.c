/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/output.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"

enum { TAIL = 20, SHOWN = 6, LINE_MAX_BYTES = 4096, NSEC = 1000000000, TENTH = NSEC / 10 };

struct mb_cmd_build_progress {
	enum mb_cmd_build_view view;
	unsigned step;
	char *name;
	int64_t started, drawn;
	struct mb_str line;  /* what the command began to write */
	struct mb_strv tail; /* its last lines */
	size_t n_drawn;      /* lines of the live view that stand on the terminal */
};

struct mb_cmd_build_progress *mb_cmd_build_progress_new(enum mb_cmd_build_view view)
{
	struct mb_cmd_build_progress *p = mb_calloc(1, sizeof(*p));

	p->view = view;
	return p;
}

static void put(const struct mb_str *text)
{
	mb_write_full(STDERR_FILENO, mb_str_text(text), text->len);
}

static double seconds(int64_t since)
{
	return (double)(mb_monotonic_nsec() - since) / NSEC;
}

/* --- the live view ---------------------------------------------------------------------------- */

static void erase(struct mb_cmd_build_progress *p, struct mb_str *out)
{
	if (p->n_drawn)
		mb_str_addf(out, "\033[%zuA\r\033[J", p->n_drawn);
	p->n_drawn = 0;
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

static void draw(struct mb_cmd_build_progress *p, bool is_last, const char *state)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_FREE char *name = mb_asprintf("%s%s", state, p->name);
	char right[32];
	size_t from = p->tail.n > SHOWN ? p->tail.n - SHOWN : 0;

	if (!is_last && mb_monotonic_nsec() - p->drawn < TENTH)
		return;
	p->drawn = mb_monotonic_nsec();
	snprintf(right, sizeof(right), "%.1fs", seconds(p->started));
	erase(p, &out);
	add_line(&out, " => ", name, right);
	if (!is_last) {
		p->n_drawn = 1;
		for (size_t i = from; i < p->tail.n; i++, p->n_drawn++)
			add_line(&out, " => => # ", p->tail.v[i], "");
	}
	put(&out);
}

/* --- plain ------------------------------------------------------------------------------------ */

static void put_plain(struct mb_cmd_build_progress *p, const char *text)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_FREE char *safe =
		mb_cmd_is_tty(STDERR_FILENO) ? mb_printable(text) : mb_strdup(text);

	mb_str_addf(&out, "#%u %s\n", p->step, safe);
	put(&out);
}

/* --- what the engine reports ------------------------------------------------------------------ */

static void begin(void *arg, unsigned number, const char *name)
{
	struct mb_cmd_build_progress *p = arg;

	p->step = number;
	p->started = mb_monotonic_nsec();
	mb_strset(&p->name, name);
	mb_str_reset(&p->line);
	mb_strv_done(&p->tail);
	p->drawn = 0;
	if (p->view == MB_CMD_BUILD_PLAIN)
		put_plain(p, name);
	else if (p->view == MB_CMD_BUILD_LIVE)
		draw(p, false, "");
}

static void take_line(struct mb_cmd_build_progress *p)
{
	MB_AUTO_FREE char *timed = NULL;

	if (p->tail.n == TAIL) {
		free(p->tail.v[0]);
		memmove(p->tail.v, p->tail.v + 1, (--p->tail.n) * sizeof(*p->tail.v));
		p->tail.v[p->tail.n] = NULL;
	}
	mb_strv_add(&p->tail, mb_str_text(&p->line));
	if (p->view == MB_CMD_BUILD_PLAIN) {
		timed = mb_asprintf("%.3f %s", seconds(p->started), mb_str_text(&p->line));
		put_plain(p, timed);
	}
	mb_str_reset(&p->line);
}

static void output(void *arg, unsigned number, bool is_stderr, const char *bytes, size_t n)
{
	struct mb_cmd_build_progress *p = arg;

	(void)number;
	(void)is_stderr;
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' || p->line.len >= LINE_MAX_BYTES)
			take_line(p);
		if (bytes[i] != '\n' && bytes[i] != '\r')
			mb_str_addc(&p->line, bytes[i]);
	}
	if (p->view == MB_CMD_BUILD_LIVE)
		draw(p, false, "");
}

static void say(void *arg, unsigned number, const char *line)
{
	struct mb_cmd_build_progress *p = arg;

	(void)number;
	if (p->view == MB_CMD_BUILD_PLAIN)
		put_plain(p, line);
}

static void end(void *arg, unsigned number, enum mb_build_end how)
{
	struct mb_cmd_build_progress *p = arg;
	MB_AUTO_FREE char *text = NULL;

	(void)number;
	if (p->line.len)
		take_line(p);
	if (p->view == MB_CMD_BUILD_LIVE)
		draw(p, true,
		     how == MB_BUILD_CACHED   ? "CACHED "
		     : how == MB_BUILD_FAILED ? "ERROR "
		                              : "");
	if (p->view != MB_CMD_BUILD_PLAIN)
		return;
	text = mb_asprintf("DONE %.1fs", seconds(p->started));
	put_plain(p, how == MB_BUILD_CACHED ? "CACHED" : how == MB_BUILD_FAILED ? "ERROR" : text);
	mb_write_full(STDERR_FILENO, "\n", 1);
}

static void warn(void *arg, const char *line)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_FREE char *safe = mb_printable(line);

	(void)arg;
	mb_str_addf(&out, "WARNING: %s\n", safe);
	put(&out);
}

struct mb_build_report mb_cmd_build_progress_report(struct mb_cmd_build_progress *p)
{
	return (struct mb_build_report){begin, output, say, end, warn, p};
}

/* --- a failure -------------------------------------------------------------------------------- */

static void add_tail(const struct mb_cmd_build_progress *p, struct mb_str *out)
{
	MB_AUTO_FREE char *name = mb_printable(p->name ? p->name : "");

	mb_str_addf(out, "------\n > %s:\n", name);
	for (size_t i = 0; i < p->tail.n; i++) {
		MB_AUTO_FREE char *safe = mb_printable(p->tail.v[i]);

		mb_str_addf(out, "%s\n", safe);
	}
	mb_str_add(out, "------\n");
}

/* The lines, and two around them. */
static void add_excerpt(const char *file, const char *text, struct mb_dockerfile_span where,
                        struct mb_str *out)
{
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;

	mb_strv_split(&lines, text, '\n');
	mb_str_addf(out, "%s:%u\n--------------------\n", file, where.first);
	for (unsigned i = where.first > 2 ? where.first - 2 : 1;
	     i <= where.last + 2 && i <= lines.n; i++) {
		MB_AUTO_FREE char *safe = mb_printable(lines.v[i - 1]);

		mb_str_addf(out, "%4u | %s %s\n", i,
		            i >= where.first && i <= where.last ? ">>>" : "   ", safe);
	}
	mb_str_add(out, "--------------------\n");
}

void mb_cmd_build_progress_failed(struct mb_cmd_build_progress *p, const char *file,
                                  const char *dockerfile, const struct mb_build_result *result)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	if (result->exit_code >= 0 && p->tail.n)
		add_tail(p, &out);
	if (result->where.first)
		add_excerpt(file, dockerfile, result->where, &out);
	put(&out);
}

void mb_cmd_build_progress_free(struct mb_cmd_build_progress *p)
{
	if (!p)
		return;
	free(p->name);
	mb_str_done(&p->line);
	mb_strv_done(&p->tail);
	free(p);
}
