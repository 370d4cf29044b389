/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/container_each.h"
#include "container/life.h"

static int pause_one(void *arg, struct mb_container *c, struct mb_err *err)
{
	return mb_container_pause(c, arg != NULL, err);
}

static int pause_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	static char yes;

	return mb_cmd_container_each(cx, in, pause_one, &yes, err);
}

static int unpause_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	return mb_cmd_container_each(cx, in, pause_one, NULL, err);
}

const struct mb_cli_verb mb_cmd_pause = {
	.paths = "pause|container pause",
	.summary = "pause all processes of one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.main = pause_main,
};

const struct mb_cli_verb mb_cmd_unpause = {
	.paths = "unpause|container unpause",
	.summary = "let all processes of one or more containers go on",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.main = unpause_main,
};
