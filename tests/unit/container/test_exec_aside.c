/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A detached exec by a monitor that goes away meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "container/container.h"
#include "container/exec.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/sock.h"
#include "monitor/protocol.h"

/* As exec_aside.c has it. */
struct answer {
	int r, code;
	struct mb_err err;
};

/* It takes what is asked, says nothing of it, and is gone; the answer comes all the same. */
static void __attribute__((noreturn)) be_monitor(int listener)
{
	const struct answer answer = {
		.r = -ENOEXEC, .code = 42, .err = {.code = ENOEXEC, .msg = "own"}};
	int fds[MB_SOCK_MAX_FDS], sock;
	char packet[256], byte;
	size_t n, n_fds;

	alarm(60); /* whatever becomes of the test */
	sock = accept(listener, NULL, NULL);
	close(listener);
	if (mb_sock_receive(sock, packet, sizeof(packet), &n, fds, MB_N(fds), &n_fds) < 0 ||
	    n_fds != 2)
		_exit(1);
	shutdown(sock, SHUT_RDWR);
	close(sock);
	/* Later than the other side learns of that. */
	while (read(fds[0], &byte, 1) > 0)
		;
	_exit(mb_write_full(fds[1], &answer, sizeof(answer)) < 0);
}

static void who_has_it_answers(void **state)
{
	char path[] = "/tmp/mybox-test-exec-XXXXXX", word[] = "true", *argv[] = {word, NULL};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct mb_container_exec_request q = {
		.args = {.v = argv, .n = 1}, .detach = true, .stdio = {-1, -1, -1}};
	struct mb_container c = {.dir_fd = -1};
	struct mb_err err = MB_ERR_INIT;
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), code, status;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/monitor.sock", path);
	assert_int_equal(bind(listener, (void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	pid = fork();
	if (pid == 0)
		be_monitor(listener);
	close(listener);
	c.run_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mb_container_exec_aside(&c, &q, &code, &err), -ENOEXEC);
	assert_int_equal(code, 42);
	assert_string_equal(err.msg, "own");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(c.run_fd);
	unlink(at.sun_path);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_it_answers),
	};

	return cmocka_run_group_tests_name("container/exec_aside", tests, NULL, NULL);
}
