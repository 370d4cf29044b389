/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

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
	bool all;
	const char *format;
};

static int put_all(struct mb_store *store, const char *format, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *values = mb_json_new_array();
	struct mb_volume_list list = {0};
	int r = mb_volume_list_load(store, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		mb_json_push(values, mb_cmd_volume_describe(list.v[i]));
	mb_volume_list_done(&list);
	return r < 0 ? r : mb_cmd_inspect_put(format, values, err);
}

static int describe_one(void *arg, const char *name, struct json_object *values, struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	int r = mb_cmd_volume_find(arg, name, &volume, err);

	if (r < 0)
		mb_cmd_report(err);
	else if (r == 0)
		mb_json_push(values, mb_cmd_volume_describe(volume));
	return r;
}

static int inspect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct inspect_args *args = in->args;
	struct mb_store *store = NULL;
	int r = 0;

	if (args->all && in->n_operands)
		r = mb_fail(err, EINVAL, "--all and names of volumes exclude each other");
	else if (!args->all && !in->n_operands)
		r = mb_fail(err, EINVAL, "\"mybox volume inspect\" requires at least 1 argument.");
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r < 0)
		return r;
	return args->all ? put_all(store, args->format, err)
	                 : mb_cmd_inspect_each(in, args->format, describe_one, store, err);
}

static const struct mb_cli_opt inspect_opts[] = {
	MB_OPT_SWITCH('a', "all", struct inspect_args, all, "all volumes"),
	MB_OPT_STRING('f', "format", NULL, struct inspect_args, format,
                      "print by a Go template, or \"json\""),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_volume_inspect = {
	.paths = "volume inspect",
	.summary = "show all about one or more volumes",
	.operands = "VOLUME [VOLUME...] | --all",
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_VOLUME},
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.examples = "mybox volume inspect -f '{{.Mountpoint}}' data\n",
	.main = inspect_main,
};
