/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "container/await.h"
#include "container/container.h"
#include "container/health.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"

struct wait_args {
	struct mb_strv conditions;
	int64_t timeout;
	bool ignore;
};

struct waiting {
	struct mb_cmd_context *cx;
	unsigned conditions; /* 0: its end */
	int64_t timeout;     /* negative: none */
	bool ignore;
};

static int await(const struct waiting *w, struct mb_container *c, int *ret_code, struct mb_err *err)
{
	const unsigned of_health = MB_AWAIT_HEALTHY | MB_AWAIT_UNHEALTHY;
	unsigned met;
	int r;

	/* One that was never started has nothing to be waited for. */
	if (!w->conditions && (w->timeout < 0 || c->state.status == MB_STATUS_CREATED))
		return mb_container_wait(c, ret_code, err);
	if (w->conditions && !(w->conditions & ~of_health) &&
	    !mb_container_health_is_probe(c->record->config.healthcheck))
		return mb_fail(err, EINVAL, "container '%s' has no health check",
		               mb_container_name(c));
	r = mb_container_await(c, w->conditions ? w->conditions : MB_AWAIT_ENDED, w->timeout, &met,
	                       ret_code, err);
	return r > 0 ? -ETIMEDOUT : r;
}

static int wait_one(const struct waiting *w, const char *reference)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_err err = MB_ERR_INIT;
	struct mb_store *store;
	char line[16];
	int ended = -1, r = mb_cmd_store(w->cx, &store, &err);

	if (r == 0 && w->ignore &&
	    mb_container_find(store, reference, &c, NULL) == MB_CONTAINER_ABSENT)
		return mb_cmd_put_line("-1");
	if (r == 0 && !c)
		r = mb_cmd_container_find(w->cx, reference, &c, &err);
	if (r == 0)
		r = await(w, c, &ended, &err);
	if (r < 0) {
		mb_cmd_report(&err);
		return 1;
	}
	snprintf(line, sizeof(line), "%d", ended);
	return mb_cmd_put_line(line);
}

static int wait_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct wait_args *a = in->args;
	struct waiting w = {.cx = cx, .ignore = a->ignore};
	int code = 0, r = 0;

	w.timeout = mb_cli_is_given(in, "timeout") ? a->timeout : -1;
	for (size_t i = 0; r == 0 && i < a->conditions.n; i++)
		r = mb_container_await_parse(a->conditions.v[i], &w.conditions, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < in->n_operands; i++)
		code |= wait_one(&w, in->operands[i]);
	return code;
}

static const struct mb_cli_opt wait_opts[] = {
	MB_OPT_LIST(0, "condition", NULL, struct wait_args, conditions,
                    "until it is running, exited, healthy and so on"),
	MB_OPT_SWITCH(0, "ignore", struct wait_args, ignore,
                      "no error for one that does not exist"),
	MB_OPT_IGNORED('i', "interval", true, NULL),
	MB_OPT_DURATION(0, "timeout", NULL, struct wait_args, timeout,
                        "give up and fail after this time, for each"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_wait = {
	.paths = "wait|container wait",
	.summary = "wait until containers end, then print their exit codes",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.opts = wait_opts,
	.args_size = sizeof(struct wait_args),
	.examples = "mybox wait web\n"
		    "mybox wait --condition healthy --timeout 30s db && mybox start web\n",
	.main = wait_main,
};
