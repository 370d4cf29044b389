/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/cli/names.h — private: lists of names kept as one text, '|' between. */
#ifndef MB_CLI_NAMES_H
#define MB_CLI_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct mb_cli_parent;
struct mb_cli_verb;

/* Step through @names (NULL is empty): sets @name and @len, false at the end.  Start with
 * *@at = @names. */
bool mb_cli_names_next(const char **at, const char **name, size_t *len);
bool mb_cli_name_is(const char *name, const char *other, size_t other_len);
bool mb_cli_names_have(const char *names, const char *name, size_t len);
/* What a parent is called below @parent (""): NULL where it is not right below it. */
const char *mb_cli_parent_leaf(const struct mb_cli_parent *p, const char *parent);
/* The path under which help lists a verb below @parent ("" for the top): its first path there,
 * and the part behind the parent in @ret_leaf.  False when it has none. */
bool mb_cli_names_listed(const struct mb_cli_verb *verb, const char *parent, const char **ret_leaf,
                         size_t *ret_len);

#endif
