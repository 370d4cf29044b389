/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "cmd/container_flags.h"
#include "cmd/context.h"
#include "cmd/create.h"
#include "cmd/notify.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "cmd/session.h"
#include "container/await.h"
#include "container/container.h"
#include "container/health.h"
#include "container/life.h"
#include "core/err.h"
#include "core/log.h"
#include "monitor/client.h"
#include "sys/interrupt.h"

enum { EXIT_ENGINE = 125 };

static unsigned streams_of(const struct mb_container_config *config)
{
	return (config->attach_stdout ? MB_MONITOR_STDOUT : 0u) |
	       (config->attach_stderr ? MB_MONITOR_STDERR : 0u);
}

static int failed_start(struct mb_container *c, const struct mb_container_start *how,
                        const struct mb_err *err)
{
	/* It will end us when all is undone. */
	if (mb_sys_interrupt_check(NULL) == 0)
		mb_cmd_report(err);
	if (c->record->host.auto_remove)
		mb_container_remove(c, true, true, NULL);
	return how->exit_code ? how->exit_code : EXIT_ENGINE;
}

static int run_attached(const struct mb_cmd_context *cx, struct mb_container *c,
                        const struct mb_cmd_create_args *args, struct mb_container_start *how,
                        struct mb_err *err)
{
	const struct mb_cmd_session_options options = {.sig_proxy = args->sig_proxy != MB_CLI_NO,
	                                               .detach_keys = args->detach_keys};
	__attribute__((cleanup(mb_container_session_done))) struct mb_container_session session =
		MB_CONTAINER_SESSION_INIT;
	struct mb_err ignored = MB_ERR_INIT;
	int code = 0, r;
	pid_t beside;

	how->attach = true;
	how->want_stdin = c->record->config.attach_stdin;
	how->streams = streams_of(&c->record->config);
	r = mb_container_start(c, how, &session, err);
	mb_cmd_create_warn(&how->warnings);
	if (r < 0)
		return failed_start(c, how, err);
	beside = mb_cmd_notify_begin(cx, c, args->sdnotify, &session);
	r = mb_cmd_session_run(c, &session, &options, &code, err);
	mb_cmd_notify_end(beside);
	mb_debug("the session ended");
	if (r != 0)
		return r < 0 ? r : code;
	r = mb_container_finish(c, &ignored);
	if (r < 0)
		mb_cmd_report(&ignored);
	mb_monitor_cleaned(session.sock, NULL);
	mb_debug("cleaned up");
	return code;
}

/* Until it is healthy, or runs if nobody asks.  Return: an exit code; or -errno. */
static int await(struct mb_container *c, const struct mb_cmd_create_args *args, struct mb_err *err)
{
	unsigned wanted = MB_AWAIT_HEALTHY | MB_AWAIT_UNHEALTHY, met;
	int code = 0, r;

	if (!mb_container_health_is_probe(c->record->config.healthcheck))
		wanted = MB_AWAIT_RUNNING | MB_AWAIT_ENDED;
	r = mb_container_await(c, wanted, args->wait_timeout ? args->wait_timeout : -1, &met, &code,
	                       err);
	if (r < 0)
		return r;
	if (r == 0 && met & (MB_AWAIT_HEALTHY | MB_AWAIT_RUNNING))
		return 0;
	if (r == 0)
		mb_fail(err, EIO, "container '%s' %s", mb_container_name(c),
		        met & MB_AWAIT_UNHEALTHY ? "is unhealthy" : "has ended");
	mb_cmd_report(err);
	return code > 0 ? code : 1;
}

static int run_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mb_cmd_create_args *args = in->args;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_container_start how = {0};
	sigset_t before;
	int r;

	/* docker's client tells this itself, with its own exit code. */
	if (!args->detach && args->tty && args->interactive && !mb_cmd_is_tty(STDIN_FILENO)) {
		mb_cmd_say("the input device is not a TTY");
		return 1;
	}
	r = mb_cmd_session_check(&(struct mb_cmd_session_options){.detach_keys = args->detach_keys},
	                         err);
	if (r < 0)
		return r;
	if ((args->wait || args->wait_timeout) && !args->detach)
		return mb_fail(err, EINVAL, "--wait is for containers in the background: add -d");
	if ((args->pid && *args->pid) || args->requires.n) {
		r = mb_cmd_seal(cx, err);
		if (r < 0)
			return r;
	}
	r = mb_cmd_create_held(cx, in, &before, &c, err);
	if (r == 0)
		r = mb_cmd_notify_check(c, args->sdnotify, err);
	if (r < 0 && c)
		mb_container_remove(c, true, true, NULL);
	if (r < 0) {
		mb_sys_interrupt_release(&before);
		return r;
	}
	mb_debug("created");
	how.notify = mb_cmd_notify_socket(cx, args->sdnotify);
	if (!args->detach) {
		r = run_attached(cx, c, args, &how, err);
	} else {
		r = mb_container_start(c, &how, NULL, err);
		mb_cmd_create_warn(&how.warnings);
		if (r < 0)
			r = failed_start(c, &how, err);
		else
			r = mb_cmd_put_line(c->id);
		/* There is nothing to undo any more: a wait ends by any signal. */
		mb_sys_interrupt_release(&before);
		if (r == 0)
			r = mb_cmd_notify_started(cx, c, args->sdnotify, true, err);
		if (r == 0 && args->wait)
			r = await(c, args, err);
	}
	mb_strv_done(&how.warnings);
	if (how.exit_code && !args->detach)
		mb_sys_interrupt_release(&before);
	return r;
}

const struct mb_cli_verb mb_cmd_run = {
	.paths = "run|container run",
	.summary = "create and run a new container from an image",
	.operands = "IMAGE [COMMAND] [ARG...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.stop_at_operand = true,
	.common = true,
	.fail_code = EXIT_ENGINE,
	.opts = mb_cmd_run_opts,
	.args_size = sizeof(struct mb_cmd_create_args),
	.examples = "mybox run --rm -it deb bash\n"
		    "mybox run -d --name web --network my-net -p 8080:80 web-server\n",
	.main = run_main,
};
