/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/container_choice.h"
#include "cmd/container_each.h"
#include "container/container.h"
#include "container/life.h"

static int pause_one(void *arg, struct mb_container *c, struct mb_err *err)
{
	return mb_container_pause(c, *(const bool *)arg, err);
}

struct pause_args {
	struct mb_cmd_choice choice;
};

static bool may_pause(const struct mb_container *c)
{
	return c->state.status == MB_STATUS_RUNNING;
}

static bool may_go_on(const struct mb_container *c)
{
	return c->state.status == MB_STATUS_PAUSED;
}

static int pause_all(struct mb_cmd_context *cx, const struct mb_cli_input *in, bool pause,
                     struct mb_err *err)
{
	const struct pause_args *args = in->args;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_cli_input chosen;
	int r = mb_cmd_choose(cx, in, &args->choice, pause ? may_pause : may_go_on, &chosen, &names,
	                      err);

	return r < 0 ? r : mb_cmd_container_each(cx, &chosen, pause_one, &pause, err);
}

static int pause_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	return pause_all(cx, in, true, err);
}

static int unpause_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	return pause_all(cx, in, false, err);
}

static const struct mb_cli_opt pause_opts[] = {
	MB_CMD_CHOICE_ALL('a', struct pause_args),
	MB_CMD_CHOICE_CIDFILE(struct pause_args),
	MB_CMD_CHOICE_FILTER('f', struct pause_args),
	MB_CMD_CHOICE_LATEST('l', struct pause_args),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_pause = {
	.paths = "pause|container pause",
	.summary = "pause all processes of one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.opts = pause_opts,
	.args_size = sizeof(struct pause_args),
	.main = pause_main,
};

const struct mb_cli_verb mb_cmd_unpause = {
	.paths = "unpause|container unpause",
	.summary = "let all processes of one or more containers go on",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.opts = pause_opts,
	.args_size = sizeof(struct pause_args),
	.main = unpause_main,
};
