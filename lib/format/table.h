/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/format/table.h — lists as docker prints them: tables, templates and JSON lines.
 *
 * A command says its columns once, as rows of field name and heading, and gives one JSON object
 * per item with those fields as strings (and whatever else templates may reach).  The format
 * that the user gave decides what comes out:
 *
 *	""  "table"         the columns that are on by default, under headings
 *	"table TEMPLATE"    the template's cells (separated by \t), under their headings
 *	"json"              one compact object a line
 *	"TEMPLATE"          one line an item
 *
 * Cells are padded to the widest of their column plus three spaces, by columns of the terminal
 * (core/utf8.h).  The last cell of a line is not padded.
 */
#ifndef MB_FORMAT_TABLE_H
#define MB_FORMAT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/own.h"

struct mb_err;
struct mb_str;
struct json_object;
struct mb_format_host;
struct mb_format_list; /* opaque */

struct mb_format_column {
	const char *field;   /* "ID": the name in templates */
	const char *heading; /* "CONTAINER ID" */
	bool is_off;         /* not among the default columns */
};

/* @format may be NULL (default).  @columns, ended by a NULL field, and @host must outlive the
 * list.  Return: 0 or -EINVAL, told (the template's error). */
int mb_format_list_new(const char *format, const struct mb_format_column *columns,
                       const struct mb_format_host *host, struct mb_format_list **ret,
                       struct mb_err *err);
void mb_format_list_free(struct mb_format_list *list);
MB_AUTO_DEFINE(struct mb_format_list, mb_format_list_free)

/* Show the column @field although it is off, or not although it is on (`ps -s`, `--digests`).
 * Only for the default table. */
void mb_format_list_show(struct mb_format_list *list, const char *field, bool on);
/* Will @field be printed?  So that `ps` need not measure sizes that nobody asked for. */
bool mb_format_list_uses(const struct mb_format_list *list, const char *field);
/* Will the whole item be printed, by "json" or by a dot alone ("{{json .}}")? */
bool mb_format_list_uses_all(const struct mb_format_list *list);
bool mb_format_list_is_table(const struct mb_format_list *list);
/* Put one item in; @item is only read, and not kept.  JSON lines have the fields of @columns
 * alone, sorted by name, as docker has them.  Return: 0 or -EINVAL, told. */
int mb_format_list_add(struct mb_format_list *list, struct json_object *item, struct mb_err *err);
/* Append all lines, headings first for tables (also when there was no item). */
int mb_format_list_finish(struct mb_format_list *list, struct mb_str *out, struct mb_err *err);

enum { MB_FORMAT_LEAST = 10, MB_FORMAT_LEAST_TOP = 20 }; /* columns of docker's lists; of its top */
/* Plain tables: @cells are the rows one after the other, the first one headings; each column but
 * the last is at least @least wide. */
void mb_format_cells(const char *const *cells, size_t n_rows, size_t n_columns, size_t least,
                     struct mb_str *out);

#endif
