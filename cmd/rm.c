/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/container_choice.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "container/container.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"

struct rm_args {
	struct mb_cmd_choice choice;
	bool force, volumes;
};

/* Return: 0, it is gone and is to be named; 1, there was none and nobody minds; -errno. */
static int remove_one(struct mb_store *store, const struct rm_args *args, const char *reference,
                      struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int r = mb_container_find(store, reference, &c, err);

	if (r == MB_CONTAINER_ABSENT && args->force)
		return 1;
	if (r == 0)
		r = mb_container_remove(c, args->force, args->volumes, err);
	if (r == MB_CONTAINER_ABSENT && args->force)
		return 1;
	return r > 0 ? -1 : r;
}

static int rm_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct rm_args *args = in->args;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_cli_input chosen;
	struct mb_store *store;
	int code = 0, r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_cmd_choose(cx, in, &args->choice, NULL, &chosen, &names, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < chosen.n_operands; i++) {
		struct mb_err why = MB_ERR_INIT;

		r = remove_one(store, args, chosen.operands[i], &why);
		if (r == 0)
			r = mb_cmd_put_line(chosen.operands[i]);
		if (r < 0) {
			mb_cmd_report(&why);
			code = 1;
		}
	}
	return code;
}

static const struct mb_cli_opt rm_opts[] = {
	MB_CMD_CHOICE_ALL('a', struct rm_args),
	MB_CMD_CHOICE_CIDFILE(struct rm_args),
	MB_CMD_CHOICE_FILTER(0, struct rm_args),
	MB_CMD_CHOICE_IGNORE('i', struct rm_args),
	MB_CMD_CHOICE_LATEST(0, struct rm_args),
	MB_OPT_SWITCH('f', "force", struct rm_args, force, "kill the container first if it runs"),
	MB_OPT_SWITCH('v', "volumes", struct rm_args, volumes, "remove its anonymous volumes too"),
	MB_OPT_REFUSED('l', "link", false, "there are no links"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_rm = {
	.paths = "rm|container rm|container remove",
	.summary = "remove one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_CONTAINER},
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.main = rm_main,
};
