/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From argv to a verb and back to an exit code.  Nothing is done here that `version` or `exec`
 * would pay for and not need: no locale, no name service, no state directory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cmd/cni/cni.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "cmd/output.h"
#include "cmd/remote/remote.h"
#include "cmd/report.h"
#include "cmd/sanitize.h"
#include "cmd/verbs.h"
#include "core/err.h"
#include "core/log.h"
#include "core/own.h"
#include "core/str.h"
#include "store/store.h"

enum { EXIT_FAIL = 1, EXIT_BROKEN_PIPE = 141 };

/* Docker's layout for a command line that cannot be meant. */
static int bad_usage(int r, const struct mb_cli_verb *verb, const char *path,
                     const struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_cmd_say("%s", err->msg);
	mb_cmd_say("See '%s%s%s --help'.", MB_CLI_NAME, *path ? " " : "", path);
	if (r == MB_CLI_BAD_FLAG)
		return MB_CLI_EXIT_FLAGS;
	mb_str_add(&text, "\nUsage:  ");
	mb_cli_help_usage(verb, path, &text);
	mb_str_add(&text, "\n\n");
	mb_cli_help_sentence(verb->summary, &text);
	mb_str_addc(&text, '\n');
	fputs(mb_str_text(&text), stderr);
	return MB_CLI_EXIT_OPERANDS;
}

static int show_help(const struct mb_cli_verb *verb, const char *path)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_cli_help_verb(verb, path, mb_cmd_width(STDOUT_FILENO), &text);
	return mb_cmd_put(&text);
}

static int fail(const struct mb_cli_verb *verb, const struct mb_err *err)
{
	mb_cmd_report(err);
	return verb->fail_code ? verb->fail_code : EXIT_FAIL;
}

static int call_verb(struct mb_cmd_context *cx, const struct mb_cli_verb *verb, const char *path,
                     int argc, char *const *argv)
{
	struct mb_cli_input in = {0};
	MB_AUTO_STRV struct mb_strv warnings = MB_STRV_INIT;
	struct mb_err err = MB_ERR_INIT;
	int r = mb_cli_parse(verb, path, argc, argv, &in, &warnings, &err);

	MB_STRV_FOREACH (warning, &warnings)
		mb_cmd_say("%s", warning);
	if (r == MB_CLI_HELP)
		return show_help(verb, path);
	if (r > 0)
		return bad_usage(r, verb, path, &err);
	if (r < 0) { /* a refused option; run, create and exec tell it from the command's own 1 */
		fail(verb, &err);
		return verb->stop_at_operand ? MB_CLI_EXIT_FLAGS : EXIT_FAIL;
	}
	cx->verb = strrchr(path, ' ') ? strrchr(path, ' ') + 1 : path;
	if (cx->remote && !mb_cmd_remote_is_local(verb)) {
		r = mb_cmd_remote_run(cx, verb, path, argc, argv, &err);
	} else if (!verb->unprivileged && geteuid() != 0) {
		r = mb_fail(&err, EPERM, "'%s %s' needs root: run it with sudo", MB_CLI_NAME, path);
	} else {
		r = verb->main(cx, &in, &err);
	}
	mb_cli_input_done(&in);
	return r < 0 ? fail(verb, &err) : r;
}

static int unknown_verb(const struct mb_cli_found *found, char *const *argv)
{
	if (found->parent) {
		mb_cmd_say("mybox: '%s %s' is not a mybox command.", found->parent->name,
		           argv[found->words]);
		mb_cmd_say("See 'mybox %s --help'", found->parent->name);
	} else {
		mb_cmd_say("mybox: '%s' is not a mybox command.", argv[0]);
		mb_cmd_say("See 'mybox --help'");
	}
	return EXIT_FAIL;
}

static int show_parent(const struct mb_cmd_context *cx, const struct mb_cli_found *found, int argc,
                       char *const *argv)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	const char *next = argc > found->words ? argv[found->words] : NULL;

	if (next && *next != '-')
		return unknown_verb(found, argv);
	if (next && strcmp(next, "--help") != 0 && strcmp(next, "-h") != 0) {
		mb_cmd_say("unknown flag: %s", next);
		mb_cmd_say("See 'mybox %s --help'.", found->parent->name);
		return MB_CLI_EXIT_FLAGS;
	}
	mb_cli_help_parent(cx->program, found->parent, mb_cmd_width(STDOUT_FILENO), &text);
	return mb_cmd_put(&text);
}

