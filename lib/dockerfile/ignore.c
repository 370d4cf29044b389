/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dockerfile/ignore.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"

/* "./a//b/../c/" as "a/c"; "" for the root itself.  Above the root there is nothing. */
static char *clean(const char *pattern)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT, kept = MB_STRV_INIT;

	mb_strv_split(&parts, pattern, '/');
	MB_STRV_FOREACH (part, &parts) {
		if (!*part || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			if (kept.n)
				free(kept.v[--kept.n]);
			if (kept.v)
				kept.v[kept.n] = NULL;
			continue;
		}
		mb_strv_add(&kept, part);
	}
	return kept.n ? mb_strv_join(&kept, "/") : mb_strdup("");
}

int mb_dockerfile_ignore_add(struct mb_dockerfile_ignore *ignore, const char *pattern,
                             struct mb_err *err)
{
	struct mb_dockerfile_ignore_rule rule = {.keeps = *pattern == '!'};
	MB_AUTO_FREE char *cleaned = NULL;
	int r;

	pattern += rule.keeps;
	while (isspace((unsigned char)*pattern))
		pattern++;
	if (rule.keeps && !*pattern)
		return mb_fail(err, EINVAL, "illegal exclusion pattern: \"!\"");
	cleaned = clean(pattern);
	if (!*cleaned)
		return 0;
	if (ignore->n == MB_DOCKERFILE_MAX_IGNORES)
		return mb_fail(err, E2BIG, "more than %d patterns", MB_DOCKERFILE_MAX_IGNORES);
	r = mb_dockerfile_glob_parse(cleaned, true, &rule.glob, err);
	if (r < 0)
		return r;
	ignore->v = mb_realloc(ignore->v, (ignore->n + 1) * sizeof(*ignore->v));
	ignore->v[ignore->n++] = rule;
	ignore->has_keeps |= rule.keeps;
	return 0;
}

void mb_dockerfile_ignore_done(struct mb_dockerfile_ignore *ignore)
{
	for (size_t i = 0; i < ignore->n; i++)
		mb_dockerfile_glob_done(&ignore->v[i].glob);
	free(ignore->v);
	*ignore = (struct mb_dockerfile_ignore){0};
}

int mb_dockerfile_ignore_parse(const char *text, size_t len, struct mb_dockerfile_ignore *ret,
                               struct mb_err *err)
{
	MB_AUTO_IGNORE struct mb_dockerfile_ignore ignore = {0};
	const char *p = text, *end = text + len;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	for (unsigned line = 1; p < end; line++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *last = newline ? newline : end;
		MB_AUTO_FREE char *pattern = NULL;
		int r;

		if (p < last && *p == '#')
			last = p;
		while (p < last && isspace((unsigned char)*p))
			p++;
		while (last > p && isspace((unsigned char)last[-1]))
			last--;
		pattern = mb_strndup(p, (size_t)(last - p));
		r = *pattern ? mb_dockerfile_ignore_add(&ignore, pattern, err) : 0;
		if (r < 0)
			return mb_wrap(err, r, "line %u", line);
		p = newline ? newline + 1 : end;
	}
	*ret = ignore;
	ignore = (struct mb_dockerfile_ignore){0};
	return 0;
}

static bool matches_it_or_above(const struct mb_dockerfile_glob *glob, const char *path)
{
	const char *slash = path;

	if (mb_dockerfile_glob_matches(glob, path, strlen(path)))
		return true;
	while ((slash = strchr(slash, '/'))) {
		if (mb_dockerfile_glob_matches(glob, path, (size_t)(slash - path)))
			return true;
		slash++;
	}
	return false;
}

bool mb_dockerfile_ignore_has(const struct mb_dockerfile_ignore *ignore, const char *path)
{
	bool left_out = false;

	for (size_t i = 0; i < ignore->n; i++) {
		const struct mb_dockerfile_ignore_rule *rule = &ignore->v[i];

		/* A rule that would change nothing need not be asked. */
		if (rule->keeps == left_out && matches_it_or_above(&rule->glob, path))
			left_out = !rule->keeps;
	}
	return left_out;
}
