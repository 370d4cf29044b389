/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/output.h — what verbs share in writing to stdout. */
#ifndef MB_CMD_OUTPUT_H
#define MB_CMD_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/strv.h"
#include "format/table.h"

struct json_object;
struct mb_cli_input;
struct mb_err;
struct mb_format_host;
struct mb_str;

bool mb_cmd_is_tty(int fd);
/* What is written to @fd comes to a terminal: it is one, or leads to one at the near end of -H
 * (MB_CMD_SHOWN has its digit), where nobody cleans it any more. */
#define MB_CMD_SHOWN "MYBOX_SHOWN"
bool mb_cmd_is_shown(int fd);
/* Columns of the terminal at @fd; 0 when it is none. */
size_t mb_cmd_width(int fd);
/* Rows and columns of the terminal at @fd.  Return: whether it is one. */
bool mb_cmd_size(int fd, size_t *ret_rows, size_t *ret_columns);
/* Has the user's terminal more than ASCII?  The locale says so. */
bool mb_cmd_has_utf8(void);
/* A terminal, and neither NO_COLOR nor TERM=dumb. */
bool mb_cmd_has_colour(int fd);

/* Write @text to stdout in one piece.  Return: the exit code, 0 or what a closed pipe gives. */
int mb_cmd_put(const struct mb_str *text);
/* The same, safe for a terminal when stdout is one. */
int mb_cmd_put_safe(struct mb_str *text);
/* One line, "@text\n". */
int mb_cmd_put_line(const char *text);

/* A list verb:
 *
 *	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
 *	int r = mb_format_list_new(mb_cmd_list_format(args->format, args->quiet, "{{.ID}}"),
 *				   columns, mb_cmd_list_host(), &list, err);
 *	... mb_cmd_row_labels(row, &labels); mb_format_list_add(list, row, err) for each ...
 *	return r < 0 ? r : mb_cmd_list_put(list, err);
 *
 * --format wins over -q, which is the template @quiet_template.  NULL is the default table. */
const char *mb_cmd_list_format(const char *format, bool quiet, const char *quiet_template);
/* Rows have {{.Label "name"}}. */
const struct mb_format_host *mb_cmd_list_host(void);
/* Set the row's "Labels" ("a=b,c=d") and what {{.Label}} looks in. */
void mb_cmd_row_labels(struct json_object *row, const struct mb_kv *labels);
/* Print the list, safe for a terminal when stdout is one.  Return: an exit code, or -errno. */
int mb_cmd_list_put(struct mb_format_list *list, struct mb_err *err);

/* What `inspect` verbs print: @values (a JSON array, borrowed) with four spaces of indentation,
 * or the template @format for each element on a line of its own; "json" is compact.
 * Return: an exit code, what failed is told on stderr. */
int mb_cmd_inspect_put(const char *format, struct json_object *values, struct mb_err *err);
/* The same of every operand.  @one pushes what it is to @values, or tells why not and returns
 * something else than 0: then the exit code is 1. */
int mb_cmd_inspect_each(const struct mb_cli_input *in, const char *format,
                        int (*one)(void *arg, const char *name, struct json_object *values,
                                   struct mb_err *err),
                        void *arg, struct mb_err *err);
/* The same for verbs with one document (version, info): the template, or compact JSON. */
int mb_cmd_document_put(const char *format, struct json_object *value, struct mb_err *err);

/* "@warning\nAre you sure you want to continue? [y/N] " on stdout, the answer from stdin. */
bool mb_cmd_confirm(const char *warning);

#endif
