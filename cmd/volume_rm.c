/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/each.h"
#include "cmd/report.h"
#include "cmd/users.h"
#include "core/err.h"
#include "volume/volume.h"

struct rm_args {
	bool force;
};

struct removal {
	struct mb_store *store;
	bool force;
};

static int remove_one(void *arg, const char *name, struct mb_err *err)
{
	const struct removal *removal = arg;
	const struct mb_volume_users users = mb_cmd_volume_users(removal->store);
	int r = mb_volume_remove(removal->store, name, removal->force, &users, err);

	if (r == MB_VOLUME_ABSENT)
		mb_cmd_say("Error: No such volume: %s", name);
	else if (r > 0)
		mb_cmd_report(err);
	return r;
}

static int rm_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct rm_args *args = in->args;
	struct removal removal = {.force = args->force};
	int r = mb_cmd_store(cx, &removal.store, err);

	return r < 0 ? r : mb_cmd_each(in, remove_one, &removal);
}

static const struct mb_cli_opt rm_opts[] = {
	MB_OPT_SWITCH('f', "force", struct rm_args, force, "no error for one that does not exist"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_volume_rm = {
	.paths = "volume rm|volume remove",
	.summary = "remove one or more volumes",
	.operands = "VOLUME [VOLUME...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_VOLUME},
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.main = rm_main,
};
