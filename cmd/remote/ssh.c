/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The near end: ssh as a child, our input and signals as frames on its standard input. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/context.h"
#include "cmd/remote/frame.h"
#include "cmd/remote/remote.h"
#include "cmd/report.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/proc.h"

enum { EXIT_SSH = 255, EXIT_SIGNAL = 128 };

struct near {
	const struct mb_cmd_remote_line *line;
	int in, to, signals, pidfd; /* @to: ssh's standard input, or -1: it has ours */
	struct mb_str pending;
	uint64_t sent;
	uint64_t asked_at; /* sent when a signal that asks for an end will have been; or 0 */
	int asked;         /* how often, each soon after the one before */
	int64_t asked_nsec;
	bool reached; /* somebody has read what was sent first */
	int ended_by; /* a signal that could not be passed on */
	bool failed;  /* what was to be sent is not whole */
};

/* Under sudo the environment stays what main() made of it; else ssh is the caller's own. */
static void set_environment(const struct mb_cmd_context *cx)
{
	const char *agent = mb_cmd_user_env(cx, "SSH_AUTH_SOCK");

	if (!getenv("SUDO_UID")) {
		clearenv();
		for (char *const *v = cx->user_env; v && *v; v++)
			putenv(mb_strdup(*v));
	} else if (agent) {
		setenv("SSH_AUTH_SOCK", agent, 1);
	}
}

