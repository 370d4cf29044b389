/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/stats_live.h"

#include <unistd.h>

#include "cli/cli.h"
#include "cmd/output.h"
#include "cmd/stats_plain.h"
#include "cmd/usage_table.h"
#include "cmd/usages.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "core/utf8.h"
#include "screen/mark.h"

/* The first rates come at once, after as long as has a meaning. */
enum { FIRST_USEC = 50 * 1000, SECOND_USEC = 1000 * 1000 };

static size_t longest_name(const struct mb_cmd_usages *u)
{
	size_t longest = 0;

	for (size_t i = 0; i < u->list.n; i++) {
		size_t width = mb_utf8_width(mb_container_name(u->list.v[i]));

		longest = width > longest ? width : longest;
	}
	return longest;
}

/* One line of the screen, at its left end; what was there is gone. */
static void add_line(struct mb_str *out, const char *marked, size_t width, bool colour)
{
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;

	mb_screen_mark_fit(&line, marked, width);
	mb_screen_mark_render(out, mb_str_text(&line), colour);
	mb_str_add(out, "\033[K\r\n");
}

/* Into the lines that there are, but the last one, in which the cursor rests. */
static void draw(const struct mb_cmd_usages *u, bool colour, struct mb_str *out)
{
	struct mb_cmd_usage_layout layout;
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;
	size_t rows = 24, columns = 80, room, shown;

	(void)mb_cmd_size(STDOUT_FILENO, &rows, &columns);
	/* The last column stays free: some terminals go on in the next line. */
	columns = columns > 1 ? columns - 1 : 1;
	room = rows > 2 ? rows - 2 : 0;
	shown = u->list.n <= room ? u->list.n : room ? room - 1 : 0;
	mb_cmd_usage_layout_choose(&layout, columns, false, longest_name(u), mb_cmd_has_utf8());
	mb_str_add(out, "\033[H");
	mb_cmd_usage_head(&layout, &line);
	add_line(out, mb_str_text(&line), columns, colour);
	for (size_t i = 0; i < shown; i++) {
		mb_str_reset(&line);
		mb_cmd_usage_row(&layout, u->list.v[i], u->usages[i], &line);
		add_line(out, mb_str_text(&line), columns, colour);
	}
	if (room && shown < u->list.n) {
		mb_str_reset(&line);
		mb_str_addf(&line, "... and %zu more", u->list.n - shown);
		add_line(out, mb_str_text(&line), columns, colour);
	}
	mb_str_add(out, "\033[J");
}

int mb_cmd_stats_live(struct mb_store *store, const struct mb_cli_input *in, bool colour,
                      struct mb_err *err)
{
	const struct mb_cmd_stats *args = in->args;
	MB_AUTO_CMD_USAGES struct mb_cmd_usages u = {0};
	useconds_t gap = FIRST_USEC;
	int r = mb_cmd_usages_load(&u, store, in->operands, in->n_operands, args->all, err);

	if (r < 0)
		return r;
	mb_cmd_usages_look(&u);
	for (bool first = true;; first = false) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		usleep(gap);
		gap = (useconds_t)args->interval * SECOND_USEC;
		r = mb_cmd_usages_load(&u, store, in->operands, in->n_operands, args->all, err);
		if (r < 0)
			return r;
		mb_cmd_usages_look(&u);
		if (first)
			mb_str_add(&out, "\033[2J");
		draw(&u, colour, &out);
		if (mb_write_full(STDOUT_FILENO, mb_str_text(&out), out.len) < 0)
			return 0;
	}
}
