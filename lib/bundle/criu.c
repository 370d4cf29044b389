/* SPDX-License-Identifier: GPL-2.0-or-later */
/* criu, the program that keeps processes on disk: its command line, and what it says. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/proc.h"

enum { LOG_TAIL = 256 << 10, EXIT_NOT_RUN = 127 };

bool mb_bundle_mount_is_bind(const struct mb_oci_mount *m)
{
	if (mb_strv_has(&m->options, "remount"))
		return false;
	return mb_streq(m->type, "bind") || mb_strv_has(&m->options, "bind") ||
	       mb_strv_has(&m->options, "rbind");
}

static const char *ns_of(const char *name)
{
	return mb_streq(name, "network") ? "net" : name;
}

void mb_bundle_criu_args(const struct mb_bundle_criu *how, const char *verb, struct mb_strv *args)
{
	const struct {
		bool is_given;
		const char *option;
	} rows[] = {
		{how->tcp_established, "--tcp-established"},
		{how->tcp_skip_in_flight, "--skip-in-flight"},
		{how->ext_unix_sockets, "--ext-unix-sk"},
		{how->shell_job, "--shell-job"},
		{how->file_locks, "--file-locks"},
		{how->link_remap, "--link-remap"},
		{how->auto_dedup, "--auto-dedup"},
		{how->lazy_pages, "--lazy-pages"},
	};

	mb_strv_add(args, "criu");
	mb_strv_add(args, verb);
	mb_strv_addf(args, "--images-dir=%s", how->images);
	if (how->work)
		mb_strv_addf(args, "--work-dir=%s", how->work);
	mb_strv_addf(args, "--log-file=%s.log", verb);
	mb_strv_add(args, "-v4");
	/* The group, its limits and its namespace are ours to make: nothing of it is criu's. */
	mb_strv_addf(args, "--manage-cgroups=%s", how->cgroups ? how->cgroups : "ignore");
	for (size_t i = 0; i < MB_N(rows); i++)
		if (rows[i].is_given)
			mb_strv_add(args, rows[i].option);
	MB_STRV_FOREACH (ns, &how->empty_ns)
		mb_strv_addf(args, "--empty-ns=%s", ns_of(ns));
}

/* The last error of its log; or nothing. */
static void read_complaint(const char *path, struct mb_str *ret)
{
	MB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct stat st;
	const char *last = NULL;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (st.st_size > LOG_TAIL)
		(void)lseek(fd, st.st_size - LOG_TAIL, SEEK_SET);
	if (mb_read_fd(fd, LOG_TAIL, &text, NULL) < 0)
		return;
	for (const char *p = mb_str_text(&text); (p = strstr(p, "Error (")); p++)
		last = p;
	if (last)
		mb_str_addf(ret, ": %.*s", (int)strcspn(last, "\n"), last);
}

/* Only returns when it cannot. */
static int execute(const char *name, char *const *argv, struct mb_err *err)
{
	static const char *const dirs[] = {"/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin",
	                                   "/bin"};
	static char path[] = "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *const environment[] = {path, NULL};
	char program[PATH_MAX];

	if (!name || !*name)
		name = "criu";
	if (strchr(name, '/')) {
		execve(name, argv, environment);
		return mb_fail_sys(err, errno, "criu '%s'", name);
	}
	for (size_t i = 0; i < MB_N(dirs); i++) {
		snprintf(program, sizeof(program), "%s/%s", dirs[i], name);
		execve(program, argv, environment);
		if (errno != ENOENT)
			return mb_fail_sys(err, errno, "criu '%s'", program);
	}
	return mb_fail(err, EOPNOTSUPP, "this needs '%s', which is not installed", name);
}

static _Noreturn void become(const char *name, const struct mb_strv *args, int failed,
                             int (*prepare)(void *arg, struct mb_err *err), void *arg)
{
	struct mb_err err = MB_ERR_INIT;

	mb_sys_proc_reset_signals();
	if (prepare(arg, &err) == 0)
		(void)execute(name, args->v, &err);
	(void)mb_write_full(failed, &err, sizeof(err));
	_exit(EXIT_NOT_RUN);
}

/* Return: its exit code, or -errno when it did not come to be. */
static int await(int pidfd, int failed, struct mb_err *err)
{
	struct mb_err told = MB_ERR_INIT;
	size_t n = 0;
	int code = 0;
	int r = mb_read_full(failed, &told, sizeof(told), &n);

	if (mb_sys_proc_reap(pidfd, &code, r < 0 ? NULL : err) < 0)
		return -ECHILD;
	if (r == 0 && n == sizeof(told)) {
		if (err)
			*err = told;
		return -told.code;
	}
	return code;
}

int mb_bundle_criu_run(const struct mb_bundle_criu *how, const char *verb,
                       const struct mb_strv *args, int (*prepare)(void *arg, struct mb_err *err),
                       void *arg, struct mb_err *err)
{
	const struct mb_sys_clone plain = MB_SYS_CLONE_INIT;
	MB_AUTO_FREE char *log =
		mb_asprintf("%s/%s.log", how->work ? how->work : how->images, verb);
	MB_AUTO_CLOSE int pidfd = -1, reading = -1;
	MB_AUTO_STR struct mb_str why = MB_STR_INIT;
	int pipe_fds[2], r;
	pid_t pid = -1;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	reading = pipe_fds[0];
	r = mb_sys_proc_clone(&plain, &pid, &pidfd, err);
	if (r == 0 && pid == 0)
		become(how->program, args, pipe_fds[1], prepare, arg);
	close(pipe_fds[1]);
	if (r == 0)
		r = await(pidfd, reading, err);
	if (r <= 0)
		return r;
	read_complaint(log, &why);
	return mb_fail(err, EIO, "criu %s failed with exit status %d%s (see '%s')", verb, r,
	               mb_str_text(&why), log);
}
