/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "format/regex.h"

static char *trimmed(const char *s, size_t len)
{
	while (len && isspace((unsigned char)*s)) {
		s++;
		len--;
	}
	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	return mb_strndup(s, len);
}

static struct mb_format_filter *find(const struct mb_format_filters *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].key, key) == 0)
			return &f->v[i];
	return NULL;
}

static bool is_known(const char *key, const char *const known[])
{
	for (; *known; known++)
		if (strcmp(key, *known) == 0)
			return true;
	return false;
}

static int parse_one(const char *text, const char *const known[], struct mb_format_filters *f,
                     struct mb_err *err)
{
	MB_AUTO_FREE char *shown = NULL, *key = NULL, *value = NULL;
	const char *equals = strchr(text, '=');
	struct mb_format_filter *filter;

	if (!equals) {
		shown = mb_printable(text);
		return mb_fail(err, EINVAL, "invalid filter '%.200s': must be name=value", shown);
	}
	key = trimmed(text, (size_t)(equals - text));
	value = trimmed(equals + 1, strlen(equals + 1));
	for (char *c = key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!is_known(key, known)) {
		shown = mb_printable(key);
		return mb_fail(err, EINVAL, "invalid filter '%.200s'", shown);
	}
	filter = find(f, key);
	if (!filter) {
		f->v = mb_realloc(f->v, (f->n + 1) * sizeof(*f->v));
		filter = &f->v[f->n++];
		*filter = (struct mb_format_filter){.key = mb_take_ptr(&key)};
	}
	if (!mb_strv_has(&filter->values, value))
		mb_strv_take(&filter->values, mb_take_ptr(&value));
	return 0;
}

int mb_format_filters_parse(const struct mb_strv *texts, const char *const known[],
                            struct mb_format_filters *ret, struct mb_err *err)
{
	MB_AUTO_FILTERS struct mb_format_filters f = {0};

	MB_STRV_FOREACH (text, texts) {
		int r = parse_one(text, known, &f, err);

		if (r < 0)
			return r;
	}
	*ret = f;
	f = (struct mb_format_filters){0};
	return 0;
}

void mb_format_filters_done(struct mb_format_filters *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].key);
		mb_strv_done(&f->v[i].values);
	}
	free(f->v);
	*f = (struct mb_format_filters){0};
}

bool mb_format_filters_has(const struct mb_format_filters *f, const char *key)
{
	return find(f, key);
}

const struct mb_strv *mb_format_filters_find(const struct mb_format_filters *f, const char *key)
{
	const struct mb_format_filter *filter = find(f, key);

	return filter ? &filter->values : NULL;
}

int mb_format_filters_bool(const struct mb_format_filters *f, const char *key, bool otherwise,
                           bool *ret, struct mb_err *err)
{
	const struct mb_strv *values = mb_format_filters_find(f, key);
	bool value = otherwise;

	for (size_t i = 0; values && i < values->n; i++) {
		MB_AUTO_FREE char *shown = NULL;
		bool one;

		if (mb_parse_bool(values->v[i], &one) == 0 && (i == 0 || one == value)) {
			value = one;
			continue;
		}
		shown = mb_printable(values->v[i]);
		return mb_fail(err, EINVAL, "invalid filter '%s=%.200s'", key, shown);
	}
	*ret = value;
	return 0;
}

bool mb_format_filters_exact(const struct mb_format_filters *f, const char *key, const char *value)
{
	const struct mb_strv *values = mb_format_filters_find(f, key);

	return !values || mb_strv_has(values, value);
}

bool mb_format_filters_prefix(const struct mb_format_filters *f, const char *key, const char *value)
{
	const struct mb_strv *values = mb_format_filters_find(f, key);

	if (!values)
		return true;
	MB_STRV_FOREACH (prefix, values)
		if (mb_starts_with(value, prefix))
			return true;
	return false;
}

/* A pattern that is no regular expression is a plain text to find. */
static bool is_found(const char *pattern, const char *value)
{
	if (strcmp(pattern, value) == 0)
		return true;
	if (!mb_format_regex_is_valid(pattern))
		return strstr(value, pattern);
	return mb_format_regex_finds(pattern, value);
}

bool mb_format_filters_match(const struct mb_format_filters *f, const char *key, const char *value)
{
	const struct mb_strv *values = mb_format_filters_find(f, key);

	if (!values)
		return true;
	MB_STRV_FOREACH (pattern, values)
		if (is_found(pattern, value))
			return true;
	return false;
}

bool mb_format_filters_match_any(const struct mb_format_filters *f, const char *key,
                                 const struct mb_strv *values)
{
	if (!mb_format_filters_has(f, key))
		return true;
	MB_STRV_FOREACH (value, values)
		if (mb_format_filters_match(f, key, value))
			return true;
	return false;
}

/* "key" or "key=value". */
static bool has_label(const struct mb_kv *labels, const char *wanted)
{
	size_t len = strcspn(wanted, "=");
	MB_AUTO_FREE char *key = mb_strndup(wanted, len);
	const char *value = mb_kv_find(labels, key);

	return value && (wanted[len] == '\0' || strcmp(value, wanted + len + 1) == 0);
}

static bool all_labels(const struct mb_strv *wanted, const struct mb_kv *labels, bool is_there)
{
	for (size_t i = 0; wanted && i < wanted->n; i++)
		if (has_label(labels, wanted->v[i]) != is_there)
			return false;
	return true;
}

bool mb_format_filters_labels(const struct mb_format_filters *f, const struct mb_kv *labels)
{
	return all_labels(mb_format_filters_find(f, "label"), labels, true) &&
	       all_labels(mb_format_filters_find(f, "label!"), labels, false);
}
