/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dockerfile/pattern.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "dockerfile/expand.h"

enum { MAX_PATTERN = 4096, MAX_WORK = 64 * 1024 * 1024 };
enum piece { ONE, MANY, LITERAL };

/* A pattern as the pieces to match one after the other. */
struct pattern {
	struct {
		enum piece piece;
		char byte;
	} * v;
	size_t n;
};

static void pattern_done(struct pattern *p)
{
	free(p->v);
}

/* @backwards: for matching the end of a value, which is walked from its last byte. */
static int compile(const char *text, bool backwards, struct pattern *ret, struct mb_err *err)
{
	size_t n = 0;

	if (strlen(text) > MAX_PATTERN)
		return mb_fail(err, E2BIG, "a pattern of more than %d bytes", MAX_PATTERN);
	ret->v = mb_calloc(strlen(text) + 1, sizeof(*ret->v));
	for (const char *s = text; *s; s++) {
		enum piece piece = *s == '*' ? MANY : *s == '?' ? ONE : LITERAL;

		if (*s == '\\') {
			s++;
			if (!*s || !strchr("*?\\}/", *s))
				return mb_fail(
					err, EINVAL,
					"invalid pattern (%s) in substitution: invalid escape",
					text);
		}
		ret->v[n].piece = piece;
		ret->v[n++].byte = *s;
	}
	ret->n = n;
	for (size_t i = 0; backwards && i < n / 2; i++) {
		__typeof__(*ret->v) swap = ret->v[i];

		ret->v[i] = ret->v[n - 1 - i];
		ret->v[n - 1 - i] = swap;
	}
	return 0;
}

/* Walk @len bytes from @s in steps of @step with every place of the pattern that is possible, and
 * find the shortest and the longest run that matches.  Return: whether any does. */
static bool match(const struct pattern *p, const char *s, size_t len, int step, size_t *ret_short,
                  size_t *ret_long)
{
	MB_AUTO_FREE bool *now = mb_calloc(p->n + 2, 1), *next = mb_calloc(p->n + 2, 1);
	bool found = false, alive = true;

	now[0] = true;
	for (size_t done = 0; alive; done++) {
		for (size_t i = 0; i < p->n; i++) /* a run of none */
			if (now[i] && p->v[i].piece == MANY)
				now[i + 1] = true;
		if (now[p->n]) {
			if (!found)
				*ret_short = done;
			*ret_long = done;
			found = true;
		}
		if (done == len)
			break;
		memset(next, 0, p->n + 2);
		alive = false;
		for (size_t i = 0; i < p->n; i++) {
			char byte = s[(ptrdiff_t)done * step];

			if (!now[i] || (p->v[i].piece == LITERAL && p->v[i].byte != byte))
				continue;
			next[p->v[i].piece == MANY ? i : i + 1] = true;
			alive = true;
		}
		bool *swap = now;

		now = next;
		next = swap;
	}
	return found;
}

static int bound(const struct pattern *p, size_t len, struct mb_err *err)
{
	if (len && p->n > MAX_WORK / len)
		return mb_fail(err, E2BIG, "a pattern of %zu bytes for a value of %zu", p->n, len);
	return 0;
}

int mb_dockerfile_pattern_trim(const char *pattern, const char *value, bool at_end, bool longest,
                               char **ret, struct mb_err *err)
{
	__attribute__((cleanup(pattern_done))) struct pattern p = {0};
	size_t len = strlen(value), least = 0, most = 0, n;
	int r = compile(pattern, at_end, &p, err);

	if (r == 0)
		r = bound(&p, len, err);
	if (r < 0)
		return r;
	if (len)
		match(&p, at_end ? value + len - 1 : value, len, at_end ? -1 : 1, &least, &most);
	n = longest ? most : least;
	*ret = at_end ? mb_strndup(value, len - n) : mb_strdup(value + n);
	return 0;
}

int mb_dockerfile_pattern_replace(const char *pattern, const char *value, const char *with,
                                  bool every, char **ret, struct mb_err *err)
{
	__attribute__((cleanup(pattern_done))) struct pattern p = {0};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	size_t len = strlen(value), at = 0;
	bool replaced = false;
	int r = compile(pattern, false, &p, err);

	if (r == 0 && len)
		r = bound(&p, len < SIZE_MAX / len ? len * len : SIZE_MAX, err);
	if (r < 0)
		return r;
	while (at < len) {
		if (out.len > MB_DOCKERFILE_MAX_EXPANDED)
			return mb_fail(err, E2BIG, "more than %d bytes after substitution",
			               MB_DOCKERFILE_MAX_EXPANDED);
		size_t least = 0, most = 0;

		if ((every || !replaced) && match(&p, value + at, len - at, 1, &least, &most) &&
		    most) {
			mb_str_add(&out, with);
			at += most;
			replaced = true;
		} else {
			mb_str_addc(&out, value[at++]);
		}
	}
	*ret = mb_str_take(&out);
	return 0;
}
