/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

static int help_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	size_t width = mb_cmd_width(STDOUT_FILENO);
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_FREE char *path = NULL;
	struct mb_cli_found found = {0};
	int r = 0;

	if (in->n_operands == 0) {
		mb_cli_help_top(cx->program, width, &out);
		return mb_cmd_put(&out);
	}
	r = mb_cli_find(cx->program, (int)in->n_operands, in->operands, &found);
	if (r == 0 && (size_t)found.words == in->n_operands) {
		path = mb_strndup(found.path, found.path_len);
		mb_cli_help_verb(found.verb, path, width, &out);
	} else if (r == MB_CLI_ONLY_PARENT && (size_t)found.words == in->n_operands) {
		mb_cli_help_parent(cx->program, found.parent, width, &out);
	} else {
		return mb_fail(err, EINVAL, "'%s' is not a mybox command", in->operands[0]);
	}
	return mb_cmd_put(&out);
}

const struct mb_cli_verb mb_cmd_help = {
	.paths = "help",
	.summary = "show help for a command",
	.operands = "[COMMAND...]",
	.max = 3,
	.complete = {MB_COMP_VERB},
	.unprivileged = true,
	.main = help_main,
};
