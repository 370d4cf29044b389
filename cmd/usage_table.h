/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/usage_table.h — what containers use as lines with marks (screen/mark.h), as wide as asked. */
#ifndef MB_CMD_USAGE_TABLE_H
#define MB_CMD_USAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "container/usage.h"

struct mb_container;
struct mb_str;

enum mb_cmd_usage_column {
	MB_USAGE_NAME,
	MB_USAGE_STATE,
	MB_USAGE_HEALTH,
	MB_USAGE_CPU,
	MB_USAGE_MEMORY,
	MB_USAGE_NETWORK,
	MB_USAGE_DISK,
	MB_USAGE_TASKS,
	MB_USAGE_PRESSURE,
	MB_USAGE_COLUMNS_N_
};
enum { MB_USAGE_TEXT, MB_USAGE_BAR, MB_USAGE_SPARK, MB_USAGE_PARTS_N_ };

struct mb_cmd_usage_heading {
	const char *text;
	bool right; /* what is below stands at the right end */
};
extern const struct mb_cmd_usage_heading mb_cmd_usage_headings[MB_USAGE_COLUMNS_N_];

struct mb_cmd_usage_layout {
	size_t width[MB_USAGE_COLUMNS_N_][MB_USAGE_PARTS_N_]; /* 0: left out */
	bool utf8;
};
/* What fits into @width columns, the most telling first; @has_states: with state and health.
 * The name has up to @name columns if there is room. */
void mb_cmd_usage_layout_choose(struct mb_cmd_usage_layout *ret, size_t width, bool has_states,
                                size_t name, bool utf8);
void mb_cmd_usage_head(const struct mb_cmd_usage_layout *l, struct mb_str *out);
void mb_cmd_usage_row(const struct mb_cmd_usage_layout *l, const struct mb_container *c,
                      const struct mb_container_usage *u, struct mb_str *out);
/* "1.2kB / 30B" per second, "--" for what is not known. */
void mb_cmd_usage_pair(double a, double b, struct mb_str *out);
/* The past of @a, and with it of @b (MB_FIGURES_N_: none), in @width columns, by its own maximum,
 * which is @least or more. */
void mb_cmd_usage_spark(const struct mb_container_usage *u, enum mb_container_figure a,
                        enum mb_container_figure b, double least, size_t width, bool utf8,
                        struct mb_str *out);

#endif
