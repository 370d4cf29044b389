/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/format/template_run.h — a template while it runs (this folder). */
#ifndef MB_FORMAT_TEMPLATE_RUN_H
#define MB_FORMAT_TEMPLATE_RUN_H

#include "format/template_tree.h"

struct mb_err;

struct mb_format_variable {
	const char *name; /* borrowed from the tree */
	struct mb_format_value value;
};

struct mb_format_run {
	const struct mb_format_template *t;
	const struct mb_format_host *host;
	struct mb_str *out;
	size_t out_start, n_steps;
	struct mb_format_variable *vars;
	size_t n_vars, cap_vars;
	bool is_header;
	struct mb_err *err;
};

/* "template: :LINE:COLUMN: executing "" at <SOURCE>: REASON".  Return: -EINVAL. */
int mb_format_run_fail(struct mb_format_run *run, const struct mb_format_node *node,
                       const char *fmt, ...) __attribute__((format(printf, 3, 4), cold));
/* Count one step.  Return: 0 or -E2BIG. */
int mb_format_run_step(struct mb_format_run *run);
/* A variable from here to the next drop.  Takes what @value holds. */
void mb_format_run_push(struct mb_format_run *run, const char *name, struct mb_format_value *value);
/* Keep the first @n variables. */
void mb_format_run_drop(struct mb_format_run *run, size_t n);
/* Declare or assign the pipeline's variable number @i. */
void mb_format_run_set(struct mb_format_run *run, const struct mb_format_node *pipe, size_t i,
                       const struct mb_format_value *value);
/* The value of a pipeline; its variables are left to the caller. */
int mb_format_eval_commands(struct mb_format_run *run, const struct mb_format_node *pipe,
                            const struct mb_format_value *dot, struct mb_format_value *ret);
/* The same with its variable set. */
int mb_format_eval_pipeline(struct mb_format_run *run, const struct mb_format_node *pipe,
                            const struct mb_format_value *dot, struct mb_format_value *ret);

#endif
