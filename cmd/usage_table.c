/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/usage_table.h"

#include <unistd.h>

#include "container/container.h"
#include "container/health.h"
#include "core/own.h"
#include "core/str.h"
#include "format/graph.h"
#include "format/human.h"
#include "screen/mark.h"

void mb_cmd_usage_pair(double a, double b, struct mb_str *out)
{
	char x[MB_FORMAT_HUMAN_TEXT], y[MB_FORMAT_HUMAN_TEXT];

	mb_str_addf(out, "%s/%s", a < 0 ? "--" : mb_format_size_short((double)(uint64_t)a, x),
	            b < 0 ? "--" : mb_format_size_short((double)(uint64_t)b, y));
}

void mb_cmd_usage_spark(const struct mb_container_usage *u, enum mb_container_figure a,
                        enum mb_container_figure b, double least, size_t width, bool utf8,
                        struct mb_str *out)
{
	double values[MB_CONTAINER_PAST], max = least;

	for (size_t i = 0; i < u->n_past; i++) {
		values[i] = u->past[a][i];
		if (b < MB_FIGURES_N_ && u->past[b][i] > 0)
			values[i] += u->past[b][i];
		if (i + width >= u->n_past && values[i] > max)
			max = values[i];
	}
	mb_format_spark(out, values, u->n_past, max, width, utf8);
}

static void add_percent(int width, int digits, double part, struct mb_str *out)
{
	if (part < 0)
		mb_str_addf(out, "%*s", width, "--");
	else
		mb_str_addf(out, "%*.*f", width, digits, part * 100);
}

static void text_of(size_t column, const struct mb_container *c, const struct mb_container_usage *u,
                    struct mb_str *out)
{
	enum mb_health_status health = MB_HEALTH_NONE;
	char text[MB_FORMAT_HUMAN_TEXT];

	switch ((enum mb_cmd_usage_column)column) {
	case MB_USAGE_NAME:
		mb_str_add(out, mb_container_name(c));
		break;
	case MB_USAGE_STATE:
		mb_str_add(out, mb_container_status_name(c->state.status));
		break;
	case MB_USAGE_HEALTH:
		if (mb_container_is_running(c))
			health = mb_container_health_status(c);
		mb_str_add(out, health == MB_HEALTH_NONE ? "" : mb_container_health_name(health));
		break;
	case MB_USAGE_CPU:
		add_percent(0, 1, u->now[MB_FIGURE_CPU], out);
		break;
	case MB_USAGE_MEMORY:
		mb_str_add(out, u->now[MB_FIGURE_MEMORY] < 0
		                        ? "--"
		                        : mb_format_size_short(u->now[MB_FIGURE_MEMORY], text));
		break;
	case MB_USAGE_NETWORK:
		mb_cmd_usage_pair(u->now[MB_FIGURE_RX], u->now[MB_FIGURE_TX], out);
		break;
	case MB_USAGE_DISK:
		mb_cmd_usage_pair(u->now[MB_FIGURE_READ], u->now[MB_FIGURE_WRITE], out);
		break;
	case MB_USAGE_TASKS:
		if (u->now[MB_FIGURE_TASKS] < 0)
			mb_str_add(out, "--");
		else
			mb_str_addf(out, "%.0f", u->now[MB_FIGURE_TASKS]);
		break;
	case MB_USAGE_PRESSURE:
		add_percent(3, 0, u->now[MB_FIGURE_CPU_PRESSURE], out);
		mb_str_addc(out, ' ');
		add_percent(3, 0, u->now[MB_FIGURE_MEMORY_PRESSURE], out);
		mb_str_addc(out, ' ');
		add_percent(3, 0, u->now[MB_FIGURE_IO_PRESSURE], out);
		break;
	case MB_USAGE_COLUMNS_N_:
		break;
	}
}

