/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/cli/complete.h — what could stand at the end of a half-typed command line. */
#ifndef MB_CLI_COMPLETE_H
#define MB_CLI_COMPLETE_H

#include "cli/cli.h"

struct mb_str;

/* Adds the live names of a kind (containers, images, ...) to @out. */
typedef void mb_cli_complete_names(void *arg, enum mb_cli_complete kind, struct mb_strv *out);

/* @words are those after the program's name, the last one (it may be empty) being completed.
 * One candidate a line, "word" or "word<TAB>description"; the last line is ":files", ":dirs" or
 * ":none" and says what the shell itself should offer. */
void mb_cli_complete_words(const struct mb_cli_program *program, int n, char *const *words,
                           mb_cli_complete_names *names, void *arg, struct mb_str *out);

#endif
