/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/usage_table.h"
#include "cmd/watch.h"
#include "core/own.h"
#include "core/utf8.h"
#include "screen/mark.h"

enum { WIDE = 110, HIGH = 20, PANES_FROM = 14, TABLE_LEAST = 4, FIGURES = 11 };

const char *const mb_cmd_view_panes[MB_PANES_N_] = {
	[MB_PANE_LOGS] = "logs",     [MB_PANE_STATS] = "stats",   [MB_PANE_FLOWS] = "flows",
	[MB_PANE_HEALTH] = "health", [MB_PANE_EVENTS] = "events",
};

static const char *const help[] = {
	"j k arrows   up and down: the cursor, or the lines of a pane",
	"space PgDn   a page on; PgUp back; g G Home End: the first, the last",
	"tab          the next pane has the keys; shift-tab: the one before",
	"enter        the pane alone on the screen, and back; esc: back",
	"l u f h e    logs, usage, flows, health, events alone, and back",
	"/            show only what matches: name, image, state, id",
	"s            sort: name, cpu, memory, network, state",
	"a            only those that run, or all",
	"q ctrl-c     quit",
};

/* --- which panes ------------------------------------------------------------------------------ */

static bool has_panes(const struct mb_cmd_view *v)
{
	return v->rows >= PANES_FROM;
}

static bool is_wide(const struct mb_cmd_view *v)
{
	return v->columns >= WIDE && v->rows >= HIGH;
}

/* Of logs and events one has the left side. */
static enum mb_cmd_pane left_pane(const struct mb_cmd_view *v)
{
	return v->pane == MB_PANE_EVENTS ? MB_PANE_EVENTS : MB_PANE_LOGS;
}

bool mb_cmd_view_shows(const struct mb_cmd_view *v, enum mb_cmd_pane pane)
{
	if (v->zoomed || !has_panes(v) || !is_wide(v))
		return pane == v->pane && (v->zoomed || has_panes(v));
	return pane == left_pane(v) || pane == MB_PANE_STATS || pane == MB_PANE_FLOWS ||
	       pane == MB_PANE_HEALTH;
}

/* --- pieces: each appends lines to @out ------------------------------------------------------- */

static void add_title(const struct mb_cmd_view *v, enum mb_cmd_pane pane, struct mb_strv *out)
{
	const char *rule = v->utf8 ? "──" : "--";

	mb_strv_addf(out, "%s%s %s ", v->focus == pane ? MB_MARK_CHOSEN : MB_MARK_BOLD, rule,
	             mb_cmd_view_panes[pane]);
}

/* The names of all panes, where one is seen at a time. */
static void add_tabs(const struct mb_cmd_view *v, struct mb_strv *out)
{
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;

	for (size_t i = 0; i < MB_PANES_N_; i++)
		mb_str_addf(&line, "%s %s " MB_MARK_PLAIN,
		            i != v->pane    ? MB_MARK_DIM
		            : v->focus == i ? MB_MARK_CHOSEN
		                            : MB_MARK_BOLD,
		            mb_cmd_view_panes[i]);
	mb_strv_add(out, mb_str_text(&line));
}

static void add_pane(const struct mb_cmd_view *v, enum mb_cmd_pane pane, size_t height,
                     struct mb_strv *out)
{
	const struct mb_strv *lines = &v->lines[pane];
	size_t most = lines->n > height ? lines->n - height : 0;
	size_t back = v->back[pane] < most ? v->back[pane] : most;
	size_t from = pane == MB_PANE_LOGS || pane == MB_PANE_EVENTS ? most - back : back;

	for (size_t i = 0; i < height; i++)
		mb_strv_add(out, from + i < lines->n ? lines->v[from + i] : "");
}

/* On the right side, one below the other. */
static void add_stack(const struct mb_cmd_view *v, size_t height, struct mb_strv *out)
{
	size_t figures = height * 2 / 5 < FIGURES ? height * 2 / 5 : FIGURES;
	size_t health = (height - figures) / 2, flows = height - figures - health;
	const struct {
		enum mb_cmd_pane pane;
		size_t height;
	} stack[] = {{MB_PANE_STATS, figures}, {MB_PANE_HEALTH, health}, {MB_PANE_FLOWS, flows}};

	for (size_t i = 0; i < MB_N(stack); i++) {
		add_title(v, stack[i].pane, out);
		add_pane(v, stack[i].pane, stack[i].height - 1, out);
	}
}

static void add_both_sides(const struct mb_cmd_view *v, size_t height, struct mb_strv *out)
{
	MB_AUTO_STRV struct mb_strv left = MB_STRV_INIT, right = MB_STRV_INIT;
	size_t width = v->columns / 2;

	add_title(v, left_pane(v), &left);
	add_pane(v, left_pane(v), height - 1, &left);
	add_stack(v, height, &right);
	for (size_t i = 0; i < height; i++) {
		MB_AUTO_STR struct mb_str line = MB_STR_INIT;

		mb_screen_mark_fit(&line, left.v[i], width - 1);
		mb_str_addf(&line, MB_MARK_DIM "%s" MB_MARK_PLAIN, v->utf8 ? "│" : "|");
		mb_str_add(&line, right.v[i]);
		mb_strv_add(out, mb_str_text(&line));
	}
}

