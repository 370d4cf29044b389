/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's ps, which is executed in the host and looks at processes from outside: nothing of a
 * container is executed or loaded. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/proc.h"
#include "sys/ps.h"

enum { OUTPUT_MAX = 64 << 20, TIMEOUT_MS = 10000, FAILED = 126, NOT_FOUND = 127 };

static void __attribute__((noreturn)) become_ps(char **argv, int out, int told)
{
	static const char *const paths[] = {"/usr/bin/ps", "/bin/ps"};
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C.UTF-8";
	char *env[] = {path, locale, NULL};
	/* lint: banned: the standard input of what is executed */
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(told, STDERR_FILENO) < 0)
		_exit(NOT_FOUND);
	mb_sys_proc_cloexec_fds(STDERR_FILENO + 1, NULL, 0, NULL);
	mb_sys_proc_reset_signals();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (size_t i = 0; i < MB_N(paths); i++)
		execve(paths[i], argv, env);
	_exit(errno == ENOENT ? NOT_FOUND : FAILED);
}

static int start(const struct mb_strv *words, int out, int told, int *ret_pidfd, struct mb_err *err)
{
	MB_AUTO_FREE char **argv = mb_calloc(words->n + 2, sizeof(*argv));
	const struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	static char name[] = "ps";
	pid_t pid;
	int r;

	argv[0] = name;
	memcpy(argv + 1, words->v, words->n * sizeof(*argv));
	r = mb_sys_proc_clone(&how, &pid, ret_pidfd, err);
	if (r == 0 && pid == 0)
		become_ps(argv, out, told);
	return r;
}

static int finish(int pidfd, int *ret_code, struct mb_err *err)
{
	int r = mb_sys_proc_wait(pidfd, TIMEOUT_MS, err);

	if (r != 0)
		(void)mb_sys_proc_signal(pidfd, SIGKILL, NULL);
	if (mb_sys_proc_reap(pidfd, ret_code, err) < 0)
		return -ECHILD;
	return r == MB_SYS_PROC_TIMEOUT ? mb_fail(err, ETIMEDOUT, "ps does not end") : r;
}

static int read_back(int fd, struct mb_str *out, struct mb_err *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return mb_fail_sys(err, errno, "cannot read what ps printed");
	return mb_read_fd(fd, OUTPUT_MAX, out, err);
}

int mb_sys_ps_run(const struct mb_strv *words, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO_CLOSE int printed = memfd_create("ps", MFD_CLOEXEC);
	MB_AUTO_CLOSE int told = memfd_create("ps", MFD_CLOEXEC), pidfd = -1;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_FREE char *shown = NULL;
	int code, r;

	if (printed < 0 || told < 0)
		return mb_fail_sys(err, errno, "cannot make a memfd");
	r = start(words, printed, told, &pidfd, err);
	if (r == 0)
		r = finish(pidfd, &code, err);
	if (r == 0)
		r = read_back(code ? told : printed, code ? &text : out, err);
	if (r < 0 || code == 0)
		return r;
	if (code == NOT_FOUND)
		return mb_fail(err, ENOENT,
		               "the program ps is missing: install the package procps");
	if (text.len)
		text.buf[strcspn(text.buf, "\n")] = '\0';
	shown = mb_printable(mb_str_text(&text));
	mb_fail(err, EINVAL, "ps: %s", *shown ? shown : "failed");
	return MB_SYS_PS_REFUSED;
}
