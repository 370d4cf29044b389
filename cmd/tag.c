/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "image/image.h"

static int tag_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_image_tag(store, in->operands[0], in->operands[1], NULL, err);
	if (r == 0)
		mb_cmd_event_tag(store, in->operands[1]);
	if (r > 0) {
		mb_cmd_say("Error: %s", err->msg);
		return 1;
	}
	return r;
}

const struct mb_cli_verb mb_cmd_tag = {
	.paths = "tag|image tag",
	.summary = "give an image another name",
	.operands = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
	.min = 2,
	.max = 2,
	.complete = {MB_COMP_IMAGE},
	.examples = "mybox tag debian:12 example/base:1\n",
	.main = tag_main,
};
