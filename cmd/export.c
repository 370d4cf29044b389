/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/export.h"
#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/outfile.h"
#include "container/container.h"
#include "core/err.h"
#include "core/own.h"

struct export_args {
	const char *output;
};

static int export_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct export_args *args = in->args;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_cmd_outfile out = MB_CMD_OUTFILE_INIT;
	int r = mb_cmd_container_find(cx, in->operands[0], &c, err);

	if (r == 0)
		r = mb_container_require(c, err);
	if (r < 0)
		return r;
	r = mb_cmd_outfile_open(&out, args->output, err);
	if (r == 0) {
		r = mb_container_export(c, out.fd, err);
		if (r < 0)
			mb_wrap(err, r, "cannot export '%s'", in->operands[0]);
	}
	return mb_cmd_outfile_close(&out, r, err);
}

static const struct mb_cli_opt export_opts[] = {
	MB_OPT_STRING('o', "output", NULL, struct export_args, output,
                      "write to this file, not stdout", .complete = MB_COMP_FILE),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_export = {
	.paths = "export|container export",
	.summary = "write the file system of a container to a tar",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_CONTAINER},
	.opts = export_opts,
	.args_size = sizeof(struct export_args),
	.examples = "mybox export -o web.tar web\n"
		    "mybox export web | mybox import - web:flat\n",
	.main = export_main,
};
