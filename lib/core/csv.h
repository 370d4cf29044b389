/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/csv.h — one record of comma-separated fields (RFC 4180), as docker's options have them.
 */
#ifndef MB_CORE_CSV_H
#define MB_CORE_CSV_H

struct mb_str;
struct mb_strv;

/* The fields of @s, added to @out.  A field in quotes may hold commas, "" in it is a quote.
 * Return: 0; or -EINVAL and *@ret_why, a literal. */
int mb_csv_split(const char *s, struct mb_strv *out, const char **ret_why);
/* Append @field, in quotes where it must be. */
void mb_csv_add(struct mb_str *out, const char *field);

#endif
