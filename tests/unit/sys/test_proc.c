/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "core/clock.h"
#include "sys/proc.h"

#define E                \
	&(struct mb_err) \
	{                \
		0        \
	}
#define FIELDS "1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 "

static void stat_parse_table(void **state)
{
	static const struct {
		const char *text;
		int r;
		char state;
		pid_t ppid;
		uint64_t start;
	} rows[] = {
		{"7 (sh) S 3 " FIELDS "12345 99 1\n", 0, 'S', 3, 12345},
		{"7 (a) R 1 (x) Z 4 " FIELDS "5 1", 0, 'Z', 4, 5},
		{"7 ()) S 3 " FIELDS "12345", 0, 'S', 3, 12345},
		{"7 (\n) ( ) T 0 " FIELDS "18446744073709551615 0", 0, 'T', 0, UINT64_MAX},
		{"7 (sh) S 3 " FIELDS, -EINVAL, 0, 0, 0},
		{"7 (sh) S 3 " FIELDS "-1 ", -EINVAL, 0, 0, 0},
		{"7 (sh) S x " FIELDS "5 ", -EINVAL, 0, 0, 0},
		{"7 (sh) S 3 " FIELDS "18446744073709551616 0", -EINVAL, 0, 0, 0},
		{"7 (sh)", -EINVAL, 0, 0, 0},
		{"7 sh S 3", -EINVAL, 0, 0, 0},
		{"", -EINVAL, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		uint64_t start = 0;
		pid_t ppid = 0;
		char s = 0;

		assert_int_equal(mb_sys_proc_stat_parse(rows[i].text, &s, &ppid, &start),
		                 rows[i].r);
		assert_int_equal(s, rows[i].state);
		assert_int_equal(ppid, rows[i].ppid);
		assert_true(start == rows[i].start);
	}
}

static pid_t sleeper(int *pidfd)
{
	struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	pid_t pid = -1;

	assert_int_equal(mb_sys_proc_clone(&how, &pid, pidfd, E), 0);
	if (pid == 0) {
		prctl(PR_SET_NAME, "a) R 1 (b");
		for (;;)
			pause();
	}
	return pid;
}

static void id_names_one_process(void **state)
{
	struct mb_sys_proc_id id, other;
	int pidfd = -1, again = -1, code = -1;
	pid_t pid = sleeper(&pidfd);

	(void)state;
	assert_int_equal(mb_sys_proc_id_read(pid, &id, E), 0);
	assert_int_equal(id.pid, pid);
	assert_true(id.start > 0);
	assert_true(mb_sys_proc_id_is_alive(&id));
	assert_int_equal(mb_sys_proc_id_open(&id, &again, E), 0);
	close(again);
	other = id;
	other.start++;
	assert_false(mb_sys_proc_id_is_alive(&other));
	assert_int_equal(mb_sys_proc_id_open(&other, &again, E), MB_SYS_PROC_GONE);
	assert_int_equal(mb_sys_proc_signal(pidfd, SIGKILL, E), 0);
	assert_int_equal(mb_sys_proc_wait(pidfd, -1, E), 0);
	assert_true(mb_sys_proc_id_is_alive(&id)); /* a zombie still has its pid */
	assert_int_equal(mb_sys_proc_reap(pidfd, &code, E), 0);
	assert_int_equal(code, 128 + SIGKILL);
	assert_false(mb_sys_proc_id_is_alive(&id));
	assert_int_equal(mb_sys_proc_id_read(pid, &other, E), MB_SYS_PROC_GONE);
	assert_int_equal(mb_sys_proc_id_open(&id, &again, E), MB_SYS_PROC_GONE);
	assert_int_equal(mb_sys_proc_open(pid, &again, E), MB_SYS_PROC_GONE);
	assert_int_equal(mb_sys_proc_signal(pidfd, 0, E), MB_SYS_PROC_GONE);
	close(pidfd);
}

static void wait_times_out(void **state)
{
	int pidfd = -1, code;
	int64_t start = mb_monotonic_nsec();

	(void)state;
	sleeper(&pidfd);
	assert_int_equal(mb_sys_proc_wait(pidfd, 0, E), MB_SYS_PROC_TIMEOUT);
	assert_int_equal(mb_sys_proc_wait(pidfd, 20, E), MB_SYS_PROC_TIMEOUT);
	assert_true(mb_monotonic_nsec() - start >= 20000000);
	assert_int_equal(mb_sys_proc_signal(pidfd, SIGTERM, E), 0);
	assert_int_equal(mb_sys_proc_wait(pidfd, 5000, E), 0);
	assert_int_equal(mb_sys_proc_reap(pidfd, &code, E), 0);
	assert_int_equal(code, 128 + SIGTERM);
	close(pidfd);
}

static void clone_with_a_chosen_pid(void **state)
{
	struct mb_sys_clone how = {
		.flags = CLONE_NEWPID, .cgroup_fd = -1, .set_tid = 1, .exit_signal = -1};
	siginfo_t info = {0};
	int pidfd = -1;
	pid_t pid;

	(void)state;
	need_root("namespaces");
	assert_int_equal(mb_sys_proc_clone(&how, &pid, &pidfd, E), 0);
	if (pid == 0)
		_exit(getpid() == 1 ? 7 : 8);
	assert_true(pid > 1);
	assert_int_equal(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL), 0);
	assert_int_equal(info.si_status, 7);
	close(pidfd);
	how.set_tid = 5; /* of a new namespace only 1 can be the first */
	assert_true(mb_sys_proc_clone(&how, &pid, NULL, E) < 0);
}

