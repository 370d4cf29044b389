/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The far end: a verb as a child, with the input and the signals that come in frames. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/remote/frame.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/proc.h"

struct far {
	int to, pidfd; /* the child's standard input, and it */
	struct mb_str in, out;
	size_t given; /* of out */
	bool is_ended, is_lost;
};

static size_t length_of(const unsigned char *head)
{
	return (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
}

static void take_frame(struct far *far, char kind, const char *bytes, size_t n)
{
	switch (kind) {
	case MB_REMOTE_HELLO:
		break;
	case MB_REMOTE_DATA:
		mb_str_addn(&far->out, bytes, far->to >= 0 ? n : 0);
		break;
	case MB_REMOTE_END:
		far->is_ended = true;
		break;
	case MB_REMOTE_SIGNAL:
		if (n == 1 && *bytes > 0 && *bytes < SIGSYS)
			mb_sys_proc_signal(far->pidfd, *bytes, NULL);
		break;
	default:
		far->is_lost = true;
	}
}

static void take_frames(struct far *far)
{
	size_t at = 0;

	while (far->in.len - at >= MB_REMOTE_HEAD && !far->is_lost) {
		const char *head = far->in.buf + at;
		size_t n = length_of((const unsigned char *)head);

		far->is_lost = n > MB_REMOTE_MAX;
		if (far->is_lost || far->in.len - at - MB_REMOTE_HEAD < n)
			break;
		take_frame(far, *head, head + MB_REMOTE_HEAD, n);
		at += MB_REMOTE_HEAD + n;
	}
	if (at) {
		memmove(far->in.buf, far->in.buf + at, far->in.len - at);
		far->in.len -= at;
	}
}

/* A connection that is gone is a terminal that hung up. */
static void lose(struct far *far)
{
	far->is_lost = true;
	mb_sys_proc_signal(far->pidfd, SIGHUP, NULL);
	mb_close(&far->to);
	far->out.len = far->given = 0;
}

static void read_frames(struct far *far)
{
	char buf[MB_REMOTE_MAX];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return;
	if (n > 0) {
		mb_str_addn(&far->in, buf, (size_t)n);
		take_frames(far);
	}
	if (n <= 0 || far->is_lost)
		lose(far);
}

static void give(struct far *far)
{
	ssize_t n = write(far->to, far->out.buf + far->given, far->out.len - far->given);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) { /* it reads no more */
		mb_close(&far->to);
		far->out.len = far->given = 0;
		return;
	}
	far->given += (size_t)n;
	if (far->given <= far->out.len / 2) /* what moves is never more than what has been given */
		return;
	far->out.len -= far->given;
	memmove(far->out.buf, far->out.buf + far->given, far->out.len);
	far->given = 0;
}

/* While the command does not read, its input is held here, so that signals behind it are seen; and
 * when there is no more room, at least that the connection is gone. */
static int carry(struct far *far, struct mb_err *err)
{
	enum { CHILD, IN, TO, N };

	for (;;) {
		struct pollfd polls[N] = {
			[CHILD] = {far->pidfd, POLLIN, 0},
			[IN] = {far->is_lost ? -1 : STDIN_FILENO,
		                far->out.len < MB_REMOTE_HELD ? POLLIN : 0, 0},
			[TO] = {far->out.len ? far->to : -1, POLLOUT, 0},
		};

		if (poll(polls, N, -1) < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot wait for the command");
		if (polls[CHILD].revents)
			return 0;
		if (polls[TO].revents)
			give(far);
		if (polls[IN].revents && polls[IN].events)
			read_frames(far);
		else if (polls[IN].revents)
			lose(far);
		if (far->is_ended && !far->out.len)
			mb_close(&far->to);
	}
}

struct far_args {
	const char *shown;
};

static void __attribute__((noreturn))
exec_verb(const struct mb_cmd_context *cx, const struct mb_cli_input *in, int stdin_fd)
{
	MB_AUTO_STRV struct mb_strv argv = MB_STRV_INIT, env = MB_STRV_INIT;
	const struct far_args *args = in->args;

	mb_strv_add(&argv, cx->argv[0]);
	for (size_t i = 0; i < in->n_operands; i++)
		mb_strv_add(&argv, in->operands[i]);
	mb_strv_addf(&env, MB_CMD_SHOWN "=%s", args->shown ? args->shown : "");
	for (char *const *v = cx->user_env; v && *v; v++)
		mb_strv_add(&env, *v);
	dup2(stdin_fd, STDIN_FILENO);
	execve("/proc/self/exe", argv.v, env.v);
	mb_cmd_say("mybox: cannot execute itself: %s", strerror(errno));
	_exit(MB_CLI_EXIT_FLAGS);
}

static int far_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	enum { EXIT_SSH = 255 };
	struct far far = {.to = -1, .pidfd = -1};
	int ends[2], code = EXIT_SSH, r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	far.to = ends[1];
	pid = fork();
	if (pid == 0)
		exec_verb(cx, in, ends[0]);
	close(ends[0]);
	fcntl(far.to, F_SETFL, O_NONBLOCK);
	r = pid < 0 ? mb_fail_sys(err, errno, "cannot make a process")
	            : mb_sys_proc_open(pid, &far.pidfd, err);
	if (r == 0)
		r = carry(&far, err);
	if (r == 0)
		r = mb_sys_proc_reap(far.pidfd, &code, err);
	if (r == 0 && code == EXIT_SSH) /* which ssh uses for itself, too */
		mb_cmd_say("mybox: exit code 255 is the command's own");
	mb_close(&far.to);
	mb_close(&far.pidfd);
	mb_str_done(&far.in);
	mb_str_done(&far.out);
	return r < 0 ? r : code;
}

static const struct mb_cli_opt far_opts[] = {
	MB_OPT_STRING(0, "shown", "fds", struct far_args, shown,
                      "what leads to a terminal, 1 or 2"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_far_hidden = {
	.paths = "__far",
	.summary = "run a command for a mybox on another host",
	.opts = far_opts,
	.args_size = sizeof(struct far_args),
	.operands = "ARG [ARG...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.stop_at_operand = true,
	.hidden = true,
	.unprivileged = true,
	.main = far_main,
};
