/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "sys/interrupt.h"
#include "sys/proc.h"

static void nothing(int sig)
{
	(void)sig;
}

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* Drop what is pending, so that the release does not end us. */
static void drop(int sig)
{
	signal(sig, SIG_IGN);
	signal(sig, SIG_DFL);
}

static void held_signals_are_told(void **state)
{
	MB_AUTO_CLOSE int fd = -1;
	struct mb_err err = MB_ERR_INIT;
	sigset_t before;

	(void)state;
	mb_sys_interrupt_hold(&before);
	assert_int_equal(mb_sys_interrupt_open(&fd, &err), 0);
	assert_int_equal(mb_sys_interrupt_check(&err), 0);
	assert_false(is_readable(fd));
	kill(getpid(), SIGTERM);
	assert_true(is_readable(fd));
	assert_true(is_readable(fd));
	assert_int_equal(mb_sys_interrupt_check(&err), -EINTR);
	assert_string_equal(err.msg, "interrupted");
	drop(SIGTERM);
	mb_sys_interrupt_release(&before);
	assert_int_equal(mb_sys_interrupt_check(&err), 0);
}

static void handled_and_ignored_are_not_held(void **state)
{
	MB_AUTO_CLOSE int fd = -1;
	struct mb_err err = MB_ERR_INIT;
	sigset_t before, all, held;

	(void)state;
	signal(SIGHUP, nothing);
	signal(SIGINT, SIG_IGN);
	mb_sys_interrupt_hold(&before);
	assert_int_equal(mb_sys_interrupt_open(&fd, &err), 0);
	/* On their way, as a signal is that comes while poll(2) waits. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &held);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGINT);
	assert_false(is_readable(fd));
	sigprocmask(SIG_SETMASK, &held, NULL);
	mb_sys_interrupt_release(&before);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
}

/* A wait that could last for ever ends by it; a process that has ended comes first. */
static void wait_is_given_up(void **state)
{
	const struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	MB_AUTO_CLOSE int pidfd = -1;
	struct mb_err err = MB_ERR_INIT;
	int fds[2], code = 0;
	pid_t pid = -1;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(mb_sys_proc_clone(&how, &pid, &pidfd, &err), 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(mb_sys_proc_wait_unless(pidfd, fds[0], 10, &err), MB_SYS_PROC_TIMEOUT);
	assert_int_equal(write(fds[1], "", 1), 1);
	assert_int_equal(mb_sys_proc_wait_unless(pidfd, fds[0], -1, &err), -EINTR);
	assert_int_equal(mb_sys_proc_signal(pidfd, SIGKILL, &err), 0);
	assert_int_equal(mb_sys_proc_wait(pidfd, -1, &err), 0);
	assert_int_equal(mb_sys_proc_wait_unless(pidfd, fds[0], -1, &err), 0);
	assert_int_equal(mb_sys_proc_reap(pidfd, &code, &err), 0);
	assert_int_equal(code, 128 + SIGKILL);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_signals_are_told),
		cmocka_unit_test(handled_and_ignored_are_not_held),
		cmocka_unit_test(wait_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
