/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "container/container.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"

static int wait_one(struct mb_cmd_context *cx, const char *reference)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_err err = MB_ERR_INIT;
	char line[16];
	int ended = 0, r = mb_cmd_container_find(cx, reference, &c, &err);

	if (r == 0)
		r = mb_container_wait(c, &ended, &err);
	if (r < 0) {
		mb_cmd_report(&err);
		return 1;
	}
	snprintf(line, sizeof(line), "%d", ended);
	return mb_cmd_put_line(line);
}

static int wait_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	int code = 0;

	(void)err;
	for (size_t i = 0; i < in->n_operands; i++)
		code |= wait_one(cx, in->operands[i]);
	return code;
}

const struct mb_cli_verb mb_cmd_wait = {
	.paths = "wait|container wait",
	.summary = "wait until containers end, then print their exit codes",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.main = wait_main,
};
