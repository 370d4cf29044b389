/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/carried.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/proc.h"
#include "sys/seal.h"

enum { NOBODY = 65534 };

static int become_nobody(void)
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	                       setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static void keep(struct mb_strv *env, const char *name)
{
	const char *value = getenv(name);

	if (value)
		mb_strv_addf(env, "%s=%s", name, value);
}

static void __attribute__((noreturn)) become(const struct mb_sys_carried *p, int sock, int elf)
{
	static char *const none[] = {NULL};
	struct mb_strv argv = MB_STRV_INIT, env = MB_STRV_INIT;

	mb_strv_add(&argv, p->name);
	for (const char *const *a = p->args; *a; a++)
		mb_strv_add(&argv, *a);
	for (const char *const *name = p->environment; *name; name++)
		keep(&env, *name);
	/* The sanitizer of the development profile. */
	keep(&env, "ASAN_OPTIONS");
	/* Both above the place where the socket is to be. */
	sock = fcntl(sock, F_DUPFD_CLOEXEC, p->place + 1);
	elf = fcntl(elf, F_DUPFD_CLOEXEC, p->place + 1);
	if (sock < 0 || elf < 0 || dup2(sock, p->place) < 0)
		_exit(126);
	mb_sys_proc_cloexec_fds(p->place + 1, NULL, 0, NULL);
	mb_sys_proc_reset_signals();
	if (p->limit)
		p->limit();
	if (chdir("/") < 0 || become_nobody() < 0)
		_exit(126);
	/* glibc takes no environment for a mistake: a monitor's children may have none at all. */
	fexecve(elf, argv.v, env.v ? env.v : none);
	_exit(127);
}

int mb_sys_carried_start(const struct mb_sys_carried *program, int *ret_sock, pid_t *ret_pid,
                         struct mb_err *err)
{
	MB_AUTO_CLOSE int elf = -1, ours = -1, its = -1;
	int ends[2], r;
	pid_t pid;

	r = mb_sys_seal_blob(program->name, program->elf, program->elf_size, &elf, err);
	if (r < 0)
		return r;
	if (fchmod(elf, 0111) < 0)
		return mb_fail_sys(err, errno, "cannot hide the program '%s'", program->name);
	if (socketpair(AF_UNIX, program->socket_type | SOCK_CLOEXEC, 0, ends) < 0)
		return mb_fail_sys(err, errno, "cannot make a socket pair");
	ours = ends[0];
	its = ends[1];
	pid = fork();
	if (pid == 0)
		become(program, its, elf);
	if (pid < 0)
		return mb_fail_sys(err, errno, "cannot fork");
	*ret_sock = mb_take_fd(&ours);
	*ret_pid = pid;
	return 0;
}