static int dispatch(struct mb_cmd_context *cx, int argc, char *const *argv)
{
	struct mb_cli_found found = {0};
	int r = mb_cli_find(cx->program, argc, argv, &found);
	MB_AUTO_FREE char *path = NULL;

	if (r == MB_CLI_NO_VERB)
		return unknown_verb(&found, argv);
	if (r == MB_CLI_ONLY_PARENT)
		return show_parent(cx, &found, argc, argv);
	path = mb_strndup(found.path, found.path_len);
	return call_verb(cx, found.verb, path, argc - found.words, argv + found.words);
}

/* What is of this machine alone, and of another one. */
static int set_remote(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mb_cmd_globals *g = in->args;
	int r = mb_cmd_remote_find(g->host, &cx->remote, err);

	if (r < 0 || !cx->remote)
		return r;
	if (g->config)
		return mb_fail(err, ENOTSUP,
		               "option '--config' with another host: it names a file "
		               "of this machine");
	if (g->host && in->n_operands && mb_streq(in->operands[0], "oci"))
		return mb_fail(err, ENOTSUP, "'oci' with another host: engines run on their own");
	cx->remote_root = mb_cli_is_given(in, "root") ? g->root : NULL;
	cx->remote_run = mb_cli_is_given(in, "runroot") ? g->run : NULL;
	return 0;
}

static int check_globals(const struct mb_cmd_globals *g, struct mb_err *err)
{
	if (g->context && *g->context && strcmp(g->context, "default") != 0)
		return mb_fail(err, ENOENT, "context '%s' does not exist", g->context);
	return 0;
}

static int run_globals(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mb_cmd_globals *g = in->args;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	const char *root = getenv("MYBOX_ROOT"), *run = getenv("MYBOX_RUNROOT");
	int r = check_globals(g, err);

	if (r == 0)
		r = set_remote(cx, in, err);
	if (r < 0)
		return r;
	cx->root = root && *root && !mb_cli_is_given(in, "root") ? root : g->root;
	cx->run = run && *run && !mb_cli_is_given(in, "runroot") ? run : g->run;
	cx->config = g->config;
	cx->debug = g->debug || g->log_level == MB_CMD_LOG_DEBUG;
	if (cx->debug)
		mb_log_enable(true);
	if (g->version) {
		mb_str_add(&text, "mybox version " MB_VERSION "\n");
		return mb_cmd_put(&text);
	}
	if (in->n_operands && mb_streq(in->operands[0], "oci"))
		return mb_cmd_oci_run(cx, (int)in->n_operands - 1, in->operands + 1);
	if (in->n_operands)
		return dispatch(cx, (int)in->n_operands, in->operands);
	mb_cli_help_top(cx->program, mb_cmd_width(STDOUT_FILENO), &text);
	return mb_cmd_put(&text);
}

/* The global options are a verb whose operands are the rest of the line. */
static int run(struct mb_cmd_context *cx, int argc, char *const *argv)
{
	const struct mb_cli_verb top = {
		.summary = cx->program->summary,
		.stop_at_operand = true,
		.max = MB_CLI_MANY,
		.opts = cx->program->globals,
		.args_size = cx->program->globals_size,
		.fail_code = MB_CLI_EXIT_FLAGS,
	};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_cli_input in = {0};
	struct mb_err err = MB_ERR_INIT;
	int r = mb_cli_parse(&top, "", argc, argv, &in, NULL, &err);

	if (r == MB_CLI_HELP) {
		mb_cli_help_top(cx->program, mb_cmd_width(STDOUT_FILENO), &text);
		return mb_cmd_put(&text);
	}
	if (r > 0)
		return bad_usage(r, &top, "", &err);
	if (r == 0)
		r = run_globals(cx, &in, &err);
	mb_cli_input_done(&in);
	return r < 0 ? fail(&top, &err) : r;
}

int main(int argc, char **argv)
{
	struct mb_cmd_context cx = {.user_env = mb_cmd_sanitize(argc, argv), .argv = argv};
	int code = EXIT_FAIL;

	cx.program = mb_cmd_program();
	if (mb_cmd_cni_is_meant(argc > 0 ? argv[0] : NULL))
		code = mb_cmd_cni_run(&cx);
	else if (mb_cmd_oci_is_meant(argc > 0 ? argv[0] : NULL))
		code = mb_cmd_oci_run(&cx, argc - 1, argv + 1);
	else
		code = run(&cx, argc > 0 ? argc - 1 : 0, argv + (argc > 0));
	mb_store_free(cx.store);
	if (fflush(stdout) == EOF && code == 0) {
		if (errno == EPIPE)
			return EXIT_BROKEN_PIPE;
		mb_cmd_say("mybox: cannot write to standard output: %s", strerror(errno));
		return EXIT_FAIL;
	}
	return code;
}