/* ---- calls in a child ---- */

static int call_fd(void *arg, int *fd, struct mb_err *err)
{
	(void)err;
	*fd = open(arg, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? -errno : 3;
}

static int call_fails(void *arg, int *fd, struct mb_err *err)
{
	(void)fd;
	return mb_fail(err, *(int *)arg, "as told");
}

static int call_dies(void *arg, int *fd, struct mb_err *err)
{
	(void)arg, (void)fd, (void)err;
	_exit(0);
}

static int call_number(void *arg, int *fd, struct mb_err *err)
{
	(void)fd, (void)err;
	return *(int *)arg;
}

static void call_brings_back(void **state)
{
	struct mb_err err = MB_ERR_INIT;
	int number = EXDEV, fd = -1, fds = count_fds();
	char path[] = "/dev/null";

	(void)state;
	assert_int_equal(mb_sys_proc_call(call_fd, path, &fd, &err), 3);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(mb_sys_proc_call(call_fd, path, NULL, &err), 3);
	assert_int_equal(mb_sys_proc_call(call_fails, &number, NULL, &err), -EXDEV);
	assert_string_equal(err.msg, "as told");
	assert_int_equal(mb_sys_proc_call(call_fails, &number, NULL, NULL), -EXDEV);
	assert_int_equal(mb_sys_proc_call(call_dies, NULL, NULL, &err), -ECHILD);
	number = 256;
	assert_int_equal(mb_sys_proc_call(call_number, &number, NULL, &err), -EPROTO);
	number = 255;
	assert_int_equal(mb_sys_proc_call(call_number, &number, NULL, &err), 255);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* ---- namespaces ---- */

static void ns_names(void **state)
{
	int flag;

	(void)state;
	assert_int_equal(mb_sys_proc_ns_flag("net", &flag), 0);
	assert_int_equal(flag, CLONE_NEWNET);
	assert_int_equal(mb_sys_proc_ns_flag("network", &flag), 0);
	assert_int_equal(flag, CLONE_NEWNET);
	assert_int_equal(mb_sys_proc_ns_flag("mount", &flag), 0);
	assert_string_equal(mb_sys_proc_ns_name(flag), "mnt");
	assert_int_equal(mb_sys_proc_ns_flag("nope", &flag), -EINVAL);
	assert_null(mb_sys_proc_ns_name(CLONE_NEWNET | CLONE_NEWNS));
}

static ino_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static int join_child(void *arg, int *fd, struct mb_err *err)
{
	int pidfd = *(int *)arg, r;

	r = mb_sys_proc_ns_join(pidfd, CLONE_NEWUTS | CLONE_NEWNET, err);
	return r < 0 ? r : mb_sys_proc_ns_open(0, "net", fd, err);
}

static void ns_open_and_join(void **state)
{
	struct mb_sys_clone how = {.flags = CLONE_NEWUTS | CLONE_NEWNET, .cgroup_fd = -1};
	int pidfd = -1, ours = -1, theirs = -1, joined = -1, code;
	pid_t pid;

	(void)state;
	need_root("namespaces");
	assert_int_equal(mb_sys_proc_clone(&how, &pid, &pidfd, E), 0);
	if (pid == 0)
		for (;;)
			pause();
	assert_int_equal(mb_sys_proc_ns_open(0, "net", &ours, E), 0);
	assert_int_equal(mb_sys_proc_ns_open(pid, "net", &theirs, E), 0);
	assert_true(inode_of(ours) != inode_of(theirs));
	assert_int_equal(mb_sys_proc_call(join_child, &pidfd, &joined, E), 0);
	assert_true(inode_of(joined) == inode_of(theirs));
	assert_true(mb_sys_proc_ns_join_fd(theirs, CLONE_NEWNS, E) < 0);
	assert_int_equal(mb_sys_proc_signal(pidfd, SIGKILL, E), 0);
	assert_int_equal(mb_sys_proc_reap(pidfd, &code, E), 0);
	close(joined);
	assert_int_equal(mb_sys_proc_ns_open(pid, "net", &joined, E), MB_SYS_PROC_GONE);
	assert_true(mb_sys_proc_ns_open(0, "nope", &joined, E) < 0);
	close(ours);
	close(theirs);
	close(pidfd);
}

/* ---- before execve ---- */

static int close_child(void *arg, int *fd, struct mb_err *err)
{
	int keep[] = {30, -1, 12, 12, 2};

	(void)arg, (void)fd;
	for (int i = 0; i < 3; i++)
		dup2(0, 10 * (i + 1) + (i == 0 ? 2 : 0)); /* 12, 20, 30 */
	if (mb_sys_proc_cloexec_fds(3, keep, MB_N(keep), err) ||
	    !(fcntl(20, F_GETFD) & FD_CLOEXEC) || (fcntl(30, F_GETFD) & FD_CLOEXEC))
		return 1;
	/* The socket of the call is among those closed: answer by exit code. */
	if (mb_sys_proc_close_fds(3, keep, MB_N(keep), err))
		_exit(2);
	if (fcntl(20, F_GETFD) >= 0 || fcntl(12, F_GETFD) < 0 || fcntl(30, F_GETFD) < 0)
		_exit(3);
	if (mb_sys_proc_close_fds(3, NULL, 0, err) || fcntl(30, F_GETFD) >= 0)
		_exit(4);
	_exit(fcntl(0, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0 ? 5 : 0);
}

static void close_fds_keeps_the_list(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(close_child(NULL, NULL, NULL));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void reset_signals_resets(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct sigaction now;
		sigset_t mask;

		signal(SIGPIPE, SIG_IGN);
		sigfillset(&mask);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		mb_sys_proc_reset_signals();
		sigprocmask(SIG_SETMASK, NULL, &mask);
		sigaction(SIGPIPE, NULL, &now);
		_exit(sigisemptyset(&mask) && now.sa_handler == SIG_DFL ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_parse_table),     cmocka_unit_test(id_names_one_process),
		cmocka_unit_test(wait_times_out),       cmocka_unit_test(clone_with_a_chosen_pid),
		cmocka_unit_test(call_brings_back),     cmocka_unit_test(ns_names),
		cmocka_unit_test(ns_open_and_join),     cmocka_unit_test(close_fds_keeps_the_list),
		cmocka_unit_test(reset_signals_resets),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
