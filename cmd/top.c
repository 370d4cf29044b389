/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/output.h"
#include "container/container.h"
#include "container/top.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/table.h"

static int top_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	static const char *const headings[] = {"UID",   "PID", "PPID", "C",
	                                       "STIME", "TTY", "TIME", "CMD"};
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_STRV struct mb_strv cells = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	int r;

	/* -ef is what comes anyway; other columns would be the host's ps, as root. */
	for (size_t i = 1; i < in->n_operands; i++)
		if (strcmp(in->operands[i], "-ef") != 0 && strcmp(in->operands[i], "-e") != 0 &&
		    strcmp(in->operands[i], "-f") != 0)
			return mb_fail(err, EOPNOTSUPP, "the ps option '%s' is not supported",
			               in->operands[i]);
	r = mb_cmd_container_find(cx, in->operands[0], &c, err);
	for (size_t i = 0; i < MB_N(headings); i++)
		mb_strv_add(&cells, headings[i]);
	if (r == 0)
		r = mb_container_top(c, &cells, err);
	if (r != 0)
		return r < 0 ? r : -ESRCH;
	mb_format_cells((const char *const *)cells.v, cells.n / MB_CONTAINER_TOP_COLUMNS,
	                MB_CONTAINER_TOP_COLUMNS, &out);
	return mb_cmd_put(&out);
}

const struct mb_cli_verb mb_cmd_top = {
	.paths = "top|container top",
	.summary = "show the running processes of a container",
	.operands = "CONTAINER [ps OPTIONS]",
	.min = 1,
	.max = MB_CLI_MANY,
	.stop_at_operand = true,
	.complete = {MB_COMP_RUNNING},
	.main = top_main,
};
