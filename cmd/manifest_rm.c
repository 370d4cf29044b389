/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/manifest.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"

static int remove_one(struct mb_cmd_context *cx, struct mb_store *store, const char *typed,
                      struct mb_err *err)
{
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0};
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_cmd_manifest_place_open(cx, typed, &place, err);

	if (r == 0)
		r = mb_image_manifests_lock(store, &lock, err);
	return r == 0 ? mb_image_manifests_remove(store, place.name, err) : r;
}

/* As docker does it, what goes is not said. */
static int rm_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	struct mb_store *store = NULL;
	int code = 0, r = mb_cmd_store(cx, &store, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < in->n_operands; i++) {
		struct mb_err own = MB_ERR_INIT;

		r = remove_one(cx, store, in->operands[i], &own);
		if (r > 0)
			mb_cmd_say("%s", own.msg);
		if (r < 0)
			mb_cmd_report(&own);
		code = r ? 1 : code;
	}
	return code;
}

const struct mb_cli_verb mb_cmd_manifest_rm = {
	.paths = "manifest rm",
	.summary = "remove lists of images that are here",
	.operands = "MANIFEST_LIST [MANIFEST_LIST...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.examples = "mybox manifest rm example.com/web:2\n",
	.main = rm_main,
};
