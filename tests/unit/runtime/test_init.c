/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The init stub itself, executed as lib/runtime executes it, but in this process's namespaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "runtime/init/blob.h"
#include "runtime/init/protocol.h"
#include "sys/seal.h"

struct stub {
	pid_t pid;
	int channel;
};

static struct stub start(unsigned flags, int filter_fd, size_t filter_bytes,
                         const char *const command[])
{
	MB_AUTO_CLOSE int init_fd = -1;
	struct mb_err err = MB_ERR_INIT;
	char orders[128];
	const char *argv[8] = {"init", orders, command[0]};
	struct stub s = {0};
	int pair[2];

	for (int i = 0; command[i]; i++)
		argv[3 + i] = command[i];
	assert_int_equal(mb_sys_seal_blob("init", mb_runtime_init_elf, mb_runtime_init_elf_size,
	                                  &init_fd, &err),
	                 0);
	/* lint: banned: the stub finds it after its execve */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	s.channel = pair[0];
	s.pid = fork();
	assert_true(s.pid >= 0);
	if (s.pid == 0) {
		close(pair[0]);
		snprintf(orders, sizeof(orders), "%x:%x:%x:%zx:0:0:0:0:0:0", (unsigned)pair[1],
		         flags, filter_fd < 0 ? 0 : (unsigned)filter_fd, filter_bytes);
		syscall(SYS_execveat, init_fd, "", argv, environ, AT_EMPTY_PATH);
		_exit(99);
	}
	close(pair[1]);
	return s;
}

/* Return: 0 at end of file, else the message's kind. */
static int hear(const struct stub *s, struct mb_runtime_message *m)
{
	ssize_t n = recv(s->channel, m, sizeof(*m), 0);

	assert_true(n == 0 || n == (ssize_t)sizeof(*m));
	return n ? m->kind : 0;
}

