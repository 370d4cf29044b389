/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/cli/help.h — the tables as text for people, laid out as docker's users know it. */
#ifndef MB_CLI_HELP_H
#define MB_CLI_HELP_H

#include <stddef.h>

struct mb_cli_opt;
struct mb_cli_parent;
struct mb_cli_program;
struct mb_cli_verb;
struct mb_str;

/* "mybox rm [OPTIONS] CONTAINER [CONTAINER...]", no newline. */
void mb_cli_help_usage(const struct mb_cli_verb *verb, const char *path, struct mb_str *out);
/* @width is the terminal's; 0 means 80. */
void mb_cli_help_verb(const struct mb_cli_verb *verb, const char *path, size_t width,
                      struct mb_str *out);
void mb_cli_help_parent(const struct mb_cli_program *program, const struct mb_cli_parent *parent,
                        size_t width, struct mb_str *out);
void mb_cli_help_top(const struct mb_cli_program *program, size_t width, struct mb_str *out);
/* The visible rows of @opts by name.  Return: how many of @sorted (MB_CLI_MAX_OPTS) are set. */
size_t mb_cli_help_sort(const struct mb_cli_opt *opts, const struct mb_cli_opt **sorted);
/* " (default 10)" or nothing. */
void mb_cli_help_default(const struct mb_cli_opt *opt, struct mb_str *out);
/* @text with its first letter large. */
void mb_cli_help_sentence(const char *text, struct mb_str *out);

#endif
