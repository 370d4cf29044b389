/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/usage_table.h"
#include "cmd/watch.h"
#include "cmd/watch_text.h"
#include "container/logging.h"
#include "container/logpack.h"
#include "core/err.h"
#include "core/own.h"
#include "monitor/logfile.h"
#include "screen/mark.h"

/* --- logs ------------------------------------------------------------------------------------- */

/* Twice what is kept may gather, so that it is moved rarely. */
static void trim(struct mb_strv *lines)
{
	size_t extra = lines->n > 2 * MB_PANE_LINES ? lines->n - MB_PANE_LINES : 0;

	for (size_t i = 0; i < extra; i++)
		free(lines->v[i]);
	if (extra) {
		memmove(lines->v, lines->v + extra, (lines->n - extra + 1) * sizeof(*lines->v));
		lines->n -= extra;
	}
}

static int open_log(struct mb_cmd_view *v, struct mb_err *why)
{
	MB_AUTO_FREE char *file = mb_container_logging_file(v->about);
	struct mb_logfile_options options = {
		.name = file, .tail = MB_PANE_LINES, .unpack = mb_container_logunpack};
	int r = mb_container_logging_is_readable(v->about, why);

	mb_logfile_free(v->log);
	v->log = NULL;
	v->log_fd = -1;
	v->is_log_behind = false;
	mb_strv_done(&v->lines[MB_PANE_LOGS]);
	if (r == 0)
		r = mb_logfile_open(v->about->dir_fd, &options, &v->log, why);
	return r < 0 ? r : mb_logfile_follow(v->log, &v->log_fd, why);
}

static void begin_log(struct mb_cmd_view *v)
{
	struct mb_err why = MB_ERR_INIT;
	MB_AUTO_FREE char *text = NULL;

	if (open_log(v, &why) == 0)
		return;
	text = mb_printable(why.msg);
	mb_strv_addf(&v->lines[MB_PANE_LOGS], MB_MARK_DIM "%s", text);
	mb_logfile_free(v->log);
	v->log = NULL;
	v->log_fd = -1;
}

/* A flood is read in pieces, so that keys are heard meanwhile; what nobody could read is passed
 * over. */
void mb_cmd_view_read_log(struct mb_cmd_view *v)
{
	enum { AT_ONCE = 10 * MB_PANE_LINES };
	struct mb_strv *lines = &v->lines[MB_PANE_LOGS];
	struct mb_logfile_entry entry;
	int n = 0;

	if (v->log && v->is_log_behind)
		begin_log(v);
	if (!v->log)
		return;
	mb_logfile_settle(v->log);
	for (; n < AT_ONCE && mb_logfile_next(v->log, &entry, NULL) == 0; n++) {
		MB_AUTO_FREE char *text = mb_cmd_watch_line(entry.text, entry.size);

		mb_strv_addf(lines, "%s%s", entry.stream == MB_MONITOR_STDERR ? MB_MARK_YELLOW : "",
		             text);
		/* Who reads further up stays there, as long as it is kept. */
		if (v->back[MB_PANE_LOGS] && v->back[MB_PANE_LOGS] < MB_PANE_LINES)
			v->back[MB_PANE_LOGS]++;
		trim(lines);
	}
	v->is_log_behind = n == AT_ONCE;
}

/* --- figures ---------------------------------------------------------------------------------- */

static void add_figure(struct mb_cmd_view *v, const struct mb_container_usage *u, const char *name,
                       enum mb_container_figure figure, double least)
{
	enum { LABEL = 18 };
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;
	MB_AUTO_FREE char *text = mb_cmd_watch_figure(u->now[figure], figure);
	size_t width = v->columns / 2 > LABEL + 4 ? v->columns / 2 - LABEL - 4 : 4;

	width = width < MB_CONTAINER_PAST ? width : MB_CONTAINER_PAST;
	mb_str_addf(&line, "%-8s%9s " MB_MARK_CYAN, name, text);
	mb_cmd_usage_spark(u, figure, MB_FIGURES_N_, least, width, v->utf8, &line);
	mb_strv_add(&v->lines[MB_PANE_STATS], mb_str_text(&line));
}

static void tell_figures(struct mb_cmd_view *v, const struct mb_container_usage *u)
{
	add_figure(v, u, "cpu", MB_FIGURE_CPU, 0.05);
	add_figure(v, u, "memory", MB_FIGURE_MEMORY, 1);
	add_figure(v, u, "in /s", MB_FIGURE_RX, 1000);
	add_figure(v, u, "out /s", MB_FIGURE_TX, 1000);
	add_figure(v, u, "read /s", MB_FIGURE_READ, 1000);
	add_figure(v, u, "write /s", MB_FIGURE_WRITE, 1000);
	add_figure(v, u, "pids", MB_FIGURE_TASKS, 1);
	add_figure(v, u, "psi cpu", MB_FIGURE_CPU_PRESSURE, 0.1);
	add_figure(v, u, "psi mem", MB_FIGURE_MEMORY_PRESSURE, 0.1);
	add_figure(v, u, "psi io", MB_FIGURE_IO_PRESSURE, 0.1);
}

/* --- all of them ------------------------------------------------------------------------------ */

void mb_cmd_view_forget(struct mb_cmd_view *v)
{
	for (size_t i = 0; i < MB_PANES_N_; i++) {
		mb_strv_done(&v->lines[i]);
		v->back[i] = 0;
	}
	mb_logfile_free(v->log);
	v->log = NULL;
	v->log_fd = -1;
	mb_container_free(v->about);
	v->about = NULL;
	v->told[0] = '\0';
}

/* What is not followed is told anew each time, and is not asked for while nobody sees it. */
static bool is_due(struct mb_cmd_view *v, enum mb_cmd_pane pane)
{
	if (!mb_cmd_view_shows(v, pane))
		return false;
	mb_strv_done(&v->lines[pane]);
	return true;
}

void mb_cmd_view_tell(struct mb_cmd_view *v)
{
	const struct mb_container_usage *u = NULL;
	struct mb_container *c = mb_cmd_view_chosen(v, &u);

	if (!c) {
		mb_cmd_view_forget(v);
		return;
	}
	if (strcmp(v->told, c->id) != 0) {
		mb_cmd_view_forget(v);
		if (mb_container_open(v->store, c->id, &v->about, NULL) != 0)
			return;
		memcpy(v->told, c->id, sizeof(v->told));
		begin_log(v);
	}
	mb_container_refresh(v->about);
	mb_cmd_view_read_log(v);
	if (is_due(v, MB_PANE_STATS))
		tell_figures(v, u);
	if (is_due(v, MB_PANE_FLOWS))
		mb_cmd_watch_tell_flows(v);
	if (is_due(v, MB_PANE_HEALTH))
		mb_cmd_watch_tell_health(v->about, &v->lines[MB_PANE_HEALTH]);
	if (is_due(v, MB_PANE_EVENTS))
		mb_cmd_watch_tell_events(v);
}
