/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/usage_table.h"

#include "core/own.h"
#include "core/str.h"
#include "format/graph.h"

enum { GAP = 2, NAME_LEAST = 12 };

const struct mb_cmd_usage_heading mb_cmd_usage_headings[MB_USAGE_COLUMNS_N_] = {
	[MB_USAGE_NAME] = {"NAME", false},          [MB_USAGE_STATE] = {"STATE", false},
	[MB_USAGE_HEALTH] = {"HEALTH", false},      [MB_USAGE_CPU] = {"CPU %", true},
	[MB_USAGE_MEMORY] = {"MEMORY", true},       [MB_USAGE_NETWORK] = {"NET I/O /S", true},
	[MB_USAGE_DISK] = {"BLOCK I/O /S", true},   [MB_USAGE_TASKS] = {"PIDS", true},
	[MB_USAGE_PRESSURE] = {"PSI C/M/IO", true},
};

/* What is taken beside the name as long as it fits, the most telling first. */
static const struct {
	enum mb_cmd_usage_column column;
	int part;
	size_t width;
} worth[] = {
	{MB_USAGE_CPU, MB_USAGE_TEXT, 7},        {MB_USAGE_MEMORY, MB_USAGE_TEXT, 8},
	{MB_USAGE_STATE, MB_USAGE_TEXT, 10},     {MB_USAGE_HEALTH, MB_USAGE_TEXT, 9},
	{MB_USAGE_NETWORK, MB_USAGE_TEXT, 15},   {MB_USAGE_CPU, MB_USAGE_BAR, 6},
	{MB_USAGE_MEMORY, MB_USAGE_BAR, 6},      {MB_USAGE_TASKS, MB_USAGE_TEXT, 4},
	{MB_USAGE_DISK, MB_USAGE_TEXT, 15},      {MB_USAGE_PRESSURE, MB_USAGE_TEXT, 11},
	{MB_USAGE_CPU, MB_USAGE_SPARK, 10},      {MB_USAGE_NETWORK, MB_USAGE_SPARK, 10},
	{MB_USAGE_MEMORY, MB_USAGE_SPARK, 10},   {MB_USAGE_DISK, MB_USAGE_SPARK, 10},
	{MB_USAGE_PRESSURE, MB_USAGE_SPARK, 10},
};

void mb_cmd_usage_layout_choose(struct mb_cmd_usage_layout *ret, size_t width, bool has_states,
                                size_t name, bool utf8)
{
	struct mb_cmd_usage_layout l = {.utf8 = utf8};
	size_t *name_width = &l.width[MB_USAGE_NAME][MB_USAGE_TEXT], left;

	*name_width = width < NAME_LEAST ? width : NAME_LEAST;
	left = width - *name_width;
	for (size_t i = 0; i < MB_N(worth); i++) {
		size_t gap = worth[i].part == MB_USAGE_TEXT ? GAP : 1;
		bool is_state =
			worth[i].column == MB_USAGE_STATE || worth[i].column == MB_USAGE_HEALTH;

		if ((is_state && !has_states) || worth[i].width + gap > left)
			continue;
		l.width[worth[i].column][worth[i].part] = worth[i].width;
		left -= worth[i].width + gap;
	}
	if (name > *name_width && left)
		*name_width += name - *name_width < left ? name - *name_width : left;
	*ret = l;
}

static size_t width_of(const struct mb_cmd_usage_layout *l, size_t column)
{
	const size_t *w = l->width[column];

	return w[MB_USAGE_TEXT] + (w[MB_USAGE_BAR] ? w[MB_USAGE_BAR] + 1 : 0) +
	       (w[MB_USAGE_SPARK] ? w[MB_USAGE_SPARK] + 1 : 0);
}

void mb_cmd_usage_head(const struct mb_cmd_usage_layout *l, struct mb_str *out)
{
	for (size_t i = 0; i < MB_USAGE_COLUMNS_N_; i++) {
		size_t text = l->width[i][MB_USAGE_TEXT], all = width_of(l, i);

		if (!text)
			continue;
		mb_str_add(out, i ? "  " : "");
		mb_format_fit(out, mb_cmd_usage_headings[i].text, text,
		              mb_cmd_usage_headings[i].right);
		mb_str_addf(out, "%*s", (int)(all - text), "");
	}
}
