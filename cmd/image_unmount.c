/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "image/mounts.h"

struct unmount_args {
	bool all, force;
};

/* Return: whether it failed.  One that is not mounted is told, as podman does. */
static bool unmount_one(struct mb_store *store, const char *name, bool force, struct mb_str *out)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	struct mb_err err = MB_ERR_INIT;
	int r = mb_image_find(store, name, &image, NULL, &err);

	if (r == 0) {
		r = mb_image_unmount(store, image->id, force, &err);
		if (r == MB_IMAGE_ABSENT)
			mb_fail(&err, EINVAL, "image '%s' is not mounted", name);
	}
	if (r != 0)
		mb_cmd_report(&err);
	else
		mb_str_addf(out, "%s\n", image->id);
	return r != 0;
}

static int unmount_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct unmount_args *args = in->args;
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_store *store = NULL;
	bool failed = false;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0 && !args->all && !in->n_operands)
		r = mb_fail(err, EINVAL, "give an image, or --all");
	if (r == 0 && args->all)
		r = mb_image_mounts_list(store, &ids, err);
	if (r < 0)
		return r;
	MB_STRV_FOREACH (id, &ids)
		failed |= unmount_one(store, id, args->force, &out);
	for (size_t i = 0; !args->all && i < in->n_operands; i++)
		failed |= unmount_one(store, in->operands[i], args->force, &out);
	r = mb_cmd_put(&out);
	return failed ? 1 : r;
}

static const struct mb_cli_opt unmount_opts[] = {
	MB_OPT_SWITCH('a', "all", struct unmount_args, all, "unmount every image"),
	MB_OPT_SWITCH('f', "force", struct unmount_args, force, "also while somebody uses it"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_image_unmount = {
	.paths = "image unmount|image umount",
	.summary = "take mounted images down",
	.operands = "[IMAGE...]",
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.opts = unmount_opts,
	.args_size = sizeof(struct unmount_args),
	.examples = "mybox image unmount --all\n",
	.main = unmount_main,
};
