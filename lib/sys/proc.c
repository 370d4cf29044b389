/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/sock.h"

/* ---- who is it ---- */

enum {
	FIELD_STATE = 3,
	FIELD_PPID = 4,
	FIELD_START = 22,
	STAT_TEXT = 1024,
	EXIT_TRIES = 200,
	EXITING = 4, /* the kernel's PF_EXITING */
};

int mb_sys_proc_stat_parse(const char *text, char *ret_state, pid_t *ret_ppid, uint64_t *ret_start)
{
	/* The name may hold anything, ')' and newlines too; no later field holds a ')'. */
	const char *s = strrchr(text, ')');
	char number[24], state = 0;
	uint64_t start = 0;
	int ppid = -1;

	if (!s || s[1] != ' ')
		return -EINVAL;
	s += 2;
	for (int field = FIELD_STATE; field <= FIELD_START; field++) {
		size_t n = strcspn(s, " \n");

		if (n == 0 || n >= sizeof(number))
			return -EINVAL;
		memcpy(number, s, n);
		number[n] = '\0';
		if (field == FIELD_STATE)
			state = number[0];
		if (field == FIELD_PPID && mb_parse_int(number, &ppid) < 0)
			return -EINVAL;
		if (field == FIELD_START && mb_parse_u64(number, &start) < 0)
			return -EINVAL;
		s += n;
		s += *s == ' ';
	}
	if (ret_state)
		*ret_state = state;
	if (ret_ppid)
		*ret_ppid = ppid;
	*ret_start = start;
	return 0;
}

int mb_sys_proc_id_read(pid_t pid, struct mb_sys_proc_id *ret, struct mb_err *err)
{
	char path[40], text[STAT_TEXT];
	uint64_t start;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = mb_read_kernel_file(AT_FDCWD, path, text, sizeof(text));
	if (r == -ENOENT || r == -ESRCH)
		return MB_SYS_PROC_GONE;
	if (r == 0)
		r = mb_sys_proc_stat_parse(text, NULL, NULL, &start);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read '%s'", path);
	ret->pid = pid;
	ret->start = start;
	return 0;
}

bool mb_sys_proc_id_is_alive(const struct mb_sys_proc_id *id)
{
	struct mb_sys_proc_id now;

	return id->pid > 0 && mb_sys_proc_id_read(id->pid, &now, NULL) == 0 &&
	       now.start == id->start;
}

int mb_sys_proc_id_open(const struct mb_sys_proc_id *id, int *ret_pidfd, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (id->pid <= 0)
		return MB_SYS_PROC_GONE;
	r = mb_sys_proc_open(id->pid, &fd, err);
	if (r)
		return r;
	/* Asked after the pidfd is held: if the start time is right now, the pidfd is of it. */
	if (!mb_sys_proc_id_is_alive(id))
		return MB_SYS_PROC_GONE;
	*ret_pidfd = mb_take_fd(&fd);
	return 0;
}

bool mb_sys_proc_id_is_running(const struct mb_sys_proc_id *id)
{
	MB_AUTO_CLOSE int fd = -1;
	char path[40], text[STAT_TEXT], state;
	uint64_t start;

	if (id->pid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", id->pid);
	if (mb_read_kernel_file(AT_FDCWD, path, text, sizeof(text)) < 0 ||
	    mb_sys_proc_stat_parse(text, &state, NULL, &start) < 0 || start != id->start)
		return false;
	if (state != 'Z' && state != 'X')
		return true;
	/* The first thread has ended, the others need not: a pidfd speaks for all of them. */
	return mb_sys_proc_open(id->pid, &fd, NULL) == 0 &&
	       mb_sys_proc_wait(fd, 0, NULL) == MB_SYS_PROC_TIMEOUT;
}

bool mb_sys_proc_id_is_exiting(const struct mb_sys_proc_id *id)
{
	char path[40], text[STAT_TEXT];
	unsigned long flags = 0;
	uint64_t start;
	long threads = 0;

	if (!mb_sys_proc_id_is_running(id))
		return true;
	snprintf(path, sizeof(path), "/proc/%d/stat", id->pid);
	if (mb_read_kernel_file(AT_FDCWD, path, text, sizeof(text)) < 0 ||
	    mb_sys_proc_stat_parse(text, NULL, NULL, &start) < 0 || start != id->start)
		return true;
	/* The first thread may end while others live on. */
	return sscanf(strrchr(text, ')'),
	              ") %*c %*d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld",
	              &flags, &threads) == 2 &&
	       flags & EXITING && threads <= 1;
}

/* ---- making ---- */

int mb_sys_proc_clone(const struct mb_sys_clone *how, pid_t *ret_pid, int *ret_pidfd,
                      struct mb_err *err)
{
	pid_t set_tid = how->set_tid;
	int pidfd = -1;
	struct clone_args args = {
		.flags = how->flags,
		.exit_signal = how->exit_signal < 0
	                               ? 0
	                               : (uint64_t)(how->exit_signal ? how->exit_signal : SIGCHLD),
	};
	long pid;

	if (ret_pidfd) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	}
	if (how->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)how->cgroup_fd;
	}
	if (set_tid > 0) {
		args.set_tid = (uint64_t)(uintptr_t)&set_tid;
		args.set_tid_size = 1;
	}
	if (args.flags & CLONE_PARENT)
		args.exit_signal = 0; /* the kernel wants it so: it is the parent's */
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return mb_fail_sys(err, errno, "cannot make a process");
	*ret_pid = (pid_t)pid;
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return 0;
}

