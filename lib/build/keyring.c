/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "build/nobody.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/mount.h"
#include "sys/proc.h"

enum { PATIENCE_MS = 30000, MAX_TEXT = 4096 };

/* --- what a file is --------------------------------------------------------------------------- */

static const char *find(const char *bytes, size_t n, const char *text)
{
	return memmem(bytes, n, text, strlen(text));
}

enum mb_build_key_kind mb_build_key_kind_of(const char *bytes, size_t n)
{
	static const char openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	/* How a key of OpenSSH begins whose cipher is "none". */
	static const char plain[] = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUA";
	const char *end = bytes + n, *p;

	if (!find(bytes, n, "-----BEGIN ") || !find(bytes, n, " PRIVATE KEY-----"))
		return MB_BUILD_KEY_NONE;
	if (find(bytes, n, "-----BEGIN ENCRYPTED ") || find(bytes, n, "Proc-Type: 4,ENCRYPTED"))
		return MB_BUILD_KEY_ENCRYPTED;
	p = find(bytes, n, openssh);
	if (!p)
		return MB_BUILD_KEY_PLAIN;
	for (p += strlen(openssh); p < end && (*p == '\r' || *p == '\n');)
		p++;
	return (size_t)(end - p) >= strlen(plain) && memcmp(p, plain, strlen(plain)) == 0
	               ? MB_BUILD_KEY_PLAIN
	               : MB_BUILD_KEY_ENCRYPTED;
}

/* --- programs --------------------------------------------------------------------------------- */

struct program {
	const char *line; /* its words */
	const struct mb_build_nobody *who;
	int dir_fd, in_fd, out_fd;
};

static int prepare(const struct program *p, pid_t parent, struct mb_err *err)
{
	int r;

	if (fchdir(p->dir_fd) < 0 || dup2(p->in_fd, 0) < 0 || dup2(p->out_fd, 1) < 0 ||
	    dup2(p->out_fd, 2) < 0 || setsid() < 0)
		return mb_fail_sys(err, errno, "cannot start a program");
	r = mb_sys_proc_close_fds(3, NULL, 0, err);
	if (r == 0)
		r = mb_build_nobody_become(p->who, err);
	/* Whoever changes his uid is forgotten by his parent's end, so not before. */
	return r < 0 ? r : mb_sys_proc_die_with_parent(parent, err);
}

static void __attribute__((noreturn)) run_child(const struct program *p, pid_t parent)
{
	struct mb_strv argv = MB_STRV_INIT, env = MB_STRV_INIT;
	struct mb_err err = MB_ERR_INIT;

	mb_sys_proc_reset_signals();
	if (prepare(p, parent, &err) == 0) {
		mb_strv_split(&argv, p->line, ' ');
		mb_strv_add(&env, "PATH=/usr/local/bin:/usr/bin:/bin");
		mb_strv_add(&env, "HOME=/nonexistent");
		mb_strv_add(&env, "LC_ALL=C");
		mb_strv_add(&env, "SSH_AUTH_SOCK=agent");
		mb_strv_add(&env, "SSH_ASKPASS_REQUIRE=never");
		mb_build_nobody_execute(&argv, &env, "openssh-client", &err);
	}
	dprintf(2, "%s\n", err.msg);
	_exit(127);
}

/* @ret_fd: what it writes. */
static int start(struct program *p, int *ret_pidfd, int *ret_fd, struct mb_err *err)
{
	const struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	pid_t pid, parent = getpid();
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	p->out_fd = ends[1];
	r = mb_sys_proc_clone(&how, &pid, ret_pidfd, err);
	if (r == 0 && pid == 0)
		run_child(p, parent);
	mb_close(&ends[1]);
	if (r < 0)
		mb_close(&ends[0]);
	else
		*ret_fd = ends[0];
	return r;
}

/* Up to its end, or to the first line. */
static int listen_to(int fd, bool one_line, struct mb_str *text, struct mb_err *err)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char part[512];
		ssize_t n = poll(&p, 1, PATIENCE_MS);

		if (n == 0)
			return mb_fail(err, ETIMEDOUT, "it says nothing");
		if (n > 0)
			n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mb_fail_sys(err, errno, "cannot read what it says");
		if (text->len < MAX_TEXT)
			mb_str_addn(text, part, (size_t)n);
		if (n == 0 || (one_line && memchr(part, '\n', (size_t)n)))
			return 0;
	}
}

