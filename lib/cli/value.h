/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/cli/value.h — private: one option's text into its member of the args struct. */
#ifndef MB_CLI_VALUE_H
#define MB_CLI_VALUE_H

#include <stdbool.h>

struct mb_cli_opt;
struct mb_err;

/* Whether "--name" needs a value behind it. */
bool mb_cli_value_is_needed(const struct mb_cli_opt *opt);
/* Whether the option has a value at all ("--name=value" is then more than a switch). */
bool mb_cli_value_is_taken(const struct mb_cli_opt *opt);
/* Set it from @text, which must live as long as @args.  Return: 0 or -EINVAL, @err tells why in
 * the words after "invalid argument ... flag: ". */
int mb_cli_value_set(const struct mb_cli_opt *opt, void *args, const char *text,
                     struct mb_err *err);
/* Free what LIST and KV members own. */
void mb_cli_value_done(const struct mb_cli_opt *opt, void *args);
/* The word for a value in help: the row's own, or docker's for its kind; "" for switches. */
const char *mb_cli_value_word(const struct mb_cli_opt *opt);
/* Go's %q of @text, for messages; caller frees. */
char *mb_cli_value_quote(const char *text);

#endif
