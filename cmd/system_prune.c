/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/prune.h"
#include "core/err.h"
#include "core/own.h"

/* Containers first: what they had is then free. */
static mb_cmd_prune_fn *const kinds[] = {mb_cmd_prune_containers, mb_cmd_prune_networks,
                                         mb_cmd_prune_images, mb_cmd_prune_builds, NULL};
static mb_cmd_prune_fn *const kinds_and_volumes[] = {mb_cmd_prune_containers, mb_cmd_prune_networks,
                                                     mb_cmd_prune_anonymous,  mb_cmd_prune_images,
                                                     mb_cmd_prune_builds,     NULL};

static char *warning(const struct mb_cmd_prune_args *args)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_str_add(&text, "WARNING! This will remove:\n"
	                  "  - all stopped containers\n"
	                  "  - all networks not used by at least one container\n");
	if (args->volumes)
		mb_str_add(&text, "  - all anonymous volumes not used by at least one container\n");
	mb_str_add(&text, args->all ? "  - all images without at least one container associated "
	                              "to them\n"
	                            : "  - all dangling images\n");
	mb_str_add(&text, args->all ? "  - all build cache\n" : "  - all dangling build cache\n");
	if (args->filters.n)
		mb_str_add(&text, "\n  Items to be pruned will be filtered with:\n");
	MB_STRV_FOREACH (filter, &args->filters)
		mb_str_addf(&text, "  - %s\n", filter);
	return mb_str_take(&text);
}

static bool has_until(const struct mb_strv *filters)
{
	MB_STRV_FOREACH (filter, filters)
		if (mb_starts_with(filter, "until="))
			return true;
	return false;
}

static int prune_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mb_cmd_prune_args *args = in->args;
	MB_AUTO_FREE char *text = warning(args);

	if (args->volumes && has_until(&args->filters))
		return mb_fail(err, EINVAL,
		               "The \"until\" filter is not supported with \"--volumes\"");
	return mb_cmd_prune_run(
		cx, args, text,
		&(struct mb_cmd_prune_verb){mb_cmd_prune_filters,
	                                    args->volumes ? kinds_and_volumes : kinds,
	                                    .frees = true, .is_all = true},
		err);
}

static const struct mb_cli_opt prune_opts[] = {
	MB_OPT_SWITCH('a', "all", struct mb_cmd_prune_args, all,
                      "all images that no container has, named ones too"),
	MB_CMD_PRUNE_FILTER("only what matches: label=KEY[=VALUE], until=TIME"),
	MB_CMD_PRUNE_FORCE,
	MB_OPT_SWITCH(0, "volumes", struct mb_cmd_prune_args, volumes, "anonymous volumes too"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_system_prune = {
	.paths = "system prune",
	.summary = "remove what nobody uses",
	.opts = prune_opts,
	.args_size = sizeof(struct mb_cmd_prune_args),
	.examples = "mybox system prune -af --volumes\n",
	.main = prune_main,
};
