/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/list.h — verbs that list what the store has, with the options that they share.
 *
 * A verb gives its columns, the filters that it knows, what -q prints and a function that adds a
 * row for each that matches (cmd/output.h). */
#ifndef MB_CMD_LIST_H
#define MB_CMD_LIST_H

#include "cli/cli.h"
#include "cmd/output.h"

struct mb_cmd_context;
struct mb_format_filters;
struct mb_store;

struct mb_cmd_list_args {
	const char *format;
	struct mb_strv filters;
	bool quiet;
};

/* clang-format off */
#define MB_CMD_LIST_OPTS(quiet_help) \
	MB_OPT_LIST('f', "filter", "filter", struct mb_cmd_list_args, filters, "only those that match, as key=value", .is_pairs = true), \
	MB_OPT_STRING(0, "format", NULL, struct mb_cmd_list_args, format, "print by a Go template, \"table\" or \"json\""), \
	MB_OPT_SWITCH('q', "quiet", struct mb_cmd_list_args, quiet, quiet_help)
/* clang-format on */

struct mb_cmd_list {
	const struct mb_format_column *columns;
	const char *const *filters; /* names, ended by NULL */
	const char *quiet;          /* the template of -q */
	int (*add_rows)(struct mb_store *store, const struct mb_format_filters *filters,
	                struct mb_format_list *list, struct mb_err *err);
};

/* Return: an exit code, or -errno. */
int mb_cmd_list_run(struct mb_cmd_context *cx, const struct mb_cmd_list_args *args,
                    const struct mb_cmd_list *what, struct mb_err *err);

#endif
