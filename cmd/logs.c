/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/container_choice.h"
#include "cmd/container_each.h"
#include "cmd/context.h"
#include "cmd/logs_many.h"
#include "container/container.h"
#include "container/life.h"
#include "container/logging.h"
#include "container/logpack.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "monitor/logfile.h"
#include "sys/proc.h"

struct logs_args {
	struct mb_cmd_choice choice;
	bool follow, timestamps, details, names, colour;
	const char *tail, *since, *until;
};

static int write_piece(void *arg, enum mb_monitor_stream stream, const void *bytes, size_t n)
{
	(void)arg;
	return mb_write_full(stream == MB_MONITOR_STDERR ? STDERR_FILENO : STDOUT_FILENO, bytes, n);
}

static int fill_options(const struct logs_args *args, struct mb_logfile_options *o,
                        struct mb_err *err)
{
	int64_t now = mb_now_nsec();

	/* docker: whatever is no number means all. */
	o->tail = -1;
	if (args->tail && mb_parse_i64(args->tail, &o->tail) < 0)
		o->tail = -1;
	if (args->since && mb_time_parse_reference(args->since, now, &o->since) < 0)
		return mb_fail(err, EINVAL,
		               "invalid value for \"since\": failed to parse value "
		               "as time or duration: \"%s\"",
		               args->since);
	if (args->until && mb_time_parse_reference(args->until, now, &o->until) < 0)
		return mb_fail(err, EINVAL,
		               "invalid value for \"until\": failed to parse value "
		               "as time or duration: \"%s\"",
		               args->until);
	return 0;
}

/* New lines as they come, until the container ended and all is read. */
static int follow(struct mb_container *c, struct mb_logfile *log, bool stamps, struct mb_err *err)
{
	struct mb_sys_proc_id id = {.pid = c->state.run.monitor,
	                            .start = c->state.run.monitor_start};
	MB_AUTO_CLOSE int monitor = -1;
	int log_fd, r = mb_logfile_follow(log, &log_fd, err);

	if (r == 0)
		r = mb_sys_proc_id_open(&id, &monitor, err);
	while (r == 0 && !mb_logfile_is_past(log)) {
		struct pollfd p[] = {{.fd = log_fd, .events = POLLIN},
		                     {.fd = monitor, .events = POLLIN}};

		r = mb_logfile_copy(log, stamps, write_piece, NULL, err);
		if (r < 0)
			return r;
		if (poll(p, MB_N(p), -1) < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot poll");
		mb_logfile_settle(log);
		r = 0;
		if (!p[1].revents)
			continue;
		mb_close(&monitor);
		r = mb_container_monitor_again(c, &monitor, err);
	}
	return r < 0 ? r : 0;
}

/* Lines that have something in front of them are read one by one. */
static bool is_by_line(const struct mb_cli_input *in)
{
	const struct logs_args *a = in->args;

	return in->n_operands > 1 || a->details || a->names || a->colour;
}

static int logs_by_line(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        const struct mb_logfile_options *options, struct mb_err *err)
{
	const struct logs_args *a = in->args;
	const struct mb_cmd_logs_many how = {
		.references = in->operands,
		.n = in->n_operands,
		.options = options,
		.follow = a->follow,
		.timestamps = a->timestamps,
		.details = a->details,
		.names = a->names || a->colour || in->n_operands > 1,
		.colour = a->colour && !mb_cmd_user_env(cx, "NO_COLOR"),
	};

	return mb_cmd_logs_many(cx, &how, err);
}

static int show(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct logs_args *args = in->args;
	struct mb_logfile_options options = {0};
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = NULL;
	MB_AUTO_FREE char *file = NULL;
	int r = fill_options(args, &options, err);

	/* A reader that leaves ends us, as it ends cat. */
	signal(SIGPIPE, SIG_DFL);
	if (r == 0 && is_by_line(in))
		return logs_by_line(cx, in, &options, err);
	if (r == 0)
		r = mb_cmd_container_find(cx, in->operands[0], &c, err);
	if (r == 0)
		r = mb_container_logging_is_readable(c, err);
	if (r < 0)
		return r;
	options.until_now = !args->follow || !mb_container_is_running(c);
	file = mb_container_logging_file(c);
	options.name = file;
	options.unpack = mb_container_logunpack;
	r = mb_logfile_open(c->dir_fd, &options, &log, err);
	if (r < 0)
		return r;
	if (!options.until_now)
		r = follow(c, log, args->timestamps, err);
	if (r < 0)
		return r;
	mb_logfile_finish(log);
	r = mb_logfile_copy(log, args->timestamps, write_piece, NULL, err);
	if (r >= 0)
		mb_cmd_logs_say_lost(c);
	return r < 0 ? r : 0;
}

static int logs_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct logs_args *args = in->args;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_cli_input chosen;
	int r = mb_cmd_choose(cx, in, &args->choice, NULL, &chosen, &names, err);

	return r < 0 ? r : show(cx, &chosen, err);
}

static const struct mb_cli_opt logs_opts[] = {
	MB_OPT_SWITCH(0, "color", struct logs_args, colour,
                      "names in colours, unless NO_COLOR is set"),
	MB_OPT_SWITCH(0, "details", struct logs_args, details,
                      "show extra details provided to logs"),
	MB_OPT_SWITCH('f', "follow", struct logs_args, follow, "follow log output"),
	MB_CMD_CHOICE_LATEST('l', struct logs_args),
	MB_OPT_SWITCH(0, "names", struct logs_args, names, "the container's name before each line"),
	MB_OPT_STRING(0, "since", NULL, struct logs_args, since,
                      "show logs since a time or a duration ago (42m)"),
	MB_OPT_STRING('n', "tail", NULL, struct logs_args, tail,
                      "lines to show from the end (-n with no number: --names)", .def = "all",
                      .else_means = "names"),
	MB_OPT_SWITCH('t', "timestamps", struct logs_args, timestamps, "show timestamps"),
	MB_OPT_STRING(0, "until", NULL, struct logs_args, until,
                      "show logs before a time or a duration ago (42m)"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_logs = {
	.paths = "logs|container logs",
	.summary = "fetch the logs of containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_CONTAINER},
	.opts = logs_opts,
	.args_size = sizeof(struct logs_args),
	.main = logs_main,
};
