/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/container_choice.h"
#include "cmd/container_flags.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/relay.h"
#include "cmd/report.h"
#include "cmd/session.h"
#include "container/container.h"
#include "container/event.h"
#include "container/exec.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"

struct exec_args {
	struct mb_cmd_choice choice;
	bool interactive, tty, detach, privileged;
	struct mb_strv env, env_files;
	const char *user, *workdir, *detach_keys;
};

static int fill(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                struct mb_container_exec_request *q, struct mb_err *err)
{
	const struct exec_args *a = in->args;
	bool detach = a->detach;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->env_files.n; i++)
		r = mb_cmd_env_file_add(cx, a->env_files.v[i], &q->env, err);
	for (size_t i = 0; r == 0 && i < a->env.n; i++)
		r = mb_cmd_env_add(cx, a->env.v[i], &q->env, err);
	for (size_t i = 1; i < in->n_operands; i++)
		mb_strv_add(&q->args, in->operands[i]);
	q->user = a->user;
	q->workdir = a->workdir;
	q->tty = a->tty && !detach;
	q->detach = detach;
	q->privileged = a->privileged;
	q->stdio[0] = a->interactive && !detach ? STDIN_FILENO : -1;
	q->stdio[1] = detach ? -1 : STDOUT_FILENO;
	q->stdio[2] = detach ? -1 : STDERR_FILENO;
	return r;
}

/* With --latest all operands are the command's: *@ret is as if the container had been named. */
static int name_container(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                          struct mb_cli_input *ret, struct mb_strv *names, struct mb_err *err)
{
	const struct exec_args *a = in->args;
	struct mb_cli_input nobody = *in;
	int r;

	*ret = *in;
	if (!a->choice.latest)
		return 0;
	if (!in->n_operands)
		return mb_fail(err, EINVAL, "--latest: no command is named");
	nobody.n_operands = 0;
	r = mb_cmd_choose(cx, &nobody, &a->choice, NULL, ret, names, err);
	for (size_t i = 0; r == 0 && i < in->n_operands; i++)
		mb_strv_add(names, in->operands[i]);
	ret->operands = names->v;
	ret->n_operands = names->n;
	return r;
}

/* The monitor tells of its end: what we tell has to come first. */
static void leave(struct mb_container *c, struct mb_container_exec *x)
{
	struct mb_err why = MB_ERR_INIT;

	mb_container_event_with(c, "exec_detach", "execID", x->id);
	if (mb_container_exec_leave(c, x, &why) < 0)
		mb_cmd_say("mybox: container '%s': the command loses its terminal: %s",
		           mb_container_name(c), why.msg);
}

static int finish(struct mb_container *c, struct mb_container_exec *x,
                  const struct mb_container_exec_request *q, const struct exec_args *a,
                  struct mb_err *err)
{
	const struct mb_cmd_session_options options = {.sig_proxy = true,
	                                               .detach_keys = a->detach_keys};
	int code = 0, r;

	if (q->tty)
		r = mb_cmd_console_run(x->console_fd, x->pidfd, &options, &code, err);
	else
		r = mb_cmd_child_wait(x->pidfd, &code, err);
	/* What we can no longer watch ends with us: the guard sees to it. */
	if (r < 0 || r == MB_CMD_LOST)
		return r < 0 ? r : code;
	if (r == MB_CMD_DETACHED)
		leave(c, x);
	mb_container_exec_done(x);
	if (r != MB_CMD_DETACHED)
		mb_container_event_exec_die(c, x->id, code);
	return code;
}

static int exec_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct exec_args *a = in->args;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_cli_input named;
	struct mb_container_exec x = MB_CONTAINER_EXEC_INIT;
	struct mb_container_exec_request request = {.stdio = {-1, -1, -1}};
	struct mb_cmd_relay relay = MB_CMD_RELAY_INIT;
	struct mb_store *store;
	int code = 1, r;

	if (a->tty && a->interactive && !a->detach && !mb_cmd_is_tty(STDIN_FILENO))
		return mb_fail(err, ENOTTY, "the input device is not a TTY");
	r = mb_cmd_session_check(&(struct mb_cmd_session_options){.detach_keys = a->detach_keys},
	                         err);
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = name_container(cx, in, &named, &names, err);
	if (r == 0)
		r = mb_container_find(store, named.operands[0], &c, err);
	if (r == 0)
		r = mb_container_adopt(c, err);
	if (r == 0)
		r = fill(cx, &named, &request, err);
	if (r == 0 && !request.tty)
		r = mb_cmd_relay_open(request.stdio, &relay, err);
	if (r == 0 && !request.detach)
		r = mb_container_exec(c, &request, &x, &code, err);
	else if (r == 0)
		r = mb_container_exec_aside(c, &request, &code, err);
	if (r == 0 && !request.detach)
		r = mb_cmd_relay_start(&relay, err);
	if (r == 0 && !request.detach)
		r = finish(c, &x, &request, a, err);
	else if (r != 0 && err->code) {
		mb_cmd_report(err);
		r = code;
	}
	mb_cmd_relay_finish(&relay);
	mb_strv_done(&request.args);
	mb_strv_done(&request.env);
	return r;
}

// clang-format off
static const struct mb_cli_opt exec_opts[] = {
	MB_OPT_SWITCH('d', "detach", struct exec_args, detach, "run the command in the background"),
	MB_OPT_STRING(0, "detach-keys", NULL, struct exec_args, detach_keys, "keys that detach from the container"),
	MB_OPT_LIST('e', "env", NULL, struct exec_args, env, "set environment variables"),
	MB_OPT_LIST(0, "env-file", "file", struct exec_args, env_files, "read in a file of environment variables", .complete = MB_COMP_FILE),
	MB_OPT_SWITCH('i', "interactive", struct exec_args, interactive, "keep STDIN open even if not attached"),
	MB_CMD_CHOICE_LATEST('l', struct exec_args),
	MB_OPT_SWITCH(0, "privileged", struct exec_args, privileged, "give extended privileges to the command"),
	MB_OPT_SWITCH('t', "tty", struct exec_args, tty, "allocate a pseudo-terminal"),
	MB_OPT_STRING('u', "user", NULL, struct exec_args, user, "user name or uid (<name|uid>[:<group|gid>])"),
	MB_OPT_STRING('w', "workdir", NULL, struct exec_args, workdir, "working directory inside the container"),
	MB_OPT_END,
};
// clang-format on

const struct mb_cli_verb mb_cmd_exec = {
	.paths = "exec|container exec",
	.summary = "run a command in a running container",
	.operands = "CONTAINER COMMAND [ARG...]",
	.min = 2,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.stop_at_operand = true,
	.common = true,
	.opts = exec_opts,
	.args_size = sizeof(struct exec_args),
	.examples = "mybox exec -it web sh\n"
		    "mybox exec a produce | mybox exec -i b consume\n",
	.main = exec_main,
};
