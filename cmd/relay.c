/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"

enum { CONTROL = 2, N_POLL, CHUNK = 64 << 10 };

/* Nothing that the user has could be reached through it. */
static bool is_harmless(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return false;
	return fs.f_type == PIPEFS_MAGIC || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

int mb_cmd_relay_open(int stdio[3], struct mb_cmd_relay *relay, struct mb_err *err)
{
	for (int i = 0; i < 3; i++) {
		int fds[2];

		if (stdio[i] < 0 || is_harmless(stdio[i]))
			continue;
		if (pipe2(fds, O_CLOEXEC) < 0)
			return mb_fail_sys(err, errno, "cannot make a pipe");
		relay->user[i] = stdio[i];
		relay->far[i] = fds[i != 0];
		relay->near[i] = fds[i == 0];
		stdio[i] = relay->far[i];
	}
	return 0;
}

/* ---- the carriers: two, for neither may wait for the other ---- */

static char bytes[CHUNK];

/* The user's may be set not to wait, by whoever else has it open. */
static bool put(int fd, const char *at, size_t n)
{
	while (n) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		ssize_t w = write(fd, at, n);

		if (w < 0 && errno == EAGAIN)
			poll(&p, 1, -1);
		else if (w < 0 && errno != EINTR)
			return false;
		at += w < 0 ? 0 : w;
		n -= w < 0 ? 0 : (size_t)w;
	}
	return true;
}

/* Return: bytes carried; 0 at the end of either side; -1 when there is nothing now. */
static ssize_t carry(int from, int to)
{
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : 0;
	return n > 0 && put(to, bytes, (size_t)n) ? n : 0;
}

/* The terminal's signals are for the command; only stopping stops all. */
static void leave_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGTSTP);
	sigdelset(&set, SIGTTIN);
	sigdelset(&set, SIGTTOU);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static _Noreturn void carry_input(int from, int to, pid_t parent)
{
	struct pollfd p = {.fd = from, .events = POLLIN};

	leave_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent && (poll(&p, 1, -1) >= 0 || errno == EINTR)) {
		if (carry(from, to) == 0)
			break;
	}
	_exit(0);
}

static _Noreturn void carry_output(struct mb_cmd_relay *relay, int control)
{
	struct pollfd p[N_POLL] = {[CONTROL] = {.fd = control}};

	leave_signals();
	while (!p[CONTROL].revents) {
		for (int i = 1; i < 3; i++)
			p[i - 1] = (struct pollfd){.fd = relay->near[i], .events = POLLIN};
		if (poll(p, N_POLL, -1) < 0 && errno != EINTR)
			_exit(1);
		for (int i = 1; i < 3; i++) {
			if (p[i - 1].revents && carry(relay->near[i], relay->user[i]) == 0)
				mb_close(&relay->near[i]);
		}
	}
	for (int i = 1; i < 3; i++) {
		if (relay->near[i] < 0)
			continue;
		fcntl(relay->near[i], F_SETFL, O_NONBLOCK);
		/* What is in the pipe, not what others go on to write. */
		for (ssize_t left = fcntl(relay->near[i], F_GETPIPE_SZ), n = 1; left > 0 && n > 0;
		     left -= n)
			n = carry(relay->near[i], relay->user[i]);
	}
	_exit(0);
}

/* ---- the command ---- */

static void close_all(int fds[3])
{
	for (int i = 0; i < 3; i++)
		mb_close(&fds[i]);
}

static int start_input(struct mb_cmd_relay *relay, struct mb_err *err)
{
	const pid_t parent = getpid();

	if (relay->near[0] < 0)
		return 0;
	relay->input = fork();
	if (relay->input == 0) {
		mb_close(&relay->near[1]);
		mb_close(&relay->near[2]);
		carry_input(relay->user[0], relay->near[0], parent);
	}
	mb_close(&relay->near[0]);
	return relay->input < 0 ? mb_fail_sys(err, errno, "cannot fork") : 0;
}

static int start_output(struct mb_cmd_relay *relay, struct mb_err *err)
{
	int fds[2];

	if (relay->near[1] < 0 && relay->near[2] < 0)
		return 0;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	relay->output = fork();
	if (relay->output == 0) {
		close(fds[1]);
		carry_output(relay, fds[0]);
	}
	close(fds[0]);
	relay->control = fds[1];
	mb_close(&relay->near[1]);
	mb_close(&relay->near[2]);
	return relay->output < 0 ? mb_fail_sys(err, errno, "cannot fork") : 0;
}

int mb_cmd_relay_start(struct mb_cmd_relay *relay, struct mb_err *err)
{
	int r;

	close_all(relay->far);
	r = start_input(relay, err);
	return r < 0 ? r : start_output(relay, err);
}

void mb_cmd_relay_finish(struct mb_cmd_relay *relay)
{
	close_all(relay->far);
	close_all(relay->near);
	mb_close(&relay->control);
	if (relay->input > 0) {
		kill(relay->input, SIGKILL); /* a child of ours that nobody has waited for */
		(void)!waitpid(relay->input, NULL, 0);
	}
	if (relay->output > 0)
		(void)!waitpid(relay->output, NULL, 0);
	relay->input = relay->output = -1;
}
