/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/format/filter.h — what --filter KEY=VALUE means.
 *
 * Values of one key are alternatives; keys must all hold.  Labels are the exception: every
 * label filter must hold.
 */
#ifndef MB_FORMAT_FILTER_H
#define MB_FORMAT_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/own.h"
#include "core/strv.h"

struct mb_err;

struct mb_format_filters {
	struct mb_format_filter {
		char *key;
		struct mb_strv values;
	} * v;
	size_t n;
};
#define MB_AUTO_FILTERS __attribute__((cleanup(mb_format_filters_done)))

/* Parse "key=value" texts (key in lower case, white space around both cut).  @known is a
 * NULL-terminated list of keys; "label!" must be listed to be allowed.  Return: 0; -EINVAL
 * "invalid filter 'x'" for a text without '=' or a key that is not known. */
int mb_format_filters_parse(const struct mb_strv *texts, const char *const known[],
                            struct mb_format_filters *ret, struct mb_err *err);
void mb_format_filters_done(struct mb_format_filters *f);
bool mb_format_filters_has(const struct mb_format_filters *f, const char *key);
/* The values of @key, borrowed; NULL when the key is not there. */
const struct mb_strv *mb_format_filters_find(const struct mb_format_filters *f, const char *key);
/* The one boolean of @key (1/true/0/false).  Return: 0 with @otherwise when not there; -EINVAL
 * for another text or for both values. */
int mb_format_filters_bool(const struct mb_format_filters *f, const char *key, bool otherwise,
                           bool *ret, struct mb_err *err);

/* Each of these is true when the key is not there. */
bool mb_format_filters_exact(const struct mb_format_filters *f, const char *key, const char *value);
bool mb_format_filters_prefix(const struct mb_format_filters *f, const char *key,
                              const char *value); /* a filter's value begins @value */
/* A filter's value is a POSIX extended regular expression found in @value (names, ids), or
 * equal to it; one that is not valid, or repeats too much, is text to find. */
bool mb_format_filters_match(const struct mb_format_filters *f, const char *key, const char *value);
/* Any of several @values matches as in mb_format_filters_match(). */
bool mb_format_filters_match_any(const struct mb_format_filters *f, const char *key,
                                 const struct mb_strv *values);
/* label=K, label=K=V and label!=K[=V], all of them. */
bool mb_format_filters_labels(const struct mb_format_filters *f, const struct mb_kv *labels);

#endif
