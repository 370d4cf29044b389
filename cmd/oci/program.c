/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second door: from mybox-oci's argv to a verb, and errors as engines read them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/log.h"
#include "core/own.h"
#include "core/str.h"

// clang-format off
#define VERBS(X) \
	X(create) X(start) X(state) X(kill) X(delete) X(run_verb) X(exec) X(list) X(ps) X(pause) \
	X(resume) X(update) X(events) X(features) X(spec) X(checkpoint) X(restore)
// clang-format on

#define DECLARE(name) extern const struct mb_cli_verb mb_cmd_oci_##name;
VERBS(DECLARE)

#define ENTRY(name) &mb_cmd_oci_##name,
/* The same tables make the man pages, and are held to the same rules. */
extern const struct mb_cli_verb mb_cmd_man_hidden, mb_cmd_lint_hidden;
static const struct mb_cli_verb *const verbs[] = {VERBS(ENTRY) & mb_cmd_man_hidden,
                                                  &mb_cmd_lint_hidden, NULL};

static const struct mb_cli_parent parents[] = {{NULL}};

static const char *const log_formats[] = {"text", "json", NULL};

static const struct mb_cli_opt globals[] = {
	MB_OPT_STRING(0, "root", "directory", struct mb_cmd_oci, root,
                      "where the state of containers is kept", .def = MB_BUNDLE_ROOT,
                      .complete = MB_COMP_DIRECTORY),
	MB_OPT_STRING(0, "log", "file", struct mb_cmd_oci, log, "write errors to this file too",
                      .complete = MB_COMP_FILE),
	MB_OPT_CHOICE(0, "log-format", NULL, struct mb_cmd_oci, log_format, log_formats,
                      "how lines of the log look", .def = "text"),
	MB_OPT_SWITCH(0, "debug", struct mb_cmd_oci, debug, "tell what happens on stderr"),
	MB_OPT_SWITCH(0, "systemd-cgroup", struct mb_cmd_oci, systemd_cgroup,
                      "let systemd make the control groups"),
	MB_OPT_STRING(0, "rootless", "value", struct mb_cmd_oci, rootless,
                      "only 'false' and 'auto': it runs as root", .def = "auto"),
	MB_OPT_SWITCH('v', "version", struct mb_cmd_oci, version, "print the version"),
	MB_OPT_STRING(0, "criu", "program", struct mb_cmd_oci, criu, "for checkpoint and restore",
                      .def = "criu", .complete = MB_COMP_FILE),
	MB_OPT_END,
};

const struct mb_cli_program *mb_cmd_oci_program(void)
{
	static const struct mb_cli_program program = {
		.name = MB_CMD_OCI_NAME,
		.summary = "an OCI runtime",
		.verbs = verbs,
		.parents = parents,
		.globals = globals,
		.globals_size = sizeof(struct mb_cmd_oci),
	};

	return &program;
}

bool mb_cmd_oci_is_meant(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;

	return mb_streq(slash ? slash + 1 : argv0, MB_CMD_OCI_NAME);
}

static int print_version(void)
{
	const struct scmp_version *v = seccomp_version();
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_str_addf(&text, "%s version %s\nspec: %s\nlibseccomp: %u.%u.%u\n", MB_CMD_OCI_NAME,
	            MB_VERSION, MB_OCI_SPEC_VERSION, v->major, v->minor, v->micro);
	return mb_cmd_put(&text);
}

static int bad_usage(const struct mb_cmd_oci *g, const struct mb_cli_verb *verb, const char *path,
                     const struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_cmd_oci_fail(g, err);
	mb_str_add(&text, "Usage:  ");
	mb_cli_help_usage(verb, path, &text);
	fputs(mb_str_text(&text), stderr);
	return 1;
}

static int show_help(const struct mb_cli_verb *verb, const char *path)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_cli_help_verb(verb, path, mb_cmd_width(STDOUT_FILENO), &text);
	return mb_cmd_put(&text);
}

static int show_top_help(void)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_cli_help_top(mb_cmd_oci_program(), mb_cmd_width(STDOUT_FILENO), &text);
	return mb_cmd_put(&text);
}

static int call_verb(struct mb_cmd_context *cx, const struct mb_cli_verb *verb, const char *path,
                     int argc, char *const *argv)
{
	struct mb_cli_input in = {0};
	struct mb_err err = MB_ERR_INIT;
	int r = mb_cli_parse(verb, path, argc, argv, &in, NULL, &err);

	if (r == MB_CLI_HELP)
		return show_help(verb, path);
	if (r > 0)
		return bad_usage(cx->oci, verb, path, &err);
	if (r == 0 && !verb->unprivileged && geteuid() != 0)
		r = mb_fail(&err, EPERM, "%s needs root: rootless is not supported",
		            MB_CMD_OCI_NAME);
	if (r == 0)
		r = verb->main(cx, &in, &err);
	mb_cli_input_done(&in);
	if (r >= 0)
		return r;
	mb_cmd_oci_fail(cx->oci, &err);
	return verb->fail_code ? verb->fail_code : 1;
}

static int dispatch(struct mb_cmd_context *cx, int argc, char *const *argv, struct mb_err *err)
{
	struct mb_cli_found found = {0};
	MB_AUTO_FREE char *path = NULL;

	if (mb_streq(argv[0], "help"))
		return show_top_help();
	if (mb_cli_find(mb_cmd_oci_program(), argc, argv, &found) != 0)
		return mb_fail(err, EINVAL, "no such command: '%s'", argv[0]);
	path = mb_strndup(found.path, found.path_len);
	return call_verb(cx, found.verb, path, argc - found.words, argv + found.words);
}

static int run_globals(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mb_cmd_oci *g = in->args;

	cx->oci = g;
	cx->debug = g->debug;
	if (g->debug)
		mb_log_enable(true);
	if (g->version)
		return print_version();
	if (!mb_streq(g->rootless, "auto") && !mb_streq(g->rootless, "false"))
		return mb_fail(err, EOPNOTSUPP, "'--rootless %s' is not supported", g->rootless);
	if (in->n_operands == 0)
		return show_top_help();
	return dispatch(cx, (int)in->n_operands, in->operands, err);
}

int mb_cmd_oci_run(struct mb_cmd_context *cx, int argc, char *const *argv)
{
	const struct mb_cli_verb top = {
		.summary = "an OCI runtime",
		.stop_at_operand = true,
		.max = MB_CLI_MANY,
		.opts = globals,
		.args_size = sizeof(struct mb_cmd_oci),
	};
	const struct mb_cmd_oci none = {.root = MB_BUNDLE_ROOT};
	struct mb_cli_input in = {0};
	struct mb_err err = MB_ERR_INIT;
	int r;

	mb_cli_name = MB_CMD_OCI_NAME;
	cx->program = mb_cmd_oci_program();
	cx->oci = &none;
	r = mb_cli_parse(&top, "", argc, argv, &in, NULL, &err);
	if (r == MB_CLI_HELP)
		return show_top_help();
	if (r > 0)
		r = -EINVAL;
	if (r == 0)
		r = run_globals(cx, &in, &err);
	if (r < 0)
		mb_cmd_oci_fail(cx->oci, &err);
	mb_cli_input_done(&in);
	return r < 0 ? 1 : r;
}
