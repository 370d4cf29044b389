/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dockerfile/lint.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "dockerfile/lint_priv.h"
#include "dockerfile/parse.h"

static bool names(const struct mb_strv *rules, const char *rule)
{
	MB_STRV_FOREACH (one, rules)
		if (strcasecmp(one, rule) == 0 || strcasecmp(one, "all") == 0)
			return true;
	return false;
}

static bool is_experimental(const char *rule)
{
	return strcmp(rule, "InvalidDefinitionDescription") == 0;
}

static bool is_wanted(const struct mb_dockerfile_linting *l, const char *rule)
{
	return !names(&l->skip, rule) && (!is_experimental(rule) || names(&l->experimental, rule));
}

void mb_dockerfile_lint_tell(struct mb_dockerfile_linting *l, const char *rule,
                             struct mb_dockerfile_span span, const char *fmt, ...)
{
	MB_AUTO_STR struct mb_str message = MB_STR_INIT;
	va_list ap;

	if (!is_wanted(l, rule))
		return;
	va_start(ap, fmt);
	mb_str_addv(&message, fmt, ap);
	va_end(ap);
	mb_dockerfile_warn(l->file, rule, span, "%s", mb_str_text(&message));
}

char *mb_dockerfile_lint_name_of(const char *assignment)
{
	return mb_strndup(assignment, strcspn(assignment, "="));
}

/* --- the directive ---------------------------------------------------------------------------- */

static void add_rules(struct mb_strv *out, const char *text)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;

	mb_strv_split(&words, text, ',');
	MB_STRV_FOREACH (word, &words) {
		const char *s = word + strspn(word, " \t");

		mb_strv_take(out, mb_strndup(s, strcspn(s, " \t")));
	}
}

static int read_check(struct mb_dockerfile_linting *l, const char *check, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;

	mb_strv_split(&options, check, ';');
	MB_STRV_FOREACH (option, &options) {
		const char *s = option + strspn(option, " \t"), *value;

		if (!*s)
			continue;
		if ((value = mb_skip_prefix(s, "skip=")))
			add_rules(&l->skip, value);
		else if ((value = mb_skip_prefix(s, "experimental=")))
			add_rules(&l->experimental, value);
		else if (!(value = mb_skip_prefix(s, "error=")))
			return mb_fail(err, EINVAL, "invalid check option \"%.100s\"", s);
		else if (mb_parse_bool(value, &l->is_error) < 0)
			return mb_fail(err, EINVAL, "failed to parse check option: '%.100s'", s);
	}
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int by_line(const void *a, const void *b)
{
	const struct mb_dockerfile_warning *x = a, *y = b;

	if (x->span.first != y->span.first)
		return x->span.first < y->span.first ? -1 : 1;
	if (strcmp(x->rule, y->rule) != 0)
		return strcmp(x->rule, y->rule);
	return strcmp(x->message, y->message);
}

/* Sorted, and what is the same only once. */
static void tidy(struct mb_dockerfile_linting *l)
{
	struct mb_dockerfile_warning *v = l->file->warnings;
	size_t kept = 0;

	if (!l->file->n_warnings)
		return;
	qsort(v, l->file->n_warnings, sizeof(*v), by_line);
	for (size_t i = 0; i < l->file->n_warnings; i++) {
		if (!is_wanted(l, v[i].rule) || (kept && by_line(&v[kept - 1], &v[i]) == 0))
			free(v[i].message);
		else
			v[kept++] = v[i];
	}
	l->file->n_warnings = kept;
}

int mb_dockerfile_lint(struct mb_dockerfile *file, const struct mb_dockerfile_lint *how,
                       bool *ret_is_error, struct mb_err *err)
{
	struct mb_dockerfile_linting l = {.file = file, .how = how};
	const char *check = how->check ? how->check : file->check;
	int r = check ? read_check(&l, check, err) : 0;

	if (r == 0) {
		mb_dockerfile_lint_names(&l);
		mb_dockerfile_lint_steps(&l);
		mb_dockerfile_lint_variables(&l);
		tidy(&l);
		*ret_is_error = l.is_error && file->n_warnings;
	}
	mb_strv_done(&l.skip);
	mb_strv_done(&l.experimental);
	return r;
}

bool mb_dockerfile_lint_wants(const struct mb_dockerfile *file,
                              const struct mb_dockerfile_lint *how, const char *rule)
{
	struct mb_dockerfile_linting l = {.how = how};
	const char *check = how->check ? how->check : file->check;
	bool is = (check ? read_check(&l, check, NULL) : 0) == 0 && is_wanted(&l, rule);

	mb_strv_done(&l.skip);
	mb_strv_done(&l.experimental);
	return is;
}
