/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "cmd/volume.h"
#include "core/err.h"
#include "core/own.h"
#include "volume/volume.h"
#include "json/json.h"

struct inspect_args {
	const char *format;
};

static int inspect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct inspect_args *args = in->args;
	MB_AUTO(mb_json_free) struct json_object *values = mb_json_new_array();
	struct mb_store *store = NULL;
	bool failed = false;
	int r = mb_cmd_store(cx, &store, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < in->n_operands; i++) {
		MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;

		r = mb_cmd_volume_find(store, in->operands[i], &volume, err);
		failed |= r != 0;
		if (r < 0)
			mb_cmd_report(err);
		else if (r == 0)
			mb_json_push(values, mb_cmd_volume_describe(volume));
	}
	r = mb_cmd_inspect_put(args->format, values, err);
	return r == 0 && failed ? 1 : r;
}

static const struct mb_cli_opt inspect_opts[] = {
	MB_OPT_STRING('f', "format", NULL, struct inspect_args, format,
                      "print by a Go template, or \"json\""),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_volume_inspect = {
	.paths = "volume inspect",
	.summary = "show all about one or more volumes",
	.operands = "VOLUME [VOLUME...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_VOLUME},
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.examples = "mybox volume inspect -f '{{.Mountpoint}}' data\n",
	.main = inspect_main,
};
