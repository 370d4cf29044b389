/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/prune.h"
#include "cmd/report.h"
#include "cmd/users.h"
#include "core/err.h"
#include "core/own.h"
#include "image/image.h"

/* By each of its names, so that one that got another name meanwhile stays; and one without a name
 * only if it has none: whoever makes an image writes it down before its name. */
static void remove_one(struct mb_cmd_prune *p, struct mb_store *store,
                       const struct mb_image_row *image, struct mb_strv *lines)
{
	struct mb_image_remove_request request = {.users = mb_cmd_image_users(store)};
	size_t n = image->names.n ? image->names.n : 1;

	for (size_t i = 0; i < n; i++) {
		struct mb_image_removed removed = {0};
		struct mb_err why = MB_ERR_INIT;
		int r;

		request.name = image->names.n ? image->names.v[i] : image->id;
		request.nameless_only = image->names.n == 0;
		r = mb_image_remove(store, &request, &removed, &why);
		MB_STRV_FOREACH (name, &removed.untagged)
			mb_strv_addf(lines, "untagged: %s", name);
		MB_STRV_FOREACH (id, &removed.deleted)
			mb_strv_addf(lines, "deleted: %s", id);
		p->bytes += removed.bytes;
		mb_cmd_event_removed(store, image->id, &removed);
		mb_image_removed_done(&removed);
		if (r < 0) {
			mb_cmd_report(&why);
			p->failed = true;
		}
	}
}

int mb_cmd_prune_images(struct mb_cmd_prune *p, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv used = MB_STRV_INIT, volumes = MB_STRV_INIT;
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;
	struct mb_image_list images = {0};
	bool dangling = !p->all;
	struct mb_store *store;
	int r = mb_cmd_store(p->cx, &store, err);

	if (r == 0)
		r = mb_format_filters_bool(&p->filters, "dangling", dangling, &dangling, err);
	if (r == 0)
		r = mb_image_list_load(store, &images, err);
	if (r == 0)
		r = mb_cmd_used(store, &used, &volumes, err);
	for (size_t i = 0; r == 0 && i < images.n; i++) {
		const struct mb_image_row *image = &images.v[i];
		MB_AUTO_FREE char *id = mb_asprintf("sha256:%s", image->id);

		if ((dangling && image->names.n) || mb_strv_has(&used, id) ||
		    !mb_cmd_prune_fits(p, &image->labels, image->created))
			continue;
		remove_one(p, store, image, &lines);
	}
	mb_image_list_done(&images);
	return r == 0 ? mb_cmd_prune_put("Deleted Images:", &lines) : r;
}

static int prune_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	static const char *const known[] = {"dangling", "label", "label!", "until", NULL};
	static mb_cmd_prune_fn *const kinds[] = {mb_cmd_prune_images, NULL};
	const struct mb_cmd_prune_args *args = in->args;

	return mb_cmd_prune_run(cx, args,
	                        args->all ? "WARNING! This will remove all images without at "
	                                    "least one container associated to them."
	                                  : "WARNING! This will remove all dangling images.",
	                        &(struct mb_cmd_prune_verb){known, kinds, .frees = true}, err);
}

static const struct mb_cli_opt prune_opts[] = {
	MB_OPT_SWITCH('a', "all", struct mb_cmd_prune_args, all,
                      "all that no container has, named ones too"),
	MB_CMD_PRUNE_FILTER("only those with this label=, until= or dangling="),
	MB_CMD_PRUNE_FORCE,
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_image_prune = {
	.paths = "image prune",
	.summary = "remove images that nobody uses",
	.opts = prune_opts,
	.args_size = sizeof(struct mb_cmd_prune_args),
	.examples = "mybox image prune -a --filter until=240h\n",
	.main = prune_main,
};
