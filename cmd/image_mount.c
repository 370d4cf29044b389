/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "image/image.h"
#include "image/mounts.h"

struct mount_args {
	bool all;
};

/* As podman: the first of its names, or the short id. */
static int add_line(struct mb_store *store, const char *id, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_FREE char *path = mb_image_mount_path(store, id);
	MB_AUTO_FREE char *short_id = mb_format_short_id(id);
	int r = mb_image_names(store, id, &names, err);

	if (r == 0)
		mb_str_addf(out, "%s %s\n", names.n ? names.v[0] : short_id, path);
	return r;
}

static int mount_one(struct mb_store *store, const char *name, bool alone, struct mb_str *out,
                     struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_FREE char *path = NULL;
	int r = mb_image_find(store, name, &image, NULL, err);

	if (r == 0)
		r = mb_image_mount(store, image, &path, err);
	if (r == 0 && !alone)
		return add_line(store, image->id, out, err);
	if (r == 0)
		mb_str_addf(out, "%s\n", path);
	return r;
}

static int mount_all(struct mb_store *store, struct mb_str *out, struct mb_err *err)
{
	struct mb_image_list images = {0};
	int r = mb_image_list_load(store, &images, err);

	for (size_t i = 0; r == 0 && i < images.n; i++)
		r = mount_one(store, images.v[i].id, false, out, err);
	mb_image_list_done(&images);
	return r;
}

static int list_mounts(struct mb_store *store, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	int r = mb_image_mounts_list(store, &ids, err);

	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = add_line(store, ids.v[i], out, err);
	return r;
}

static int mount_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mount_args *args = in->args;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err), put;

	if (r == 0 && args->all)
		r = mount_all(store, &out, err);
	else if (r == 0 && !in->n_operands)
		r = list_mounts(store, &out, err);
	for (size_t i = 0; r == 0 && i < in->n_operands; i++)
		r = mount_one(store, in->operands[i], in->n_operands == 1, &out, err);
	/* Also those before one that failed: they are mounted. */
	put = mb_cmd_put(&out);
	/* A positive answer is told, like a failure. */
	return r > 0 ? -err->code : r < 0 ? r : put;
}

static const struct mb_cli_opt mount_opts[] = {
	MB_OPT_SWITCH('a', "all", struct mount_args, all, "mount every image"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_image_mount = {
	.paths = "image mount",
	.summary = "mount images for the host to read, or list those that are",
	.operands = "[IMAGE...]",
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.opts = mount_opts,
	.args_size = sizeof(struct mount_args),
	.examples = "ls \"$(mybox image mount example/app)/srv\"\n",
	.main = mount_main,
};
