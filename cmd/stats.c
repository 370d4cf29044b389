/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/stats_live.h"
#include "cmd/stats_plain.h"
#include "cmd/stats_prometheus.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

enum { MAX_INTERVAL = 3600 };

/* For a program that asks again when it wants to: once, and counters need no second look. */
static int put_prometheus(struct mb_store *store, const struct mb_cli_input *in, bool all,
                          struct mb_err *err)
{
	MB_AUTO_CMD_USAGES struct mb_cmd_usages u = {0};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	int r = mb_cmd_usages_load(&u, store, in->operands, in->n_operands, all, err);

	if (r < 0)
		return r;
	mb_cmd_usages_look(&u);
	mb_cmd_stats_prometheus(&u, &out);
	return mb_cmd_put(&out);
}

/* What docker's form has no room for is drawn for people alone. */
static bool is_live(const struct mb_cmd_stats *args)
{
	return !args->no_stream && !args->no_reset && !args->networks && !args->no_trunc &&
	       !args->format && mb_cmd_is_tty(STDOUT_FILENO);
}

static bool is_coloured(const struct mb_cmd_stats *args)
{
	const char *no = getenv("NO_COLOR");

	return args->colour ? !no || !*no : mb_cmd_has_colour(STDOUT_FILENO);
}

static int stats_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mb_cmd_stats *args = in->args;
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r < 0)
		return r;
	if (mb_streq(args->format, "prometheus"))
		return put_prometheus(store, in, args->all, err);
	if (args->interval < 1 || args->interval > MAX_INTERVAL)
		return mb_fail(err, EINVAL, "--interval: from 1 to %d seconds", MAX_INTERVAL);
	if (is_live(args))
		return mb_cmd_stats_live(store, in, is_coloured(args), err);
	return mb_cmd_stats_plain(store, in, err);
}

static const struct mb_cli_opt stats_opts[] = {
	MB_OPT_SWITCH('a', "all", struct mb_cmd_stats, all,
                      "show all containers, not only running ones"),
	MB_OPT_SWITCH(0, "color", struct mb_cmd_stats, colour,
                      "in colours, unless NO_COLOR is set"),
	MB_OPT_STRING(0, "format", NULL, struct mb_cmd_stats, format,
                      "json, prometheus, or a template"),
	MB_OPT_INT('i', "interval", "seconds", struct mb_cmd_stats, interval,
                   "seconds between two looks", .def = "1"),
	MB_OPT_SWITCH(0, "networks", struct mb_cmd_stats, networks,
                      "a line for each network that a container is on"),
	MB_OPT_SWITCH(0, "no-reset", struct mb_cmd_stats, no_reset,
                      "leave what was printed on the screen"),
	MB_OPT_SWITCH(0, "no-stream", struct mb_cmd_stats, no_stream, "print once and end"),
	MB_OPT_SWITCH(0, "no-trunc", struct mb_cmd_stats, no_trunc, "do not shorten ids"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_stats = {
	.paths = "stats|container stats",
	.summary = "show what containers use",
	.operands = "[CONTAINER...]",
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.opts = stats_opts,
	.args_size = sizeof(struct mb_cmd_stats),
	.main = stats_main,
};
