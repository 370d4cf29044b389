/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/cells.h"

#include <stdlib.h>
#include <string.h>

#include "core/own.h"
#include "core/str.h"
#include "core/utf8.h"
#include "format/table.h"
#include "format/template_tree.h"

enum { PADDING = 3 };

struct cell {
	const char *text;
	size_t columns, width;
};

struct line {
	size_t first, n; /* of its cells; the last one is not part of any column */
};

struct grid {
	struct cell *cells;
	struct line *lines;
	size_t n_cells, n_lines, most;
};

/* Cut @text at tabs and new lines, in place. */
static void cut(struct mb_str *text, struct grid *g)
{
	size_t n_tabs = 0, n_ends = 0;
	char *p = text->buf, *end = text->buf + text->len;

	for (size_t i = 0; i < text->len; i++) {
		if (p[i] == '\0') /* a value may hold one; cells end there */
			p[i] = ' ';
		n_tabs += p[i] == '\t';
		n_ends += p[i] == '\n';
	}
	g->cells = mb_calloc(n_tabs + n_ends + 1, sizeof(*g->cells));
	/* One more line than can be filled: its first cell is where the next would begin. */
	g->lines = mb_calloc(n_ends + 2, sizeof(*g->lines));
	while (p < end) {
		size_t len = strcspn(p, "\t\n");
		bool ends = p[len] != '\t';
		struct line *line = &g->lines[g->n_lines];

		p[len] = '\0';
		g->cells[g->n_cells++] = (struct cell){.text = p, .columns = mb_utf8_width(p)};
		line->n++;
		if (ends) {
			if (line->n > g->most)
				g->most = line->n;
			g->lines[++g->n_lines].first = g->n_cells;
		}
		p += len + 1;
	}
}

static bool has_column(const struct grid *g, size_t line, size_t column)
{
	return column + 1 < g->lines[line].n;
}

/* The widths of one column, run by run of lines that have it. */
static void measure(struct grid *g, size_t column, size_t least)
{
	for (size_t i = 0; i < g->n_lines;) {
		size_t width = least, begin = i;

		for (; i < g->n_lines && has_column(g, i, column); i++) {
			size_t need = g->cells[g->lines[i].first + column].columns + PADDING;

			if (need > width)
				width = need;
		}
		for (size_t k = begin; k < i; k++)
			g->cells[g->lines[k].first + column].width = width;
		if (i == begin)
			i++;
	}
}

static void print(const struct grid *g, struct mb_str *out)
{
	for (size_t i = 0; i < g->n_lines; i++) {
		const struct cell *cells = g->cells + g->lines[i].first;

		for (size_t k = 0; k < g->lines[i].n; k++) {
			mb_str_add(out, cells[k].text);
			for (size_t pad = cells[k].columns; pad < cells[k].width; pad++)
				mb_str_addc(out, ' ');
		}
		mb_str_addc(out, '\n');
	}
}

void mb_format_cells_align(struct mb_str *text, size_t least, struct mb_str *out)
{
	struct grid g = {0};

	if (!text->len)
		return;
	cut(text, &g);
	for (size_t column = 0; column + 1 < g.most; column++)
		measure(&g, column, least);
	print(&g, out);
	free(g.cells);
	free(g.lines);
}

void mb_format_cell_add_json(struct json_object *value, struct mb_str *out)
{
	mb_format_json_print(value, out);
}

void mb_format_cells(const char *const *cells, size_t n_rows, size_t n_columns, size_t least,
                     struct mb_str *out)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	for (size_t i = 0; i < n_rows * n_columns; i++) {
		mb_str_add(&text, cells[i]);
		mb_str_addc(&text, (i + 1) % n_columns ? '\t' : '\n');
	}
	mb_format_cells_align(&text, least, out);
}