/* What the child of mb_sys_proc_call() sends, with its descriptor beside it. */
struct call_result {
	int code;
	struct mb_err err;
};

static void call_child(int sock, int (*fn)(void *arg, int *fd, struct mb_err *err), void *arg)
{
	struct call_result result = {.err = MB_ERR_INIT};
	int fd = -1;

	result.code = fn(arg, &fd, &result.err);
	if (mb_sock_send(sock, &result, sizeof(result), &fd, fd >= 0 ? 1 : 0) < 0)
		_exit(1);
	_exit(0);
}

static int call_parent(int sock, int *ret_fd, struct mb_err *err)
{
	struct call_result result;
	MB_AUTO_CLOSE int fd = -1;
	size_t n = 0, n_fds = 0;
	int r = mb_sock_receive(sock, &result, sizeof(result), &n, &fd, 1, &n_fds);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot hear from a child");
	if (n != sizeof(result))
		return mb_fail(err, ECHILD, "a child died at its work");
	if (n_fds == 0)
		fd = -1;
	if (result.code > 255)
		return mb_fail(err, EPROTO, "a child gave the unknown answer %d", result.code);
	if (result.code < 0 && err)
		*err = result.err;
	if (result.code >= 0 && ret_fd)
		*ret_fd = mb_take_fd(&fd);
	return result.code;
}

int mb_sys_proc_call(int (*fn)(void *arg, int *fd, struct mb_err *err), void *arg, int *ret_fd,
                     struct mb_err *err)
{
	const struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	MB_AUTO_CLOSE int ours = -1, theirs = -1;
	int pair[2], r, code;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return mb_fail_sys(err, errno, "cannot make a socket pair");
	ours = pair[0];
	theirs = pair[1];
	r = mb_sys_proc_clone(&how, &pid, NULL, err);
	if (r < 0)
		return r;
	if (pid == 0)
		call_child(theirs, fn, arg);
	mb_close(&theirs);
	r = call_parent(ours, ret_fd, err);
	mb_sys_proc_reap_pid(pid, &code, NULL);
	return r;
}

/* ---- pidfds ---- */

int mb_sys_proc_open(pid_t pid, int *ret_pidfd, struct mb_err *err)
{
	int fd = pidfd_open(pid, 0);

	if (fd < 0)
		return errno == ESRCH ? MB_SYS_PROC_GONE
		                      : mb_fail_sys(err, errno, "cannot open process %d", pid);
	*ret_pidfd = fd;
	return 0;
}

int mb_sys_proc_signal(int pidfd, int sig, struct mb_err *err)
{
	if (pidfd_send_signal(pidfd, sig, NULL, 0) == 0)
		return 0;
	if (errno == ESRCH)
		return MB_SYS_PROC_GONE;
	return mb_fail_sys(err, errno, "cannot send signal %d", sig);
}

int mb_sys_proc_wait(int pidfd, int timeout_ms, struct mb_err *err)
{
	return mb_sys_proc_wait_unless(pidfd, -1, timeout_ms, err);
}

