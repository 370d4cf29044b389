/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/cli/man.h — a verb's table and its prose as a page of man(7). */
#ifndef MB_CLI_MAN_H
#define MB_CLI_MAN_H

struct mb_cli_program;
struct mb_cli_verb;
struct mb_str;

/* The page's name: "mybox-network-create". */
void mb_cli_man_name(const struct mb_cli_verb *verb, struct mb_str *out);
/* The page of @verb.  @prose (man/mybox-VERB.1.in) may be NULL: what stands before its first
 * .SH becomes DESCRIPTION, the rest follows OPTIONS.  @version stands in the footer. */
void mb_cli_man_verb(const struct mb_cli_verb *verb, const char *prose, const char *version,
                     struct mb_str *out);
/* mybox(1): all verbs and the global options. */
void mb_cli_man_top(const struct mb_cli_program *program, const char *prose, const char *version,
                    struct mb_str *out);

#endif
