/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/unit/cli/sample.h — a small program for the tests of what is made from tables. */
#ifndef MB_TEST_CLI_SAMPLE_H
#define MB_TEST_CLI_SAMPLE_H

#include "cli/cli.h"

struct sample_args {
	bool force, all;
	int level;
	int64_t memory;
	const char *name, *network;
	struct mb_strv filters;
};

static const char *const sample_levels[] = {"low", "middling", "high", NULL};

static int sample_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	(void)cx;
	(void)in;
	(void)err;
	return 0;
}

static const struct mb_cli_opt sample_opts[] = {
	MB_OPT_SWITCH('f', "force", struct sample_args, force, "kill it first if it runs"),
	MB_OPT_SWITCH('a', "all", struct sample_args, all, "all of them", .def = "true"),
	MB_OPT_LIST(0, "filter", "filter", struct sample_args, filters,
                    "only those that match a condition that takes words to tell"),
	MB_OPT_SIZE('m', "memory", NULL, struct sample_args, memory, "limit of memory"),
	MB_OPT_STRING(0, "name", NULL, struct sample_args, name, "its name", .def = "x"),
	MB_OPT_STRING(0, "network", NULL, struct sample_args, network, "join a network",
                      .aliases = "net", .complete = MB_COMP_NETWORK),
	MB_OPT_CHOICE(0, "level", NULL, struct sample_args, level, sample_levels, "how much",
                      .def = "middling"),
	MB_OPT_REFUSED(0, "gpus", true, "no driver"),
	MB_OPT_END,
};

static const struct mb_cli_verb sample_run = {
	.paths = "run|container run",
	.summary = "make and start a container",
	.operands = "IMAGE [COMMAND] [ARG...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.stop_at_operand = true,
	.common = true,
	.opts = sample_opts,
	.args_size = sizeof(struct sample_args),
	.examples = "mybox run --rm -it debian\n",
	.main = sample_main,
};
static const struct mb_cli_verb sample_rm = {
	.paths = "rm|container rm|container remove",
	.summary = "remove one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_CONTAINER},
	.opts = sample_opts,
	.args_size = sizeof(struct sample_args),
	.main = sample_main,
};
static const struct mb_cli_verb sample_connect = {
	.paths = "network connect",
	.summary = "connect a container to a network",
	.operands = "NETWORK CONTAINER",
	.min = 2,
	.max = 2,
	.complete = {MB_COMP_NETWORK, MB_COMP_CONTAINER},
	.main = sample_main,
};
static const struct mb_cli_verb sample_load = {
	.paths = "load|container load",
	.summary = "load a file",
	.operands = "FILE",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_FILE},
	.main = sample_main,
};
static const struct mb_cli_verb sample_secret = {
	.paths = "__secret", .hidden = true, .main = sample_main};

struct sample_globals {
	bool debug;
	const char *root;
};
static const struct mb_cli_opt sample_globals[] = {
	MB_OPT_SWITCH('D', "debug", struct sample_globals, debug, "tell what happens"),
	MB_OPT_STRING(0, "root", "directory", struct sample_globals, root, "where it is",
                      .complete = MB_COMP_DIRECTORY),
	MB_OPT_END,
};

static const struct mb_cli_verb *const sample_verbs[] = {
	&sample_run, &sample_rm, &sample_connect, &sample_load, &sample_secret, NULL};
static const struct mb_cli_parent sample_parents[] = {
	{"container", "manage containers"},
	{"network", "manage networks"},
	{NULL},
};
static const struct mb_cli_program sample_program = {
	.name = "mybox",
	.summary = "containers without a daemon",
	.verbs = sample_verbs,
	.parents = sample_parents,
	.globals = sample_globals,
	.globals_size = sizeof(struct sample_globals),
};

#endif
