/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/systemd/unit.h — the text of unit files: systemd.syntax(7), and words of systemd.service(5).
 */
#ifndef MB_SYSTEMD_UNIT_H
#define MB_SYSTEMD_UNIT_H

#include <stddef.h>

#include "core/strv.h"

struct mb_err;
struct mb_str;

/* Append a space and @word as one word of a command line, whatever is in it: systemd replaces
 * nothing in it. */
void mb_systemd_unit_add_word(struct mb_str *line, const char *word);
/* The same, but specifiers (%n) and variables are left to systemd. */
void mb_systemd_unit_add_raw(struct mb_str *line, const char *word);
/* Words of a value: quotes and backslashes as systemd reads them.  Return: 0 or -EINVAL, told. */
int mb_systemd_unit_split(const char *value, struct mb_strv *words, struct mb_err *err);

struct mb_systemd_unit_line {
	char *section, *key, *value;
};
struct mb_systemd_unit {
	struct mb_systemd_unit_line *v;
	size_t n;
};
/* Lines in their order, comments left out and continued ones joined.  Return: 0; or -EINVAL, told
 * with the line's number. */
int mb_systemd_unit_parse(const char *text, size_t n, struct mb_systemd_unit *ret,
                          struct mb_err *err);
void mb_systemd_unit_done(struct mb_systemd_unit *unit);
/* The last value of @key that is not taken back by an empty one, or NULL. */
const char *mb_systemd_unit_find(const struct mb_systemd_unit *unit, const char *section,
                                 const char *key);

#endif
