/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names are looked up by getent, which knows what the host's nsswitch.conf says: a static program
 * cannot load what that names. */
#include "volume/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/interrupt.h"

/* A name server that is away is given up by the C library after some ten seconds, and there may be
 * three. */
enum {
	EXIT_NO_PROGRAM = 127,
	TEXT_MAX = 512,
	PATIENCE_MS = 40000,
	LOOK_MS = 100,
	NSEC_PER_MS = 1000000
};

/* "fe80::1%eth0", too: the kernel reads that. */
static bool is_address(const char *text)
{
	size_t n = strcspn(text, "%");
	MB_AUTO_FREE char *plain = mb_strndup(text, n);
	struct in6_addr ignored;

	if (strcmp(text + n, "%") == 0)
		return false;
	return inet_pton(AF_INET, text, &ignored) == 1 || inet_pton(AF_INET6, plain, &ignored) == 1;
}

static void __attribute__((noreturn)) become_getent(const char *database, const char *name, int out)
{
	char program[] = "getent", path[] = "PATH=/usr/bin:/bin", end[] = "--";
	char *argv[] = {program, end, mb_strdup(database), mb_strdup(name), NULL};
	char *envp[] = {path, NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	/* What we hold back ends it. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0 &&
	    dup2(out, STDOUT_FILENO) >= 0) {
		execve("/usr/bin/getent", argv, envp);
		execve("/bin/getent", argv, envp);
	}
	_exit(EXIT_NO_PROGRAM);
}

/* What @fd gives until it ends, the beginning of it in @text.  Return: 0 or -errno, told. */
static int read_answer(int fd, const char *name, char text[TEXT_MAX], struct mb_err *err)
{
	const int64_t end = mb_monotonic_nsec() + (int64_t)PATIENCE_MS * NSEC_PER_MS;
	size_t n = 0;

	for (;;) {
		int64_t left = (end - mb_monotonic_nsec()) / NSEC_PER_MS;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int r = mb_sys_interrupt_check(err);
		ssize_t got;

		if (r < 0)
			return r;
		if (left <= 0)
			return mb_fail(err, ETIMEDOUT, "cannot look up '%s': no answer", name);
		/* A signal that is held back wakes nobody. */
		if (poll(&p, 1, left < LOOK_MS ? (int)left : LOOK_MS) <= 0)
			continue;
		got = read(fd, text + n, TEXT_MAX - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		n += got > 0 ? (size_t)got : 0;
		text[n] = '\0';
		if (got <= 0 || n == TEXT_MAX - 1)
			return 0;
	}
}

/* The first word of what it prints.  Return: 0; 1: it knows no such name; or -errno, told. */
static int ask(const char *database, const char *name, char text[TEXT_MAX], struct mb_err *err)
{
	int pair[2], status = 0, r;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot create a pipe");
	pid = fork();
	if (pid == 0)
		become_getent(database, name, pair[1]);
	close(pair[1]);
	r = pid < 0 ? mb_fail_sys(err, errno, "cannot look up '%s'", name)
	            : read_answer(pair[0], name, text, err);
	close(pair[0]);
	if (pid < 0)
		return r;
	/* It has nothing more to say. */
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return r;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_PROGRAM)
		return mb_fail(err, ENOENT,
		               "cannot look up '%s': there is no getent here, give the address",
		               name);
	text[strcspn(text, " \t\n")] = '\0';
	return is_address(text) ? 0 : 1;
}

int mb_volume_address_resolve(struct mb_strv *options, struct mb_err *err)
{
	static const char *const databases[] = {"ahostsv4", "hosts"};

	for (size_t i = 0; i < options->n; i++) {
		const char *name = mb_skip_prefix(options->v[i], "addr=");
		char text[TEXT_MAX];
		int r = 1;

		if (!name || !*name || is_address(name))
			continue;
		for (size_t k = 0; r > 0 && k < MB_N(databases); k++)
			r = ask(databases[k], name, text, err);
		if (r < 0)
			return r;
		if (r > 0)
			return mb_fail(err, EHOSTUNREACH, "no such host: '%s'", name);
		free(options->v[i]);
		options->v[i] = mb_asprintf("addr=%s", text);
	}
	return 0;
}
