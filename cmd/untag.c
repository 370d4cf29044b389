/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"

static int untag_one(struct mb_store *store, const char *name, struct mb_err *err)
{
	const struct mb_image_remove_request request = {.name = name, .untag_only = true};
	struct mb_image_removed removed = {0};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	int r;

	(void)mb_image_find(store, name, &image, NULL, NULL);
	r = mb_image_remove(store, &request, &removed, err);
	mb_cmd_event_removed(store, image ? image->id : NULL, &removed);

	MB_STRV_FOREACH (untagged, &removed.untagged)
		mb_str_addf(&out, "Untagged: %s\n", untagged);
	mb_image_removed_done(&removed);
	mb_cmd_put(&out);
	if (r > 0)
		mb_cmd_say("Error: %s", err->msg);
	return r > 0 ? 1 : r;
}

static int untag_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	for (size_t i = 0; i < in->n_operands && r == 0; i++)
		r = untag_one(store, in->operands[i], err);
	return r;
}

const struct mb_cli_verb mb_cmd_untag = {
	.paths = "untag|image untag",
	.summary = "take names off images and keep the images",
	.operands = "IMAGE[:TAG] [IMAGE[:TAG]...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.main = untag_main,
};
