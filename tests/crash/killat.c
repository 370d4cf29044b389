/* SPDX-License-Identifier: GPL-2.0-or-later */
/* killat [-k INDEX] [-m one|main|all] [-o REPORT] [-t SECONDS] COMMAND...
 *
 * Runs COMMAND under ptrace, numbers every system call that it and its children enter until
 * COMMAND itself ends, and kills at call INDEX: the process that makes it (one), COMMAND (main)
 * or everything traced (all).  Without -k it only counts.  Whoever lives on when COMMAND has
 * ended is let go.  REPORT gets one line: calls=N killed=0|1 who=NAME call=NR status=WAITSTATUS
 * hang=0|1. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum mode { ONE, MAIN, ALL };
enum { MAX_TRACED = 4096 };

struct run {
	long wanted, calls, number;
	enum mode mode;
	pid_t command, traced[MAX_TRACED];
	size_t n_traced;
	bool counting, killed;
	int status;
	char who[32];
};

static volatile sig_atomic_t timed_out;

static void on_alarm(int sig)
{
	(void)sig;
	timed_out = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(70);
}

static void remember(struct run *run, pid_t pid)
{
	for (size_t i = 0; i < run->n_traced; i++)
		if (run->traced[i] == pid)
			return;
	if (run->n_traced < MAX_TRACED)
		run->traced[run->n_traced++] = pid;
}

static void forget(struct run *run, pid_t pid)
{
	for (size_t i = 0; i < run->n_traced; i++)
		if (run->traced[i] == pid)
			run->traced[i] = run->traced[--run->n_traced];
}

static void kill_all(struct run *run)
{
	for (size_t i = 0; i < run->n_traced; i++)
		kill(run->traced[i], SIGKILL);
}

static void read_name(pid_t pid, char *out, size_t size)
{
	char path[48];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, out, size - 1);
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n - 1 : 0] = '\0';
}

static void strike(struct run *run, pid_t pid, long number)
{
	run->killed = true;
	run->number = number;
	read_name(pid, run->who, sizeof(run->who));
	if (run->mode == ALL)
		kill_all(run);
	else
		kill(run->mode == MAIN ? run->command : pid, SIGKILL);
}

static void on_call(struct run *run, pid_t pid)
{
	struct ptrace_syscall_info info;

	if (!run->counting || ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	run->calls++;
	if (run->calls == run->wanted)
		strike(run, pid, (long)info.entry.nr);
}

/* What a stopped process is told to do. */
static void resume(struct run *run, pid_t pid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	bool group_stop = event == PTRACE_EVENT_STOP && sig != SIGTRAP;

	remember(run, pid);
	if (run->killed && run->mode == ALL)
		kill(pid, SIGKILL);
	if (event == PTRACE_EVENT_EXEC && pid == run->command)
		run->counting = true;
	if (sig == (SIGTRAP | 0x80)) {
		on_call(run, pid);
		sig = 0;
	} else if (event) {
		sig = 0;
	}
	ptrace(group_stop ? PTRACE_LISTEN : PTRACE_SYSCALL, pid, 0, sig);
}

static void trace(struct run *run)
{
	int status;
	pid_t pid;

	while (!timed_out) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return;
		if (WIFSTOPPED(status)) {
			resume(run, pid, status);
			continue;
		}
		forget(run, pid);
		if (pid == run->command) {
			run->status = status;
			/* The rest of a killed group is waited for, others live on. */
			if (!run->killed || run->mode != ALL)
				return;
		}
	}
}

static void start(struct run *run, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
	int gate[2], status;
	char c;

	if (pipe2(gate, O_CLOEXEC) < 0)
		die("pipe2");
	run->command = fork();
	if (run->command < 0)
		die("fork");
	if (run->command == 0) {
		close(gate[1]);
		if (read(gate[0], &c, 1) != 1)
			_exit(70);
		execv(argv[0], argv);
		_exit(70);
	}
	if (ptrace(PTRACE_SEIZE, run->command, 0, options) < 0 ||
	    ptrace(PTRACE_INTERRUPT, run->command, 0, 0) < 0 ||
	    waitpid(run->command, &status, __WALL) < 0 ||
	    ptrace(PTRACE_SYSCALL, run->command, 0, 0) < 0)
		die("ptrace");
	remember(run, run->command);
	if (write(gate[1], "", 1) != 1)
		die("write");
	close(gate[0]);
	close(gate[1]);
}

int main(int argc, char **argv)
{
	static struct run run;
	const struct sigaction alarmed = {.sa_handler = on_alarm};
	const char *report = NULL;
	unsigned int seconds = 30;
	FILE *out = stderr;
	int c;

	while ((c = getopt(argc, argv, "+k:m:o:t:")) != -1) {
		if (c == 'k')
			run.wanted = atol(optarg);
		else if (c == 'm')
			run.mode = optarg[0] == 'a' ? ALL : optarg[0] == 'm' ? MAIN : ONE;
		else if (c == 'o')
			report = optarg;
		else if (c == 't')
			seconds = (unsigned int)atoi(optarg);
		else
			return 64;
	}
	if (optind >= argc)
		return 64;
	sigaction(SIGALRM, &alarmed, NULL);
	alarm(seconds);
	start(&run, argv + optind);
	trace(&run);
	if (timed_out)
		kill_all(&run);
	if (report && !(out = fopen(report, "we")))
		die(report);
	fprintf(out, "calls=%ld killed=%d who=%s call=%ld status=%d hang=%d\n", run.calls,
		run.killed, run.who[0] ? run.who : "-", run.number, run.status, (int)timed_out);
	/* The kernel lets go of those that are still traced. */
	return timed_out ? 71 : 0;
}
