/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/beside.h"

#define E                \
	&(struct mb_err) \
	{                \
		0        \
	}

struct seen {
	pid_t pid, child;
	int fd, ret;
	char deep[9000]; /* what a frame of its may not reach */
};

static int be_busy(int depth)
{
	volatile char frame[512];

	memset((char *)(uintptr_t)frame, depth, sizeof(frame));
	return depth ? be_busy(depth - 1) + frame[depth] : 0;
}

static void note_and_execute(void *arg)
{
	char *argv[] = {(char[]){"true"}, NULL};
	struct seen *seen = arg;

	seen->pid = getpid();
	seen->ret = be_busy(100);
	close(seen->fd);
	execv("/bin/true", argv);
}

static void spawned_works_in_our_memory_and_its_own_files(void **state)
{
	struct seen seen = {.pid = -1};
	int code = -1;
	pid_t pid = -1;

	(void)state;
	memset(seen.deep, 7, sizeof(seen.deep));
	seen.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(mb_sys_beside_spawn(note_and_execute, &seen, &pid, E), 0);
	assert_int_equal(seen.pid, pid);
	assert_int_not_equal(pid, getpid());
	for (size_t i = 0; i < sizeof(seen.deep); i++)
		assert_int_equal(seen.deep[i], 7);
	assert_int_equal(close(seen.fd), 0);
	assert_int_equal(waitpid(pid, &code, 0), pid);
	assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 0);
	assert_true(be_busy(100) != 0);
}

static void clone_and_leave(void *arg)
{
	struct seen *seen = arg;

	seen->child = fork();
	if (seen->child == 0) {
		be_busy(200);
		seen->ret = 1; /* a copy of ours */
		pause();
	}
}

static void what_it_clones_is_apart(void **state)
{
	struct seen seen = {.child = -1};
	int code = -1;
	pid_t pid = -1;

	(void)state;
	assert_int_equal(mb_sys_beside_spawn(clone_and_leave, &seen, &pid, E), 0);
	assert_int_equal(waitpid(pid, &code, 0), pid);
	assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 125);
	assert_true(seen.child > 0);
	assert_int_equal(seen.ret, 0);
	assert_int_equal(kill(seen.child, SIGKILL), 0);
}

static void netns_is_new_and_we_stay(void **state)
{
	struct mb_sys_beside_netns netns = MB_SYS_BESIDE_NETNS_INIT;
	struct stat own, made, after;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(stat("/proc/self/ns/net", &own), 0);
	assert_int_equal(mb_sys_beside_netns_begin(&netns), 0);
	fd = mb_sys_beside_netns_take(&netns);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &made), 0);
	assert_int_equal(stat("/proc/self/ns/net", &after), 0);
	assert_int_equal(own.st_ino, after.st_ino);
	assert_int_not_equal(own.st_ino, made.st_ino);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(mb_sys_beside_netns_take(&netns), -1);
}

static void netns_of_nobody_goes(void **state)
{
	struct mb_sys_beside_netns netns = MB_SYS_BESIDE_NETNS_INIT;
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

	(void)state;
	mb_sys_beside_netns_done(&netns);
	(void)mb_sys_beside_netns_begin(&netns);
	mb_sys_beside_netns_done(&netns);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(after, before + 1);
	assert_int_equal(waitpid(-1, NULL, __WALL), -1);
	close(before);
	close(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spawned_works_in_our_memory_and_its_own_files),
		cmocka_unit_test(what_it_clones_is_apart),
		cmocka_unit_test(netns_is_new_and_we_stay),
		cmocka_unit_test(netns_of_nobody_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
