/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/prune.h"
#include "cmd/report.h"
#include "cmd/users.h"
#include "core/err.h"
#include "core/own.h"
#include "volume/volume.h"

static void remove_one(struct mb_cmd_prune *p, struct mb_store *store, const struct mb_volume *v,
                       struct mb_strv *removed)
{
	const struct mb_volume_users users = mb_cmd_volume_users(store);
	struct mb_err why = MB_ERR_INIT;
	uint64_t size = 0;
	int r = mb_volume_size(store, v, &size, &why);

	if (r == 0)
		r = mb_volume_remove(store, v->name, false, &users, &why);
	if (r == 0) {
		mb_strv_add(removed, v->name);
		p->bytes += size;
	} else if (r < 0) {
		mb_cmd_report(&why);
		p->failed = true;
	}
}

static int prune(struct mb_cmd_prune *p, bool all, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv removed = MB_STRV_INIT, used = MB_STRV_INIT;
	MB_AUTO_STRV struct mb_strv images = MB_STRV_INIT;
	struct mb_volume_list volumes = {0};
	struct mb_store *store;
	int r = mb_cmd_store(p->cx, &store, err);

	if (r == 0)
		r = mb_volume_list_load(store, &volumes, err);
	if (r == 0)
		r = mb_cmd_used(store, &images, &used, err);
	for (size_t i = 0; r == 0 && i < volumes.n; i++) {
		const struct mb_volume *v = volumes.v[i];

		if ((all || v->anonymous) && !mb_strv_has(&used, v->name) &&
		    mb_cmd_prune_fits(p, &v->labels, v->created))
			remove_one(p, store, v, &removed);
	}
	mb_volume_list_done(&volumes);
	return r == 0 ? mb_cmd_prune_put("Deleted Volumes:", &removed) : r;
}

int mb_cmd_prune_volumes(struct mb_cmd_prune *p, struct mb_err *err)
{
	return prune(p, p->all, err);
}

int mb_cmd_prune_anonymous(struct mb_cmd_prune *p, struct mb_err *err)
{
	return prune(p, false, err);
}

static int prune_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	static const char *const known[] = {"label", "label!", NULL};
	static mb_cmd_prune_fn *const kinds[] = {mb_cmd_prune_volumes, NULL};
	const struct mb_cmd_prune_args *args = in->args;

	return mb_cmd_prune_run(cx, args,
	                        args->all ? "WARNING! This will remove all local volumes not used "
	                                    "by at least one container."
	                                  : "WARNING! This will remove anonymous local volumes not "
	                                    "used by at least one container.",
	                        &(struct mb_cmd_prune_verb){known, kinds, .frees = true}, err);
}

static const struct mb_cli_opt prune_opts[] = {
	MB_OPT_SWITCH('a', "all", struct mb_cmd_prune_args, all, "those with a name too"),
	MB_CMD_PRUNE_FILTER("only those that match: label=KEY[=VALUE]"),
	MB_CMD_PRUNE_FORCE,
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_volume_prune = {
	.paths = "volume prune",
	.summary = "remove volumes that no container uses",
	.opts = prune_opts,
	.args_size = sizeof(struct mb_cmd_prune_args),
	.examples = "mybox volume prune --all --filter label!=keep\n",
	.main = prune_main,
};
