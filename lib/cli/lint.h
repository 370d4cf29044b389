/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/cli/lint.h — what every table must keep to; run by a unit test over the whole program. */
#ifndef MB_CLI_LINT_H
#define MB_CLI_LINT_H

#include <stddef.h>

struct mb_cli_program;
struct mb_cli_verb;
struct mb_strv;

/* Add one line for each fault: letters or names used twice, help too long or not in lower case,
 * defaults that do not parse, paths that two verbs claim or whose parent is not listed. */
void mb_cli_lint(const struct mb_cli_program *program, struct mb_strv *faults);
void mb_cli_lint_verb(const struct mb_cli_verb *verb, struct mb_strv *faults);

#endif
