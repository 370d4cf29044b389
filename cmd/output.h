/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/output.h — what verbs share in writing to stdout. */
#ifndef MB_CMD_OUTPUT_H
#define MB_CMD_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct mb_err;
struct mb_str;

bool mb_cmd_is_tty(int fd);
/* Columns of the terminal at @fd; 0 when it is none. */
size_t mb_cmd_width(int fd);
/* A terminal, and neither NO_COLOR nor TERM=dumb. */
bool mb_cmd_has_colour(int fd);

/* Write @text to stdout in one piece.  Return: the exit code, 0 or what a closed pipe gives. */
int mb_cmd_put(const struct mb_str *text);

/* A list verb's output over rows that are JSON objects with docker's field names. */
struct mb_cmd_header {
	const char *field, *title; /* {"ID", "NETWORK ID"}; the rest is the name in capitals */
};
struct mb_cmd_list {
	const char *format; /* --format: a template, "table ...", "table", "json", or NULL */
	const char *table;  /* the layout without it: "table {{.ID}}\t{{.Name}}" */
	const char *quiet;  /* the template of -q, when -q was given; --format wins; else NULL */
	const struct mb_cmd_header *headers; /* ends with a NULL field */
};
/* @rows is a JSON array, borrowed.  Return: 0 (exit code) or -errno. */
int mb_cmd_list_print(const struct mb_cmd_list *list, struct json_object *rows, struct mb_err *err);

/* What `inspect` verbs print: @values (a JSON array, borrowed) with four spaces of indentation,
 * or the template @format for each element on a line of its own. */
int mb_cmd_inspect_print(const char *format, struct json_object *values, struct mb_err *err);

/* "@warning\nAre you sure you want to continue? [y/N] " on stdout, the answer from stdin. */
bool mb_cmd_confirm(const char *warning);

#endif
