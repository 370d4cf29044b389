/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/container_choice.h"
#include "cmd/container_each.h"
#include "cmd/notify.h"
#include "cmd/report.h"
#include "cmd/session.h"
#include "container/container.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "monitor/client.h"

struct start_args {
	struct mb_cmd_choice choice;
	bool attach, interactive;
	const char *detach_keys;
	int sdnotify;
};

struct starting {
	const struct mb_cmd_context *cx;
	const struct start_args *args;
};

static int start_one(void *arg, struct mb_container *c, struct mb_err *err)
{
	const struct starting *s = arg;
	struct mb_container_start how = {.notify = mb_cmd_notify_socket(s->cx, s->args->sdnotify)};
	int r = mb_cmd_notify_check(c, s->args->sdnotify, err);

	if (r == 0)
		r = mb_container_start(c, &how, NULL, err);
	for (size_t i = 0; i < how.warnings.n; i++)
		mb_cmd_say("WARNING: %s", how.warnings.v[i]);
	mb_strv_done(&how.warnings);
	return r < 0 ? r : mb_cmd_notify_started(s->cx, c, s->args->sdnotify, true, err);
}

/* It runs already, or it does now and we are attached: stay until it ends. */
static int stay(const struct mb_cmd_context *cx, struct mb_container *c,
                struct mb_container_session *session, const struct start_args *args,
                struct mb_err *err)
{
	const struct mb_cmd_session_options options = {.sig_proxy = true,
	                                               .detach_keys = args->detach_keys};
	int code = 0, r = 0;
	pid_t beside;

	if (session->sock < 0)
		r = mb_container_attach(c, MB_MONITOR_STDOUT | MB_MONITOR_STDERR, args->interactive,
		                        session, err);
	if (r != 0)
		return r < 0 ? r : -ESRCH;
	beside = mb_cmd_notify_begin(cx, c, args->sdnotify, session);
	r = mb_cmd_session_run(c, session, &options, &code, err);
	mb_cmd_notify_end(beside);
	if (r == 0 && session->cleans) {
		r = mb_container_finish(c, err);
		mb_monitor_cleaned(session->sock, NULL);
	}
	return r < 0 ? r : code;
}

static int start_attached(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                          struct mb_err *err)
{
	const struct start_args *args = in->args;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	__attribute__((cleanup(mb_container_session_done))) struct mb_container_session session =
		MB_CONTAINER_SESSION_INIT;
	struct mb_container_start how = {.attach = true,
	                                 .want_stdin = args->interactive,
	                                 .streams = MB_MONITOR_STDOUT | MB_MONITOR_STDERR,
	                                 .notify = mb_cmd_notify_socket(cx, args->sdnotify)};
	int r;

	if (in->n_operands > 1)
		return mb_fail(err, EINVAL,
		               "you cannot start and attach multiple containers at once");
	r = mb_cmd_session_check(&(struct mb_cmd_session_options){.detach_keys = args->detach_keys},
	                         err);
	if (r == 0)
		r = mb_cmd_container_find(cx, in->operands[0], &c, err);
	if (r == 0)
		r = mb_cmd_notify_check(c, args->sdnotify, err);
	if (r == 0) {
		how.want_stdin = args->interactive && c->record->config.open_stdin;
		r = mb_container_start(c, &how, &session, err);
	}
	for (size_t i = 0; i < how.warnings.n; i++)
		mb_cmd_say("WARNING: %s", how.warnings.v[i]);
	mb_strv_done(&how.warnings);
	return r < 0 ? r : stay(cx, c, &session, args, err);
}

static bool may_start(const struct mb_container *c)
{
	return !mb_container_is_running(c);
}

static int start_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct start_args *args = in->args;
	struct starting starting = {cx, args};
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_cli_input chosen;
	int r = mb_cmd_choose(cx, in, &args->choice, may_start, &chosen, &names, err);

	if (r == 0)
		r = mb_cmd_container_seal(cx, &chosen, err);
	if (r < 0)
		return r;
	if ((args->attach || args->interactive) && chosen.n_operands)
		return start_attached(cx, &chosen, err);
	return mb_cmd_container_each(cx, &chosen, start_one, &starting, err);
}

static const struct mb_cli_opt start_opts[] = {
	MB_CMD_CHOICE_ALL(0, struct start_args),
	MB_CMD_CHOICE_FILTER('f', struct start_args),
	MB_CMD_CHOICE_LATEST('l', struct start_args),
	MB_OPT_SWITCH('a', "attach", struct start_args, attach,
                      "attach STDOUT and STDERR and forward signals"),
	MB_OPT_STRING(0, "detach-keys", NULL, struct start_args, detach_keys,
                      "keys that detach from the container"),
	MB_OPT_SWITCH('i', "interactive", struct start_args, interactive,
                      "attach the container's STDIN"),
	MB_OPT_CHOICE(0, "sdnotify", NULL, struct start_args, sdnotify, mb_cmd_notify_modes,
                      "who tells systemd that it has started", .def = "container"),
	MB_OPT_REFUSED(0, "checkpoint", true, NULL),
	MB_OPT_REFUSED(0, "checkpoint-dir", true, NULL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_start = {
	.paths = "start|container start",
	.summary = "start one or more stopped containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_STOPPED},
	.opts = start_opts,
	.args_size = sizeof(struct start_args),
	.main = start_main,
};
