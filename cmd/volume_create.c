/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "volume/volume.h"

struct create_args {
	const char *driver, *name;
	struct mb_kv labels, options;
};

static int create_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct create_args *args = in->args;
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	struct mb_store *store = NULL;
	const char *name = in->n_operands ? in->operands[0] : args->name;
	const struct mb_volume_create_request request = {
		.name = name && *name ? name : NULL,
		.driver = args->driver,
		.labels = &args->labels,
		.options = &args->options,
		.anonymous = !name || !*name,
	};
	int r = 0;

	if (in->n_operands && args->name)
		return mb_fail(err, EINVAL,
		               "conflicting options: either specify --name or "
		               "provide positional arg, not both");
	r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = mb_volume_create(store, &request, &volume, NULL, err);
	return r < 0 ? r : mb_cmd_put_line(volume->name);
}

static const struct mb_cli_opt create_opts[] = {
	MB_OPT_STRING('d', "driver", NULL, struct create_args, driver, "driver that keeps the data",
                      .def = "local"),
	MB_OPT_KV(0, "label", "list", struct create_args, labels, "set a label"),
	MB_OPT_STRING(0, "name", NULL, struct create_args, name, "name of the volume",
                      .hidden = true),
	MB_OPT_KV('o', "opt", NULL, struct create_args, options,
                  "what to mount as the volume: type=, device=, o="),
	MB_OPT_REFUSED(0, "availability", true, "mybox has no cluster volumes"),
	MB_OPT_REFUSED(0, "group", true, "mybox has no cluster volumes"),
	MB_OPT_REFUSED(0, "limit-bytes", true, "mybox has no cluster volumes"),
	MB_OPT_REFUSED(0, "required-bytes", true, "mybox has no cluster volumes"),
	MB_OPT_REFUSED(0, "scope", true, "mybox has no cluster volumes"),
	MB_OPT_REFUSED(0, "secret", true, "mybox has no cluster volumes"),
	MB_OPT_REFUSED(0, "sharing", true, "mybox has no cluster volumes"),
	MB_OPT_REFUSED(0, "topology-preferred", true, "mybox has no cluster volumes"),
	MB_OPT_REFUSED(0, "topology-required", true, "mybox has no cluster volumes"),
	MB_OPT_REFUSED(0, "type", true, "mybox has no cluster volumes"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_volume_create = {
	.paths = "volume create",
	.summary = "make a volume",
	.operands = "[VOLUME]",
	.max = 1,
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.examples = "mybox volume create data\n"
		    "mybox volume create -o type=tmpfs -o device=tmpfs -o o=size=64m scratch\n",
	.main = create_main,
};