/* How much of what there is, for bars and colours; negative: no such measure. */
static double part_of(size_t column, const struct mb_container_usage *u)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	double max = -1;

	if (column == MB_USAGE_CPU)
		return u->now[MB_FIGURE_CPU] / (double)(processors > 0 ? processors : 1);
	if (column == MB_USAGE_MEMORY && u->memory_limit)
		return u->now[MB_FIGURE_MEMORY] / (double)u->memory_limit;
	for (size_t i = 0; column == MB_USAGE_PRESSURE && i < MB_SYS_CGROUP_RESOURCES_N_; i++)
		if (u->now[MB_FIGURE_CPU_PRESSURE + i] > max)
			max = u->now[MB_FIGURE_CPU_PRESSURE + i];
	return max;
}

static const char *mark_of(size_t column, const struct mb_container *c,
                           const struct mb_container_usage *u)
{
	double part = part_of(column, u);

	if (column == MB_USAGE_STATE)
		return c->state.status == MB_STATUS_RUNNING ? MB_MARK_GREEN
		       : mb_container_is_running(c)         ? MB_MARK_YELLOW
		       : c->state.status == MB_STATUS_DEAD  ? MB_MARK_RED
		                                            : MB_MARK_DIM;
	if (column == MB_USAGE_HEALTH)
		return mb_container_health_status(c) == MB_HEALTH_HEALTHY    ? MB_MARK_GREEN
		       : mb_container_health_status(c) == MB_HEALTH_STARTING ? MB_MARK_YELLOW
		                                                             : MB_MARK_RED;
	if (part < 0)
		return column == MB_USAGE_NAME ? MB_MARK_BOLD : MB_MARK_CYAN;
	return part >= 0.9 ? MB_MARK_RED : part >= 0.6 ? MB_MARK_YELLOW : MB_MARK_GREEN;
}

static void add_spark(size_t column, const struct mb_container_usage *u, size_t width, bool utf8,
                      struct mb_str *out)
{
	static const struct {
		enum mb_container_figure a, b;
		double least;
	} of[MB_USAGE_COLUMNS_N_] = {
		[MB_USAGE_CPU] = {MB_FIGURE_CPU, MB_FIGURES_N_, 0.05},
		[MB_USAGE_MEMORY] = {MB_FIGURE_MEMORY, MB_FIGURES_N_, 1},
		[MB_USAGE_NETWORK] = {MB_FIGURE_RX, MB_FIGURE_TX, 1000},
		[MB_USAGE_DISK] = {MB_FIGURE_READ, MB_FIGURE_WRITE, 1000},
		[MB_USAGE_PRESSURE] = {MB_FIGURE_CPU_PRESSURE, MB_FIGURES_N_, 0.1},
	};

	mb_cmd_usage_spark(u, of[column].a, of[column].b, of[column].least, width, utf8, out);
}

void mb_cmd_usage_row(const struct mb_cmd_usage_layout *l, const struct mb_container *c,
                      const struct mb_container_usage *u, struct mb_str *out)
{
	for (size_t i = 0; i < MB_USAGE_COLUMNS_N_; i++) {
		const size_t *width = l->width[i];
		MB_AUTO_STR struct mb_str text = MB_STR_INIT;
		MB_AUTO_FREE char *safe = NULL;

		if (!width[MB_USAGE_TEXT])
			continue;
		text_of(i, c, u, &text);
		safe = mb_printable(mb_str_text(&text));
		mb_str_addf(out, "%s%s", i ? "  " : "", mark_of(i, c, u));
		mb_format_fit(out, safe, width[MB_USAGE_TEXT], mb_cmd_usage_headings[i].right);
		if (width[MB_USAGE_BAR]) {
			mb_str_addc(out, ' ');
			mb_format_bar(out, part_of(i, u), width[MB_USAGE_BAR], l->utf8);
		}
		if (width[MB_USAGE_SPARK]) {
			mb_str_addc(out, ' ');
			add_spark(i, u, width[MB_USAGE_SPARK], l->utf8, out);
		}
		mb_str_add(out, MB_MARK_PLAIN);
	}
}