static void __attribute__((noreturn))
exec_ssh(const struct near *near, const struct mb_cmd_remote_address *a, const char *command,
         int stdin_fd)
{
	MB_AUTO_STRV struct mb_strv argv = MB_STRV_INIT;
	const struct mb_cmd_remote_line *line = near->line;
	int out = line->out_fd >= 0 ? line->out_fd : line->out.fd;

	mb_strv_add(&argv, "ssh");
	mb_strv_add(&argv, near->to < 0 ? "-t" : "-T");
	if (near->to < 0) /* or each command ends with a word about its connection */
		mb_strv_add(&argv, "-oLogLevel=ERROR");
	if (a->user)
		mb_strv_addf(&argv, "-l%s", a->user);
	if (a->port)
		mb_strv_addf(&argv, "-p%s", a->port);
	mb_strv_add(&argv, "--");
	mb_strv_add(&argv, a->host);
	mb_strv_add(&argv, command);
	if (stdin_fd >= 0)
		dup2(stdin_fd, STDIN_FILENO);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	set_environment(line->cx);
	mb_sys_proc_reset_signals();
	if (near->to >= 0) { /* they cross to the far end: what ends us here is its end */
		signal(SIGINT, SIG_IGN);
		signal(SIGQUIT, SIG_IGN);
	}
	/* lint: banned: the caller's own PATH, and under sudo the one that main() has fixed */
	execvp("ssh", argv.v);
	mb_cmd_say("mybox: cannot execute 'ssh': %s", strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int start(struct near *near, const struct mb_cmd_remote_address *address, bool tty,
                 const char *command, struct mb_err *err)
{
	MB_AUTO_CLOSE int far = -1;
	int ends[2];
	pid_t pid;

	if (!tty) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return mb_fail_sys(err, errno, "cannot make a pipe");
		far = ends[0];
		near->to = ends[1];
		fcntl(near->to, F_SETFL, O_NONBLOCK);
	}
	pid = fork();
	if (pid < 0)
		return mb_fail_sys(err, errno, "cannot make a process");
	if (pid == 0)
		exec_ssh(near, address, command, far);
	return mb_sys_proc_open(pid, &near->pidfd, err);
}

void mb_cmd_remote_frame_add(struct mb_str *out, char kind, const void *bytes, size_t n)
{
	const char head[MB_REMOTE_HEAD] = {kind, (char)(n >> 24), (char)(n >> 16), (char)(n >> 8),
	                                   (char)n};

	mb_str_addn(out, head, sizeof(head));
	mb_str_addn(out, bytes, n);
}

/* A child of ours has given all, or has told why not. */
static bool is_whole(pid_t giver)
{
	int status = 0;

	return giver < 0 || (waitpid(giver, &status, 0) == giver && status == 0);
}

static void take_input(struct near *near)
{
	char buf[MB_REMOTE_MAX];
	ssize_t n = read(near->in, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		mb_cmd_remote_frame_add(&near->pending, MB_REMOTE_DATA, buf, (size_t)n);
		return;
	}
	near->in = -1;
	near->failed = n < 0 || !is_whole(near->line->giver);
	if (near->failed) /* the far end sees a lost connection, and undoes what it began */
		mb_close(&near->to);
	else
		mb_cmd_remote_frame_add(&near->pending, MB_REMOTE_END, NULL, 0);
}

/* What ssh has taken of what was sent. */
static uint64_t taken(const struct near *near)
{
	int unread = 0;

	if (near->to < 0 || ioctl(near->to, FIONREAD, &unread) < 0)
		return 0;
	return near->sent - (uint64_t)unread;
}

static void look_whether_reached(struct near *near)
{
	near->reached |= taken(near) > 0;
}

/* Signals that have nothing to do with each other say nothing of one that was not heeded. */
static void count_asked(struct near *near)
{
	enum { SOON_SEC = 3 };
	int64_t now = mb_monotonic_nsec();

	if (now - near->asked_nsec > SOON_SEC * MB_NSEC_PER_SEC)
		near->asked = 0;
	near->asked_nsec = now;
	near->asked++;
}

/* Whether the one before it waits behind data that nobody reads, or may: ssh itself has taken some
 * that the far end did not. */
static bool is_stuck(const struct near *near)
{
	enum { PATIENCE = 3 };

	if (taken(near) < near->asked_at)
		return true;
	return near->asked >= PATIENCE && near->sent > MB_REMOTE_HELD;
}

static void take_signal(struct near *near)
{
	struct signalfd_siginfo info;
	bool asks;
	char byte;

	if (read(near->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	look_whether_reached(near);
	asks = info.ssi_signo != SIGUSR1 && info.ssi_signo != SIGUSR2;
	if (asks)
		count_asked(near);
	if (near->to >= 0 && near->reached && !(asks && is_stuck(near))) {
		byte = (char)info.ssi_signo;
		mb_cmd_remote_frame_add(&near->pending, MB_REMOTE_SIGNAL, &byte, 1);
		if (asks)
			near->asked_at = near->sent + near->pending.len;
		return;
	}
	near->ended_by = (int)info.ssi_signo;
	mb_sys_proc_signal(near->pidfd, SIGTERM, NULL);
}

static void give(struct near *near)
{
	ssize_t n = write(near->to, near->pending.buf, near->pending.len);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) { /* it ends: its exit code tells the rest */
		mb_close(&near->to);
		near->in = -1;
		return;
	}
	near->sent += (uint64_t)n;
	memmove(near->pending.buf, near->pending.buf + n, near->pending.len - (size_t)n);
	near->pending.len -= (size_t)n;
}

static int carry(struct near *near, struct mb_err *err)
{
	enum { SSH, SIGNALS, IN, TO, N };

	for (;;) {
		struct pollfd polls[N] = {
			[SSH] = {near->pidfd, POLLIN, 0},
			[SIGNALS] = {near->signals, POLLIN, 0},
			[IN] = {near->pending.len ? -1 : near->in, POLLIN, 0},
			[TO] = {near->pending.len ? near->to : -1, POLLOUT, 0},
		};

		if (poll(polls, N, -1) < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot wait for ssh");
		if (polls[SIGNALS].revents)
			take_signal(near);
		if (polls[TO].revents)
			give(near);
		if (polls[SSH].revents)
			return 0;
		if (polls[IN].revents)
			take_input(near);
	}
}

static void tell(const struct near *near, const struct mb_cmd_remote_address *a, bool tty)
{
	if (tty)
		mb_cmd_say("mybox: exit code 255 is ssh's, or the command's own on '%s'", a->host);
	else if (!near->reached)
		mb_cmd_say("mybox: ssh has not reached mybox on '%s'", a->host);
}

static int finish(struct near *near, const struct mb_cmd_remote_address *address, bool tty,
                  struct mb_err *err)
{
	int code, r;

	look_whether_reached(near);
	r = mb_sys_proc_reap(near->pidfd, &code, err);
	if (r < 0)
		return r;
	if (near->ended_by)
		return EXIT_SIGNAL + near->ended_by;
	if (near->failed)
		return EXIT_FAILURE;
	if (code == EXIT_SSH)
		tell(near, address, tty);
	return code;
}

int mb_cmd_remote_ssh(const struct mb_cmd_remote_line *line,
                      const struct mb_cmd_remote_address *address, bool tty, const char *command,
                      struct mb_err *err)
{
	/* With a terminal the far end has its own keys: what ends us ends ssh. */
	static const int forwarded[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};
	const size_t n = tty ? 2 : MB_N(forwarded);
	struct near near = {
		.line = line, .in = tty ? -1 : line->in_fd, .to = -1, .signals = -1, .pidfd = -1};
	sigset_t set;
	int r;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	near.signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (!tty)
		mb_cmd_remote_frame_add(&near.pending, MB_REMOTE_HELLO, NULL, 0);
	if (!tty && near.in < 0)
		mb_cmd_remote_frame_add(&near.pending, MB_REMOTE_END, NULL, 0);
	r = start(&near, address, tty, command, err);
	if (r == 0)
		r = carry(&near, err);
	if (r == 0)
		r = finish(&near, address, tty, err);
	mb_close(&near.to);
	mb_close(&near.signals);
	mb_close(&near.pidfd);
	mb_str_done(&near.pending);
	return r;
}