static size_t longest_name(const struct mb_cmd_view *v)
{
	size_t longest = 0;

	for (size_t i = 0; i < v->n_shown; i++) {
		size_t w = mb_utf8_width(mb_container_name(v->all.list.v[v->shown[i]]));

		longest = w > longest ? w : longest;
	}
	return longest < 40 ? longest : 40;
}

static void add_row(const struct mb_cmd_view *v, const struct mb_cmd_usage_layout *layout, size_t i,
                    struct mb_strv *out)
{
	MB_AUTO_STR struct mb_str line = MB_STR_INIT, chosen = MB_STR_INIT;

	mb_cmd_usage_row(layout, v->all.list.v[v->shown[i]], v->all.usages[v->shown[i]], &line);
	if (i != v->cursor) {
		mb_strv_add(out, mb_str_text(&line));
		return;
	}
	mb_str_add(&chosen, v->focus == MB_PANE_TABLE ? MB_MARK_CHOSEN : MB_MARK_BOLD);
	mb_screen_mark_render(&chosen, mb_str_text(&line), false);
	mb_str_addf(&chosen, "%*s", (int)v->columns, "");
	mb_strv_add(out, mb_str_text(&chosen));
}

static void add_table(struct mb_cmd_view *v, size_t height, struct mb_strv *out)
{
	struct mb_cmd_usage_layout layout;
	MB_AUTO_STR struct mb_str head = MB_STR_INIT;
	size_t room = height ? height - 1 : 0;

	mb_cmd_usage_layout_choose(&layout, v->columns, true, longest_name(v), v->utf8);
	mb_str_add(&head, MB_MARK_BOLD);
	mb_cmd_usage_head(&layout, &head);
	mb_strv_add(out, mb_str_text(&head));
	/* The cursor is seen. */
	if (v->cursor < v->top)
		v->top = v->cursor;
	if (room && v->cursor >= v->top + room)
		v->top = v->cursor - room + 1;
	if (v->top + room > v->n_shown)
		v->top = v->n_shown > room ? v->n_shown - room : 0;
	for (size_t i = 0; i < room; i++)
		if (v->top + i < v->n_shown)
			add_row(v, &layout, v->top + i, out);
		else
			mb_strv_add(out, i || v->n_shown ? "" : MB_MARK_DIM "no containers");
}

/* --- the whole -------------------------------------------------------------------------------- */

static void add_head(const struct mb_cmd_view *v, struct mb_strv *out)
{
	const struct mb_container *c = mb_cmd_view_chosen(v, NULL);
	MB_AUTO_FREE char *name = mb_printable(c ? mb_container_name(c) : "");
	size_t running = 0;

	for (size_t i = 0; i < v->all.list.n; i++)
		running += mb_container_is_running(v->all.list.v[i]);
	if (v->zoomed)
		mb_strv_addf(out, MB_MARK_HEADING " %s of %s%*s", mb_cmd_view_panes[v->pane], name,
		             (int)v->columns, "");
	else
		mb_strv_addf(out, MB_MARK_HEADING " mybox: %zu of %zu run, by %s%s%s%*s", running,
		             v->all.list.n, mb_cmd_view_sorts[v->sort],
		             v->only_running ? ", only running" : "",
		             v->filter.len ? ", filtered" : "", (int)v->columns, "");
}

static void add_foot(const struct mb_cmd_view *v, struct mb_strv *out)
{
	if (v->typing || v->filter.len)
		mb_strv_addf(out, "/%s%s", mb_str_text(&v->filter), v->typing ? "_" : "");
	else
		mb_strv_add(out,
		            MB_MARK_DIM "q quit  ? help  tab pane  enter zoom  / filter  s sort  "
		                        "l logs  e events");
}

static void add_middle(struct mb_cmd_view *v, size_t height, struct mb_strv *out)
{
	size_t table = v->n_shown + 1 > TABLE_LEAST ? v->n_shown + 1 : TABLE_LEAST;

	if (v->helping) {
		for (size_t i = 0; i < MB_N(help); i++)
			mb_strv_add(out, help[i]);
	} else if (v->zoomed) {
		add_pane(v, v->pane, height, out);
	} else if (!has_panes(v)) {
		add_table(v, height, out);
	} else {
		table = table < height * 2 / 5 ? table : height * 2 / 5;
		add_table(v, table, out);
		if (is_wide(v)) {
			add_both_sides(v, height - table, out);
		} else {
			add_tabs(v, out);
			add_pane(v, v->pane, height - table - 1, out);
		}
	}
}

/* In few lines the table comes first, then where one is, then the keys. */
void mb_cmd_view_draw(struct mb_cmd_view *v, struct mb_str *out)
{
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;
	size_t head = v->rows > 3 ? 1 : 0, foot = v->rows > 2 || v->typing ? 1 : 0;
	size_t height = v->rows > head + foot ? v->rows - head - foot : 0;

	if (head)
		add_head(v, &lines);
	add_middle(v, height, &lines);
	for (size_t i = 0; i < v->rows; i++) {
		MB_AUTO_STRV struct mb_strv last = MB_STRV_INIT;

		if (foot && i + 1 == v->rows)
			add_foot(v, &last);
		mb_screen_mark_fit(out,
		                   last.n        ? last.v[0]
		                   : i < lines.n ? lines.v[i]
		                                 : "",
		                   v->columns);
		mb_str_addc(out, '\n');
	}
}
