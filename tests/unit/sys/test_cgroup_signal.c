/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cgroup_fake.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PROCS "v2/mybox/c1/cgroup.procs"

/* SIGTERM waits there, to be seen. */
static pid_t sleeper(void)
{
	pid_t pid;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return pid;
}

static bool got_it(pid_t pid)
{
	MB_AUTO_FREE char *path = mb_asprintf("/proc/%d/status", pid);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	const char *at;

	assert_int_equal(mb_read_file(AT_FDCWD, path, 1 << 16, &text, NULL), 0);
	at = strstr(mb_str_text(&text), "\nShdPnd:");
	assert_non_null(at);
	return strtoull(at + strlen("\nShdPnd:"), NULL, 16) >> (SIGTERM - 1) & 1;
}

/* What the list says as soon as a process of it was opened, as if others had ended meanwhile. */
static struct {
	int fd;
	const char *text;
} later;

/* The library's calls come here. */
long syscall(long number, ...)
{
	long (*real)(long, ...);
	long a[6];
	va_list args;

	va_start(args, number);
	for (size_t i = 0; i < MB_N(a); i++)
		a[i] = va_arg(args, long);
	va_end(args);
	*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_pidfd_open && later.text)
		write_text(later.fd, PROCS, later.text);
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void who_is_listed_no_more_is_not_signalled(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits none = {0};
	pid_t stays = sleeper(), goes = sleeper();
	MB_AUTO_FREE char *both = mb_asprintf("%d\n%d\n", stays, goes);
	MB_AUTO_FREE char *one = mb_asprintf("%d\n", stays);

	create(h, &none, &cg);
	write_text(scratch_fd(state), PROCS, both);
	later.fd = scratch_fd(state);
	later.text = one;
	assert_int_equal(mb_sys_cgroup_signal(cg, SIGTERM, NULL), 0);
	later.text = NULL;
	assert_true(got_it(stays));
	assert_false(got_it(goes));
	kill(stays, SIGKILL);
	kill(goes, SIGKILL);
	assert_int_equal(waitpid(stays, NULL, 0), stays);
	assert_int_equal(waitpid(goes, NULL, 0), goes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(who_is_listed_no_more_is_not_signalled),
	};

	return cmocka_run_group_tests_name("cgroup_signal", tests, NULL, NULL);
}