/* The first line that it said. */
static int fail_said(const char *what, const struct mb_str *said, struct mb_err *err)
{
	const char *text = mb_str_text(said);
	MB_AUTO_FREE char *line = mb_strndup(text, strcspn(text, "\r\n"));
	MB_AUTO_FREE char *safe = mb_printable(line);

	return mb_fail(err, EIO, "%s: %.300s", what, *safe ? safe : "failed");
}

static void end(int *pidfd, int *ret_code)
{
	mb_sys_proc_signal(*pidfd, SIGKILL, NULL);
	mb_sys_proc_reap(*pidfd, ret_code, NULL);
	mb_close(pidfd);
}

/* --- the agent -------------------------------------------------------------------------------- */

static int start_agent(struct mb_build_keyring *keyring, struct mb_err *err)
{
	/* In the foreground it tells the name of its socket as soon as it has one.  No library is
	 * loaded into it for whoever asks. */
	struct program program = {.line = "ssh-agent -D -P none -a agent",
	                          .who = &keyring->who,
	                          .dir_fd = keyring->dir_fd};
	MB_AUTO_CLOSE int null = open("/dev/null", O_RDONLY | O_CLOEXEC), said_fd = -1;
	MB_AUTO_STR struct mb_str said = MB_STR_INIT;
	int r;

	if (null < 0)
		return mb_fail_sys(err, errno, "cannot open '/dev/null'");
	program.in_fd = null;
	r = start(&program, &keyring->pidfd, &said_fd, err);
	if (r == 0)
		r = listen_to(said_fd, true, &said, err);
	if (r < 0)
		return mb_wrap(err, r, "ssh-agent");
	return mb_starts_with(mb_str_text(&said), "SSH_AUTH_SOCK=")
	               ? 0
	               : fail_said("ssh-agent", &said, err);
}

int mb_build_keyring_start(struct mb_build_keyring *ret, struct mb_err *err)
{
	struct mb_build_keyring keyring = MB_BUILD_KEYRING_INIT;
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;
	int r;

	keyring.who = mb_build_nobody_draw(false);
	mb_strv_add(&options, "mode=0700");
	mb_strv_addf(&options, "uid=%u", keyring.who.uid);
	mb_strv_addf(&options, "gid=%u", keyring.who.gid);
	r = mb_sys_mount_new("tmpfs", &options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	                     &keyring.dir_fd, err);
	if (r == 0)
		r = start_agent(&keyring, err);
	if (r == 0)
		*ret = keyring;
	else
		mb_build_keyring_stop(&keyring);
	return r;
}

void mb_build_keyring_stop(struct mb_build_keyring *keyring)
{
	int code;

	if (keyring->pidfd >= 0)
		end(&keyring->pidfd, &code);
	mb_close(&keyring->dir_fd);
}

/* --- keys ------------------------------------------------------------------------------------- */

static int add(struct program *program, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str said = MB_STR_INIT;
	MB_AUTO_CLOSE int said_fd = -1;
	int pidfd = -1, code = 0, r = start(program, &pidfd, &said_fd, err);

	if (r < 0)
		return r;
	r = listen_to(said_fd, false, &said, err);
	if (r < 0) {
		end(&pidfd, &code);
		return mb_wrap(err, r, "ssh-add");
	}
	r = mb_sys_proc_reap(pidfd, &code, err);
	mb_close(&pidfd);
	return r < 0 || !code ? r : fail_said("ssh-add", &said, err);
}

int mb_build_keyring_add(const struct mb_build_keyring *keyring, const char *bytes, size_t n,
                         struct mb_err *err)
{
	struct program program = {
		.line = "ssh-add -q -k -", .who = &keyring->who, .dir_fd = keyring->dir_fd};
	MB_AUTO_CLOSE int file = memfd_create("key", MFD_CLOEXEC);

	if (file < 0 || mb_write_full(file, bytes, n) < 0 || lseek(file, 0, SEEK_SET) < 0)
		return mb_fail_sys(err, errno, "cannot hand a key over");
	program.in_fd = file;
	return add(&program, err);
}
