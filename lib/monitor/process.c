/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor as a process: what it is born with, and what it becomes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "monitor/monitor.h"

static const int quiet_signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
                                    SIGUSR1, SIGUSR2, SIGALRM, SIGXFSZ};
static const int limits[] = {RLIMIT_NOFILE, RLIMIT_AS};
static const rlim_t limit_now[] = {MB_MONITOR_HOLDS_MAX + MB_MONITOR_RELAYS_MAX + 2048, 64 << 20};

/* A handler and not SIG_IGN: the program that this process becomes gets the default back. */
static void nothing(int sig)
{
	(void)sig;
}

static int take_signals(struct mb_monitor *m)
{
	struct sigaction quiet = {.sa_handler = nothing, .sa_flags = SA_RESTART};
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t none, child;

	for (size_t i = 0; i < MB_N(quiet_signals); i++)
		sigaction(quiet_signals[i], &quiet, NULL);
	sigaction(SIGCHLD, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	m->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->signals < 0 ? -errno : 0;
}

static int take_descriptors(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++)
		if (null != fd && dup2(null, fd) < 0)
			return -errno;
	if (null > 2 && null != MB_MONITOR_SETUP_FD)
		close(null);
	syscall(SYS_close_range, MB_MONITOR_SETUP_FD + 1, ~0u, 0);
	return fcntl(MB_MONITOR_SETUP_FD, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

/* Only soft limits: they must come back for the program that this process becomes. */
static void take_limits(struct mb_monitor *m)
{
	for (size_t i = 0; i < MB_N(limits); i++) {
		struct rlimit *before = &m->limit_before[i];
		struct rlimit now;

		if (getrlimit(limits[i], before) < 0)
			continue;
		now = *before;
		now.rlim_cur = limit_now[i] < now.rlim_max ? limit_now[i] : now.rlim_max;
		setrlimit(limits[i], &now);
	}
	if (mb_read_kernel_file(AT_FDCWD, "/proc/self/oom_score_adj", m->oom_score_before,
	                        sizeof(m->oom_score_before)) == 0)
		mb_write_kernel_file(AT_FDCWD, "/proc/self/oom_score_adj", "-999");
}

int mb_monitor_process_init(struct mb_monitor *m, char **argv)
{
	int r;

	for (size_t i = 0; i < MB_MONITOR_SLOT_N_; i++)
		m->fd[i] = -1;
	m->stream_fd[0] = m->stream_fd[1] = -1;
	m->log.fd = m->logsink.fd = -1;
	m->exit_error = "";
	m->id = argv[2];
	if (mb_parse_int(argv[1], &m->pid) < 0 || m->pid < 1)
		return -EINVAL;
	r = take_descriptors();
	if (r == 0)
		r = take_signals(m);
	if (r < 0)
		return r;
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll < 0)
		return -errno;
	m->spare = fcntl(m->epoll, F_DUPFD_CLOEXEC, 0);
	prctl(PR_SET_NAME, "mybox-monitor");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	take_limits(m);
	prctl(PR_SET_DUMPABLE, 0);
	umask(077);
	r = chdir("/");
	mb_dns_init(&m->dns);
	fcntl(MB_MONITOR_SETUP_FD, F_SETFL, O_NONBLOCK);
	if (r < 0 || mb_monitor_watch(m, m->signals, MB_MONITOR_FROM_SIGNAL, 0, EPOLLIN) < 0 ||
	    !mb_monitor_server_add(m, MB_MONITOR_SETUP_FD))
		return -EIO;
	return 0;
}

/* An adopted container is no child: it runs on, and its number may be anyone's by now. */
static bool is_child(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void mb_monitor_process_signal(struct mb_monitor *m, int sig)
{
	if (m->fd[MB_MONITOR_SLOT_PIDFD] >= 0)
		syscall(SYS_pidfd_send_signal, m->fd[MB_MONITOR_SLOT_PIDFD], sig, NULL, 0);
	else if (m->phase == MB_MONITOR_ALIVE)
		kill(m->pid, sig);
}

/* As <linux/pidfd.h> has it since 6.15, which musl does not bring. */
struct pidfd_info {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t exit_code; /* as wait(2) gives it */
};
#define PIDFD_GET_INFO  _IOWR(0xff, 11, struct pidfd_info)
#define PIDFD_INFO_EXIT (1u << 3)
enum { REAP_MS = 50 };

bool mb_monitor_process_exit_of(int pidfd, int *ret_code)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < REAP_MS; i++) {
		struct pidfd_info info = {.mask = PIDFD_INFO_EXIT};

		if (ioctl(pidfd, PIDFD_GET_INFO, &info) < 0 && errno != ESRCH)
			return false;
		if (info.mask & PIDFD_INFO_EXIT) {
			*ret_code = WIFEXITED(info.exit_code) ? WEXITSTATUS(info.exit_code)
			                                      : 128 + WTERMSIG(info.exit_code);
			return true;
		}
		nanosleep(&pause, NULL);
	}
	return false;
}

void mb_monitor_process_kill(struct mb_monitor *m)
{
	siginfo_t info;

	if (is_child(m->pid)) {
		kill(m->pid, SIGKILL);
		while (waitid(P_PID, (id_t)m->pid, &info, WEXITED) < 0 && errno == EINTR)
			;
	}
	_exit(125);
}

void mb_monitor_process_become(struct mb_monitor *m, const char *verb)
{
	char name[] = "mybox", root_opt[] = "--root", run_opt[] = "--runroot";
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char verb_text[16], id[80];
	char *argv[] = {name, root_opt, m->setup.root, run_opt, m->setup.run, verb_text, id, NULL};
	char *envp[] = {path, NULL};
	sigset_t none;

	snprintf(verb_text, sizeof(verb_text), "%s", verb);
	snprintf(id, sizeof(id), "%s", m->id);
	prctl(PR_SET_DUMPABLE, 1);
	if (m->oom_score_before[0])
		mb_write_kernel_file(AT_FDCWD, "/proc/self/oom_score_adj", m->oom_score_before);
	for (size_t i = 0; i < MB_N(limits); i++)
		setrlimit(limits[i], &m->limit_before[i]);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(m->setup.exe, argv, envp);
	if (m->fd[MB_MONITOR_SLOT_EXE] >= 0)
		syscall(SYS_execveat, m->fd[MB_MONITOR_SLOT_EXE], "", argv, envp, AT_EMPTY_PATH);
	_exit(125);
}

pid_t mb_monitor_process_spawn(struct mb_monitor *m, const char *verb, const int fds[2])
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* Both are above the standard ones, which are always open here. */
	if (dup2(fds[0], STDIN_FILENO) < 0 || dup2(fds[1], STDOUT_FILENO) < 0)
		_exit(125);
	mb_monitor_process_become(m, verb);
}
