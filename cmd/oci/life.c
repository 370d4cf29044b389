/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs that take a container and little else: start, kill, delete, pause, resume. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"

/* Open, do, tell. */
static int with(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                int (*fn)(struct mb_bundle *b, struct mb_err *err), struct mb_err *err)
{
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	int r = mb_cmd_oci_open(cx, in->operands[0], MB_BUNDLE_LOCK, &b, err);

	if (r < 0)
		return r;
	r = fn(b, err);
	mb_cmd_oci_tell_warnings(cx->oci, b);
	return r;
}

static int start_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	return with(cx, in, mb_bundle_start, err);
}

static int pause_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	return with(cx, in, mb_bundle_pause, err);
}

static int resume_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	return with(cx, in, mb_bundle_resume, err);
}

struct kill_args {
	bool all;
};

/* It waits for nobody: a start that hangs is killed by it. */
static int kill_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct kill_args *args = in->args;
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	int sig = 15;
	int r;

	if (in->n_operands > 1 && mb_parse_signal(in->operands[1], &sig) < 0)
		return mb_fail(err, EINVAL, "invalid signal '%s'", in->operands[1]);
	r = mb_cmd_oci_open(cx, in->operands[0], 0, &b, err);
	return r < 0 ? r : mb_bundle_kill(b, sig, args->all, err);
}

struct delete_args {
	bool force;
};

static int delete_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct delete_args *args = in->args;
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	int r;

	/* Who makes or changes it gives up the lock when its process 1 dies. */
	if (args->force &&
	    mb_cmd_oci_open(cx, in->operands[0], MB_BUNDLE_BROKEN_TOO, &b, NULL) == 0)
		(void)mb_bundle_kill(b, 9, false, NULL);
	mb_bundle_free(mb_take_ptr(&b));
	r = mb_cmd_oci_open(cx, in->operands[0],
	                    MB_BUNDLE_LOCK | (args->force ? MB_BUNDLE_BROKEN_TOO : 0), &b, err);
	if (r == -ENOENT && args->force)
		return 0;
	if (r == 0)
		r = mb_bundle_delete(b, args->force, err);
	if (b)
		mb_cmd_oci_tell_warnings(cx->oci, b);
	return r;
}

static const struct mb_cli_opt kill_opts[] = {
	MB_OPT_SWITCH('a', "all", struct kill_args, all, "signal every process in it"),
	MB_OPT_END,
};

static const struct mb_cli_opt delete_opts[] = {
	MB_OPT_SWITCH('f', "force", struct delete_args, force, "kill it first if it runs"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_oci_start = {
	.paths = "start",
	.summary = "start what was created",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.main = start_main,
};

const struct mb_cli_verb mb_cmd_oci_pause = {
	.paths = "pause",
	.summary = "freeze all processes of a container",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.main = pause_main,
};

const struct mb_cli_verb mb_cmd_oci_resume = {
	.paths = "resume",
	.summary = "let a paused container go on",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.main = resume_main,
};

const struct mb_cli_verb mb_cmd_oci_kill = {
	.paths = "kill",
	.summary = "send a signal to a container's first process",
	.operands = "ID [SIGNAL]",
	.min = 1,
	.max = 2,
	.opts = kill_opts,
	.args_size = sizeof(struct kill_args),
	.main = kill_main,
};

const struct mb_cli_verb mb_cmd_oci_delete = {
	.paths = "delete",
	.summary = "remove what a container leaves",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.opts = delete_opts,
	.args_size = sizeof(struct delete_args),
	.main = delete_main,
};