int mb_sys_proc_wait_unless(int pidfd, int stop_fd, int timeout_ms, struct mb_err *err)
{
	const int64_t end = mb_monotonic_nsec() + (int64_t)timeout_ms * 1000000;
	struct pollfd p[] = {{.fd = pidfd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
	int left = timeout_ms;

	for (;;) {
		int n = poll(p, MB_N(p), left);

		if (n > 0 && !p[0].revents)
			return mb_fail(err, EINTR, "interrupted");
		if (n > 0)
			return p[0].revents & POLLNVAL ? mb_fail_sys(err, EBADF, "cannot wait") : 0;
		if (n < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot wait for a process");
		if (timeout_ms >= 0) {
			int64_t nsec = end - mb_monotonic_nsec();

			if (n == 0 || nsec <= 0)
				return MB_SYS_PROC_TIMEOUT;
			left = (int)(nsec / 1000000) + 1;
		}
	}
}

static int reap(idtype_t type, id_t id, int *ret_code, struct mb_err *err)
{
	siginfo_t info = {0};

	while (waitid(type, id, &info, WEXITED) < 0) {
		if (errno != EINTR)
			return mb_fail_sys(err, errno, "cannot reap a child");
	}
	*ret_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	return 0;
}

int mb_sys_proc_reap(int pidfd, int *ret_code, struct mb_err *err)
{
	return reap(P_PIDFD, (id_t)pidfd, ret_code, err);
}

int mb_sys_proc_reap_pid(pid_t pid, int *ret_code, struct mb_err *err)
{
	return reap(P_PID, (id_t)pid, ret_code, err);
}

/* As <linux/pidfd.h> has it since 6.15. */
struct exit_info {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t exit_code; /* as wait(2) gives it */
};
#define EXIT_INFO_GET   _IOWR(0xff, 11, struct exit_info)
#define EXIT_INFO_KNOWN (1u << 3)

/* It is known once the parent has reaped, which is about to do it. */
int mb_sys_proc_exit_code(int pidfd, int *ret_code)
{
	for (int i = 0; i < EXIT_TRIES; i++) {
		struct exit_info info = {.mask = EXIT_INFO_KNOWN};

		if (ioctl(pidfd, EXIT_INFO_GET, &info) < 0 && errno != ESRCH)
			return -errno;
		if (info.mask & EXIT_INFO_KNOWN) {
			*ret_code = WIFEXITED(info.exit_code) ? WEXITSTATUS(info.exit_code)
			                                      : 128 + WTERMSIG(info.exit_code);
			return 0;
		}
		usleep(1000);
	}
	return -ETIMEDOUT;
}

/* ---- before execve ---- */

static int compare_ints(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* close_range(2) over the gaps between what is kept. */
static int range_fds(unsigned first, const int *keep, size_t n, unsigned flags, struct mb_err *err)
{
	MB_AUTO_FREE int *sorted = mb_calloc(n + 1, sizeof(*sorted));

	if (n)
		memcpy(sorted, keep, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_ints);
	for (size_t i = 0; i < n; i++) {
		unsigned fd = (unsigned)sorted[i];

		if (sorted[i] < 0 || fd < first)
			continue;
		if (fd > first && close_range(first, fd - 1, (int)flags) < 0)
			return mb_fail_sys(err, errno, "cannot close descriptors");
		first = fd + 1;
	}
	if (close_range(first, ~0U, (int)flags) < 0)
		return mb_fail_sys(err, errno, "cannot close descriptors");
	return 0;
}

int mb_sys_proc_close_fds(unsigned first, const int *keep, size_t n, struct mb_err *err)
{
	return range_fds(first, keep, n, 0, err);
}

int mb_sys_proc_cloexec_fds(unsigned first, const int *keep, size_t n, struct mb_err *err)
{
	return range_fds(first, keep, n, CLOSE_RANGE_CLOEXEC, err);
}

void mb_sys_proc_reset_signals(void)
{
	const struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* KILL, STOP and those that libc keeps for itself refuse; nothing changes them either. */
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &standard, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int mb_sys_proc_set_subreaper(struct mb_err *err)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return mb_fail_sys(err, errno, "cannot become subreaper");
	return 0;
}

int mb_sys_proc_die_with_parent(pid_t parent, struct mb_err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return mb_fail_sys(err, errno, "cannot bind to the life of the parent");
	if (parent > 0 && getppid() != parent)
		return mb_fail(err, ESRCH, "the parent is gone");
	return 0;
}
