/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told when a build is over: warnings, and why it failed. */
#include "cmd/build_progress.h"
#include "cmd/build_view.h"
#include "core/own.h"
#include "core/str.h"

static void add_tail(const struct mb_cmd_build_step *step, struct mb_str *out)
{
	MB_AUTO_FREE char *name = mb_printable(step->name);

	mb_str_addf(out, "------\n > %s:\n", name);
	for (size_t i = 0; i < step->tail.n; i++) {
		MB_AUTO_FREE char *safe = mb_printable(step->tail.v[i]);

		mb_str_addf(out, "%s\n", safe);
	}
	mb_str_add(out, "------\n");
}

/* The lines, and two around them. */
void mb_cmd_build_add_excerpt(const char *file, const char *text, struct mb_dockerfile_span where,
                              struct mb_str *out)
{
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;

	mb_strv_split(&lines, text, '\n');
	mb_str_addf(out, "%s:%u\n--------------------\n", file, where.first);
	for (unsigned i = where.first > 2 ? where.first - 2 : 1;
	     i <= where.last + 2 && i <= lines.n; i++) {
		MB_AUTO_FREE char *safe = mb_printable(lines.v[i - 1]);

		mb_str_addf(out, "%4u | %s %s\n", i,
		            i >= where.first && i <= where.last ? ">>>" : "   ", safe);
	}
	mb_str_add(out, "--------------------\n");
}

void mb_cmd_build_progress_failed(struct mb_cmd_build_progress *p, const char *file,
                                  const char *dockerfile, const struct mb_build_result *result)
{
	const struct mb_cmd_build_step *step = mb_cmd_build_step_find(p, p->failed);
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	if (p->show == &mb_cmd_build_show_raw)
		return;
	if (result->exit_code >= 0 && step && step->tail.n)
		add_tail(step, &out);
	if (result->where.first)
		mb_cmd_build_add_excerpt(file, dockerfile, result->where, &out);
	mb_cmd_build_put(&out);
}

void mb_cmd_build_progress_warn(struct mb_cmd_build_progress *p, const char *file,
                                const char *dockerfile)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	for (size_t i = 0; i < p->n_warnings && !p->show->is_quiet; i++) {
		const struct mb_cmd_build_kept *w = &p->warnings[i];
		MB_AUTO_FREE char *safe = mb_printable(w->text);

		mb_str_addf(&out, "WARNING: %s", safe);
		if (w->where.first)
			mb_str_addf(&out, " (line %u)", w->where.first);
		mb_str_addc(&out, '\n');
		if (w->where.first)
			mb_cmd_build_add_excerpt(file, dockerfile, w->where, &out);
	}
	mb_cmd_build_put(&out);
}
