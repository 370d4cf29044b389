/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cmd/watch.h"
#include "screen/protocol.h"

enum { CTRL_C = 3, CTRL_H = 8, CTRL_U = 21, ESCAPE = 27, DELETE = 127, FILTER_MAX = 128 };

/* --- while a filter is typed ------------------------------------------------------------------ */

static void cut_character(struct mb_str *text)
{
	while (text->len && (text->buf[text->len - 1] & 0xc0) == 0x80)
		text->len--;
	if (text->len)
		text->len--;
	if (text->buf)
		text->buf[text->len] = '\0';
}

/* What is typed is ASCII, as names are. */
static void type(struct mb_cmd_view *v, uint32_t key)
{
	if (key == '\r' || key == '\n') {
		v->typing = false;
		return;
	}
	if (key == ESCAPE || key == CTRL_C) {
		v->typing = false;
		mb_str_reset(&v->filter);
	} else if (key == CTRL_U) {
		mb_str_reset(&v->filter);
	} else if (key == MB_KEY_BACKSPACE || key == CTRL_H || key == DELETE) {
		cut_character(&v->filter);
	} else if (key >= ' ' && key < DELETE && v->filter.len < FILTER_MAX) {
		mb_str_addc(&v->filter, (char)key);
	}
	mb_cmd_view_arrange(v);
}

/* --- else ------------------------------------------------------------------------------------- */

static void focus(struct mb_cmd_view *v, enum mb_cmd_pane pane)
{
	v->focus = pane;
	if (pane != MB_PANE_TABLE)
		v->pane = pane;
	else
		v->zoomed = false;
}

/* The pane alone on the screen, or away with it. */
static void zoom(struct mb_cmd_view *v, enum mb_cmd_pane pane)
{
	bool away = v->zoomed && v->pane == pane;

	focus(v, away ? MB_PANE_TABLE : pane);
	v->zoomed = !away;
}

static void next_pane(struct mb_cmd_view *v, int by)
{
	int n = MB_PANES_N_ + 1, at = v->focus;

	/* A zoomed pane gives way to the next one, never to the table. */
	do
		at = (at + n + by) % n;
	while (v->zoomed && at == MB_PANE_TABLE);
	focus(v, (enum mb_cmd_pane)at);
}

static void scroll(struct mb_cmd_view *v, long down)
{
	size_t *back = &v->back[v->focus], n = v->lines[v->focus].n;
	/* Those that grow stand at their end by themselves, the others at their beginning. */
	long to = (long)*back +
	          (v->focus == MB_PANE_LOGS || v->focus == MB_PANE_EVENTS ? -down : down);

	to = to < 0 ? 0 : to;
	*back = (size_t)to < n ? (size_t)to : n;
}

static void move(struct mb_cmd_view *v, long by)
{
	if (v->focus == MB_PANE_TABLE)
		mb_cmd_view_move(v, by);
	else
		scroll(v, by);
}

static void escape(struct mb_cmd_view *v)
{
	if (v->focus != MB_PANE_TABLE || v->zoomed) {
		focus(v, MB_PANE_TABLE);
		return;
	}
	mb_str_reset(&v->filter);
	mb_cmd_view_arrange(v);
}

static bool is_motion(struct mb_cmd_view *v, uint32_t key)
{
	const long far = 1 << 20, page = v->rows > 6 ? (long)v->rows / 2 : 3;
	const struct {
		uint32_t key;
		long by;
	} motions[] = {
		{'j', 1},
		{'k', -1},
		{MB_KEY_DOWN, 1},
		{MB_KEY_UP, -1},
		{MB_KEY_PAGE_DOWN, page},
		{MB_KEY_PAGE_UP, -page},
		{' ', page},
		{'G', far},
		{'g', -far},
		{MB_KEY_END, far},
		{MB_KEY_HOME, -far},
	};

	for (size_t i = 0; i < MB_N(motions); i++)
		if (motions[i].key == key) {
			move(v, motions[i].by);
			return true;
		}
	return false;
}

void mb_cmd_view_key(struct mb_cmd_view *v, uint32_t key)
{
	if (v->typing) {
		type(v, key);
		return;
	}
	if (v->helping) {
		v->helping = false;
		v->quit = key == 'q' || key == CTRL_C;
		return;
	}
	if (is_motion(v, key))
		return;
	switch (key) {
	case 'q':
	case CTRL_C:
		v->quit = true;
		break;
	case '?':
		v->helping = true;
		break;
	case '/':
		v->typing = true;
		focus(v, MB_PANE_TABLE);
		break;
	case 's':
		v->sort = (v->sort + 1) % MB_SORTS_N_;
		mb_cmd_view_arrange(v);
		break;
	case 'a':
		v->only_running = !v->only_running;
		mb_cmd_view_arrange(v);
		break;
	case '\t':
	case MB_KEY_RIGHT:
		next_pane(v, 1);
		break;
	case MB_KEY_BACK_TAB:
	case MB_KEY_LEFT:
		next_pane(v, -1);
		break;
	case '\r':
	case '\n':
		zoom(v, v->focus == MB_PANE_TABLE ? v->pane : v->focus);
		break;
	case ESCAPE:
		escape(v);
		break;
	case 'l':
		zoom(v, MB_PANE_LOGS);
		break;
	case 'u':
		zoom(v, MB_PANE_STATS);
		break;
	case 'f':
		zoom(v, MB_PANE_FLOWS);
		break;
	case 'h':
		zoom(v, MB_PANE_HEALTH);
		break;
	case 'e':
		zoom(v, MB_PANE_EVENTS);
		break;
	default:
		break;
	}
}
