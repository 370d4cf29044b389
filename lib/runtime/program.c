/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding what to execute, and handing over to the stub that executes it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "runtime/child.h"
#include "runtime/init/protocol.h"
#include "runtime/plan.h"

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* Return: 0, or the negative errno for which it cannot be executed. */
static int check_program(const char *path)
{
	struct stat st;

	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return -errno;
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? -EISDIR : 0;
}

static int copy_path(char *program, const char *path, struct mb_err *err)
{
	const size_t n = strlen(path);

	if (n >= PATH_MAX)
		return mb_fail_sys(err, ENAMETOOLONG, "exec: \"%.64s...\"", path);
	memcpy(program, path, n + 1);
	return 0;
}

/* A name with a slash is taken as it is, from the working directory. */
static int find_path(const char *name, char *program, struct mb_err *err)
{
	int r = check_program(name);

	if (r == -EISDIR)
		return mb_fail(err, EISDIR, "exec: \"%s\": is a directory", name);
	if (r == -EACCES || r == -EPERM)
		return mb_fail(err, EACCES, "exec: \"%s\": permission denied", name);
	if (r == -ENOENT)
		return mb_fail(err, ENOENT, "exec: \"%s\": stat %s: no such file or directory",
		               name, name);
	if (r < 0)
		return mb_fail_sys(err, -r, "exec: \"%s\"", name);
	return copy_path(program, name, err);
}

int mb_runtime_program_search(const struct mb_oci_process *process, char *program,
                              struct mb_err *err)
{
	const char *name = process->args.v[0], *path = mb_env_find(&process->env, "PATH");

	if (strchr(name, '/'))
		return find_path(name, program, err);
	if (!path)
		path = default_path;
	while (name[0]) {
		const size_t n = strcspn(path, ":");
		/* An empty entry means the working directory: not with us, as in Go. */
		int length = n == 0 || path[0] != '/'
		                     ? -1
		                     : snprintf(program, PATH_MAX, "%.*s/%s", (int)n, path, name);

		if (length > 0 && length < PATH_MAX && check_program(program) == 0)
			return 0;
		if (!path[n])
			break;
		path += n + 1;
	}
	return mb_fail(err, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

int mb_runtime_program_find(struct mb_runtime_child *c, struct mb_err *err)
{
	return mb_runtime_program_search(c->plan->process, c->program, err);
}

/* The stub reads these after execve; everything else closes by it. */
static int keep(int fd)
{
	return fd < 0 ? 0 : fcntl(fd, F_SETFD, 0);
}

static unsigned fd_or_0(int fd)
{
	return fd < 0 ? 0 : (unsigned)fd;
}

/* The environment, with the HOME of the container's passwd where it has none.  The strings are
 * borrowed, but for the last. */
static char **make_env(const struct mb_oci_process *p)
{
	char **env = mb_calloc(p->env.n + 2, sizeof(*env));
	MB_AUTO_FREE char *home = NULL;

	if (p->env.n)
		memcpy(env, p->env.v, p->env.n * sizeof(*env));
	if (mb_env_find(&p->env, "HOME"))
		return env;
	home = mb_runtime_home_find(p->user.uid);
	env[p->env.n] = mb_asprintf("HOME=%s", home);
	return env;
}

int mb_runtime_stub_run(const struct mb_runtime_stub *s, struct mb_err *err)
{
	const struct mb_oci_process *p = s->process;
	const bool carry = mb_runtime_stub_carries(s->seccomp->fd, p);
	MB_AUTO_FREE char **env = make_env(p);
	MB_AUTO_FREE char **argv = mb_calloc(p->args.n + 4, sizeof(*argv));
	MB_AUTO_FREE char *orders = NULL;
	MB_AUTO_FREE char *name = mb_strdup("mybox-init");
	struct mb_sys_creds creds = {0};
	unsigned flags = s->flags;
	uint64_t kept;

	mb_runtime_plan_creds(p, &creds);
	if (s->seccomp->fd >= 0)
		flags |= MB_INIT_FILTER | (s->filter_is_known ? MB_INIT_FILTER_SOON : 0);
	if (carry)
		flags |= MB_INIT_CAPS;
	/* What execve will leave: to root the bounding set, to others the ambient one. */
	kept = p->user.uid ? creds.caps.ambient : creds.caps.bounding | creds.caps.inheritable;
	if (s->start_fd >= 0)
		flags |= MB_INIT_LISTEN;
	if (s->label_fd >= 0)
		flags |= MB_INIT_LABEL | (s->proc_fd >= 0 ? MB_INIT_LABEL_FILE : 0);
	orders = mb_asprintf("%x:%x:%x:%zx:%x:%llx:%llx:%x:%x:%x", (unsigned)s->channel, flags,
	                     fd_or_0(s->seccomp->fd), s->seccomp->bytes, s->seccomp->flags,
	                     (unsigned long long)creds.caps.inheritable, (unsigned long long)kept,
	                     fd_or_0(s->start_fd), fd_or_0(s->label_fd), fd_or_0(s->proc_fd));
	argv[0] = name;
	argv[1] = orders;
	memcpy(&argv[2], &(char *){(char *)(uintptr_t)s->program}, sizeof(char *));
	memcpy(&argv[3], p->args.v, p->args.n * sizeof(*argv));
	if (keep(s->channel) < 0 || keep(s->seccomp->fd) < 0 || keep(s->start_fd) < 0 ||
	    keep(s->label_fd) < 0 || keep(s->proc_fd) < 0)
		return mb_fail_sys(err, errno, "cannot pass descriptors to the stub");
	syscall(SYS_execveat, s->init_fd, "", argv, env, AT_EMPTY_PATH);
	return mb_fail_sys(err, errno == ENOENT ? EIO : errno, "cannot execute the stub");
}

int mb_runtime_stub_exec(struct mb_runtime_child *c, struct mb_err *err)
{
	const struct mb_runtime_plan *plan = c->plan;
	const bool terminal = plan->process->terminal;
	const struct mb_runtime_stub s = {
		.init_fd = plan->init_fd,
		.seccomp = &plan->seccomp,
		.label_fd = plan->label_fd,
		.proc_fd = plan->label_by_file ? c->proc_fd : -1,
		.filter_is_known = plan->filter_is_known,
		.channel = c->channel,
		.start_fd = plan->req.start_fd,
		.flags = MB_INIT_SETSID | (terminal ? MB_INIT_CTTY : 0) |
	                 (c->has_gone || plan->req.start_fd >= 0 ? 0 : MB_INIT_WAIT) |
	                 (plan->req.with_init ? MB_INIT_REAP : 0),
		.process = plan->process,
		.program = c->program,
	};

	return mb_runtime_stub_run(&s, err);
}
