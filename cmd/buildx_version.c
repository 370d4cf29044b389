/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"

/* The buildx whose options `build` knows: programs look at the number before they use them. */
#define LIKE "v0.12.0"

static int version_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	(void)cx;
	(void)in;
	(void)err;
	return mb_cmd_put_line("mybox/buildx " LIKE " " MB_VERSION);
}

const struct mb_cli_verb mb_cmd_buildx_version = {
	.paths = "buildx version",
	.summary = "tell programs that ask for buildx that build is here",
	.unprivileged = true,
	.examples = "mybox buildx version\n",
	.main = version_main,
};
