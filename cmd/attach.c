/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/session.h"
#include "container/container.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "monitor/client.h"

struct attach_args {
	bool no_stdin;
	int sig_proxy;
	const char *detach_keys;
};

static int attach_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct attach_args *args = in->args;
	const struct mb_cmd_session_options options = {.sig_proxy = args->sig_proxy != MB_CLI_NO,
	                                               .detach_keys = args->detach_keys};
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	__attribute__((cleanup(mb_container_session_done))) struct mb_container_session session =
		MB_CONTAINER_SESSION_INIT;
	int code = 0, r = mb_cmd_container_find(cx, in->operands[0], &c, err);

	if (r == 0)
		r = mb_container_attach(c, MB_MONITOR_STDOUT | MB_MONITOR_STDERR,
		                        c->record->config.open_stdin && !args->no_stdin, &session,
		                        err);
	if (r != 0)
		return r < 0 ? r : -ESRCH;
	r = mb_cmd_session_run(c, &session, &options, &code, err);
	return r < 0 ? r : code;
}

static const struct mb_cli_opt attach_opts[] = {
	MB_OPT_STRING(0, "detach-keys", NULL, struct attach_args, detach_keys,
                      "keys that detach from the container"),
	MB_OPT_SWITCH(0, "no-stdin", struct attach_args, no_stdin, "do not attach STDIN"),
	MB_OPT_TRI(0, "sig-proxy", struct attach_args, sig_proxy, "pass signals on to the process",
                   .def = "true"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_attach = {
	.paths = "attach|container attach",
	.summary = "attach the terminal to a running container",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_RUNNING},
	.opts = attach_opts,
	.args_size = sizeof(struct attach_args),
	.main = attach_main,
};
