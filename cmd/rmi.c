/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "cmd/users.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"

struct rmi_args {
	bool force, no_prune;
};

static void put_removed(const struct mb_image_removed *removed)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	MB_STRV_FOREACH (name, &removed->untagged)
		mb_str_addf(&out, "Untagged: %s\n", name);
	MB_STRV_FOREACH (id, &removed->deleted)
		mb_str_addf(&out, "Deleted: %s\n", id);
	mb_cmd_put(&out);
}

/* Return: whether it failed.  With @force an image that is not there is only mentioned. */
static bool remove_one(struct mb_store *store, const struct rmi_args *args, const char *name)
{
	const struct mb_image_remove_request request = {
		.name = name,
		.force = args->force,
		.no_prune = args->no_prune,
		.users = mb_cmd_image_users(store),
	};
	struct mb_image_removed removed = {0};
	struct mb_err err = MB_ERR_INIT;
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	int r;

	(void)mb_image_find(store, name, &image, NULL, NULL);
	r = mb_image_remove(store, &request, &removed, &err);
	mb_cmd_event_removed(store, image ? image->id : NULL, &removed);

	put_removed(&removed);
	mb_image_removed_done(&removed);
	if (r == MB_IMAGE_ABSENT)
		mb_cmd_say("Error: %s", err.msg);
	else if (r)
		mb_cmd_report(&err);
	return r && !(r == MB_IMAGE_ABSENT && args->force);
}

static int rmi_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	struct mb_store *store = NULL;
	bool failed = false;
	int r = mb_cmd_store(cx, &store, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < in->n_operands; i++)
		failed |= remove_one(store, in->args, in->operands[i]);
	return failed;
}

static const struct mb_cli_opt rmi_opts[] = {
	MB_OPT_SWITCH('f', "force", struct rmi_args, force,
                      "remove it with all its names, used or not"),
	MB_OPT_SWITCH(0, "no-prune", struct rmi_args, no_prune,
                      "accepted: images here have no untagged parents"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_rmi = {
	.paths = "rmi|image rm|image remove",
	.summary = "remove one or more images",
	.operands = "IMAGE [IMAGE...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.opts = rmi_opts,
	.args_size = sizeof(struct rmi_args),
	.main = rmi_main,
};
