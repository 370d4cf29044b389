/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>

#include "cli/cli.h"
#include "cmd/container_choice.h"
#include "cmd/container_each.h"
#include "container/container.h"
#include "container/life.h"
#include "core/err.h"
#include "core/parse.h"

struct kill_args {
	struct mb_cmd_choice choice;
	const char *signal;
};

static int kill_one(void *arg, struct mb_container *c, struct mb_err *err)
{
	return mb_container_kill(c, *(const int *)arg, err);
}

static int kill_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct kill_args *args = in->args;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_cli_input chosen;
	int sig = SIGKILL, r;

	if (mb_parse_signal(args->signal, &sig) < 0)
		return mb_fail(err, EINVAL, "Invalid signal: %s", args->signal);
	r = mb_cmd_choose(cx, in, &args->choice, mb_container_is_running, &chosen, &names, err);
	return r < 0 ? r : mb_cmd_container_each(cx, &chosen, kill_one, &sig, err);
}

static const struct mb_cli_opt kill_opts[] = {
	MB_CMD_CHOICE_ALL('a', struct kill_args),
	MB_CMD_CHOICE_CIDFILE(struct kill_args),
	MB_CMD_CHOICE_LATEST('l', struct kill_args),
	MB_OPT_STRING('s', "signal", NULL, struct kill_args, signal,
                      "signal to send to the container", .def = "KILL", .complete = MB_COMP_SIGNAL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_kill = {
	.paths = "kill|container kill",
	.summary = "kill one or more running containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.opts = kill_opts,
	.args_size = sizeof(struct kill_args),
	.main = kill_main,
};
