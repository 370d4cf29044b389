/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/container_choice.h"
#include "cmd/container_each.h"
#include "cmd/report.h"
#include "container/container.h"
#include "container/life.h"
#include "core/err.h"
#include "core/parse.h"

struct stop_args {
	struct mb_cmd_choice choice;
	int timeout;
	const char *signal;
};

struct stopping {
	int sig;
	bool has_timeout, again;
	int64_t timeout;
};

static int stop_one(void *arg, struct mb_container *c, struct mb_err *err)
{
	const struct stopping *s = arg;
	struct mb_container_start how = {0};
	int64_t timeout = s->has_timeout ? s->timeout : mb_container_stop_timeout(c);
	int r;

	if (!s->again)
		return mb_container_stop(c, s->sig, timeout, err);
	r = mb_container_restart(c, s->sig, timeout, &how, err);
	for (size_t i = 0; i < how.warnings.n; i++)
		mb_cmd_say("WARNING: %s", how.warnings.v[i]);
	mb_strv_done(&how.warnings);
	return r;
}

static int stop_all(struct mb_cmd_context *cx, const struct mb_cli_input *in, bool again,
                    struct mb_err *err)
{
	const struct stop_args *args = in->args;
	struct stopping s = {.has_timeout = mb_cli_is_given(in, "time"),
	                     .timeout = args->timeout,
	                     .again = again};
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_cli_input chosen;
	int r;

	if (args->signal && mb_parse_signal(args->signal, &s.sig) < 0)
		return mb_fail(err, EINVAL, "Invalid signal: %s", args->signal);
	r = mb_cmd_choose(cx, in, &args->choice, again ? NULL : mb_container_is_running, &chosen,
	                  &names, err);
	if (r == 0 && again)
		r = mb_cmd_container_seal(cx, &chosen, err);
	return r < 0 ? r : mb_cmd_container_each(cx, &chosen, stop_one, &s, err);
}

static int stop_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	return stop_all(cx, in, false, err);
}

static int restart_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	return stop_all(cx, in, true, err);
}

static const struct mb_cli_opt stop_opts[] = {
	MB_CMD_CHOICE_ALL('a', struct stop_args),
	MB_CMD_CHOICE_CIDFILE(struct stop_args),
	MB_CMD_CHOICE_FILTER('f', struct stop_args),
	MB_CMD_CHOICE_IGNORE('i', struct stop_args),
	MB_CMD_CHOICE_LATEST('l', struct stop_args),
	MB_OPT_INT('t', "time", "seconds", struct stop_args, timeout,
                   "seconds to wait before killing it", .aliases = "timeout"),
	MB_OPT_STRING('s', "signal", NULL, struct stop_args, signal,
                      "signal to send to the container", .complete = MB_COMP_SIGNAL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_stop = {
	.paths = "stop|container stop",
	.summary = "stop one or more running containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.opts = stop_opts,
	.args_size = sizeof(struct stop_args),
	.main = stop_main,
};

const struct mb_cli_verb mb_cmd_restart = {
	.paths = "restart|container restart",
	.summary = "restart one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_CONTAINER},
	.opts = stop_opts,
	.args_size = sizeof(struct stop_args),
	.main = restart_main,
};