static int finish(struct stub *s)
{
	int status = 0;

	close(s->channel);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void say(const struct stub *s, int kind)
{
	const struct mb_runtime_message m = {.kind = kind};

	assert_int_equal(send(s->channel, &m, sizeof(m), 0), sizeof(m));
}

static const char *const exit_seven[] = {"/bin/sh", "-c", "exit 7", NULL};

static void it_executes_and_the_channel_ends(void **state)
{
	struct stub s = start(0, -1, 0, exit_seven);
	struct mb_runtime_message m;

	(void)state;
	assert_int_equal(hear(&s, &m), MB_RUNTIME_EXECUTING);
	assert_int_equal(hear(&s, &m), 0);
	assert_int_equal(finish(&s), 7);
}

static void it_tells_why_it_cannot(void **state)
{
	static const char *const absent[] = {"/nonexistent/program", NULL};
	struct stub s = start(0, -1, 0, absent);
	struct mb_runtime_message m;

	(void)state;
	assert_int_equal(hear(&s, &m), MB_RUNTIME_EXECUTING);
	assert_int_equal(hear(&s, &m), MB_RUNTIME_STUB);
	assert_int_equal(m.code, ENOENT);
	assert_int_equal(m.step, MB_STUB_EXEC);
	assert_int_equal(finish(&s), 127);
}

static void it_waits_for_go(void **state)
{
	struct stub s = start(MB_INIT_WAIT, -1, 0, exit_seven);
	struct mb_runtime_message m;

	(void)state;
	usleep(2000);
	assert_int_equal(recv(s.channel, &m, sizeof(m), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	say(&s, MB_RUNTIME_GO);
	assert_int_equal(hear(&s, &m), MB_RUNTIME_EXECUTING);
	assert_int_equal(hear(&s, &m), 0);
	assert_int_equal(finish(&s), 7);
}

static void it_leaves_when_the_command_dies(void **state)
{
	struct stub s = start(MB_INIT_WAIT, -1, 0, exit_seven);

	(void)state;
	assert_int_equal(finish(&s), 125);
}

static void as_init_it_passes_on_code_and_death(void **state)
{
	static const char *const killed[] = {"/bin/sh", "-c", "kill -9 $$", NULL};
	struct stub s = start(MB_INIT_REAP, -1, 0, exit_seven);

	(void)state;
	assert_int_equal(finish(&s), 7);
	s = start(MB_INIT_REAP, -1, 0, killed);
	assert_int_equal(finish(&s), 128 + SIGKILL);
}

static void as_init_it_reaps_orphans(void **state)
{
	/* The orphan becomes init's child and ends before the program does. */
	static const char *const orphan[] = {
		"/bin/sh", "-c", "(sh -c 'sleep 0.01' & exit 0); sleep 0.05; exit 3", NULL};
	struct stub s = start(MB_INIT_REAP, -1, 0, orphan);

	(void)state;
	assert_int_equal(finish(&s), 3);
}

static void as_init_it_forwards_signals(void **state)
{
	char script[128], byte;
	const char *const trap[] = {"/bin/sh", "-c", script, NULL};
	struct stub s;
	int ready[2];

	(void)state;
	/* lint: banned: the shell says on it that its trap is set */
	assert_int_equal(pipe(ready), 0);
	snprintf(script, sizeof(script),
	         "trap 'exit 42' TERM; echo >/proc/self/fd/%d; while :; do sleep 0.01; done",
	         ready[1]);
	s = start(MB_INIT_REAP, -1, 0, trap);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	kill(s.pid, SIGTERM);
	assert_int_equal(finish(&s), 42);
	close(ready[0]);
	close(ready[1]);
}

/* A filter that allows everything but what @nr is (EPERM). */
static int filter_without(uint32_t nr, size_t *ret_bytes)
{
	const struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	int fd = memfd_create("filter", 0); /* lint: banned: the stub finds it after its execve */

	assert_true(fd >= 0);
	assert_int_equal(write(fd, f, sizeof(f)), sizeof(f));
	*ret_bytes = sizeof(f);
	return fd;
}

static void start_without_new_privs(void)
{
	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
}

static void the_filter_is_on_the_program(void **state)
{
	static const char *const make[] = {
		"/bin/sh", "-c", "umask 077; kill -0 $$ 2>/dev/null && exit 1; exit 5", NULL};
	size_t bytes = 0;
	MB_AUTO_CLOSE int fd = filter_without(SYS_kill, &bytes);
	struct stub s;

	(void)state;
	s = start(MB_INIT_FILTER, fd, bytes, make);
	assert_int_equal(finish(&s), 5);
	s = start(MB_INIT_FILTER | MB_INIT_FILTER_SOON, fd, bytes, make);
	assert_int_equal(finish(&s), 5);
	s = start(MB_INIT_FILTER | MB_INIT_REAP, fd, bytes, make);
	assert_int_equal(finish(&s), 5);
}

/* The stub needs no allowance for its own calls when the filter comes late. */
static void a_strict_filter_does_not_stop_the_stub(void **state)
{
	static const char *const hello[] = {"/bin/sh", "-c", "exit 6", NULL};
	static const uint32_t denied[] = {SYS_prctl, SYS_fcntl, SYS_setsid, SYS_capset,
	                                  SYS_seccomp};

	(void)state;
	for (size_t i = 0; i < MB_N(denied); i++) {
		size_t bytes = 0;
		MB_AUTO_CLOSE int fd = filter_without(denied[i], &bytes);
		struct stub s = start(MB_INIT_FILTER | MB_INIT_SETSID, fd, bytes, hello);

		assert_int_equal(finish(&s), 6);
	}
}

static void a_bad_filter_is_told(void **state)
{
	size_t bytes = 0;
	MB_AUTO_CLOSE int fd = filter_without(SYS_kill, &bytes);
	struct stub s = start(MB_INIT_FILTER, fd, bytes - 1, exit_seven);
	struct mb_runtime_message m;

	(void)state;
	assert_int_equal(hear(&s, &m), MB_RUNTIME_EXECUTING);
	assert_int_equal(hear(&s, &m), MB_RUNTIME_STUB);
	assert_int_equal(m.step, MB_STUB_FILTER);
	assert_int_equal(finish(&s), 126);
}

static void the_visible_one_is_the_commands_child(void **state)
{
	struct stub s = start(MB_INIT_VISIBLE, -1, 0, exit_seven);
	struct mb_runtime_message m;
	int status = 0;

	(void)state;
	while (hear(&s, &m) != MB_RUNTIME_CLONED) /* the child may speak before its parent */
		assert_int_equal(m.kind, MB_RUNTIME_EXECUTING);
	assert_int_not_equal(m.pid, s.pid);
	assert_int_equal(waitpid(m.pid, &status, 0), m.pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(finish(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_executes_and_the_channel_ends),
		cmocka_unit_test(it_tells_why_it_cannot),
		cmocka_unit_test(it_waits_for_go),
		cmocka_unit_test(it_leaves_when_the_command_dies),
		cmocka_unit_test(as_init_it_passes_on_code_and_death),
		cmocka_unit_test(as_init_it_reaps_orphans),
		cmocka_unit_test(as_init_it_forwards_signals),
		cmocka_unit_test(the_filter_is_on_the_program),
		cmocka_unit_test(a_strict_filter_does_not_stop_the_stub),
		cmocka_unit_test(a_bad_filter_is_told),
		cmocka_unit_test(the_visible_one_is_the_commands_child),
	};

	start_without_new_privs();
	return cmocka_run_group_tests_name("runtime/init", tests, NULL, NULL);
}
