/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "registry/auths.h"
#include "sys/proc.h"
#include "json/json.h"

enum { MAX_NAME = 64, MAX_ANSWER = 64 * 1024, TIMEOUT_MSEC = 10000 };

static bool name_is_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= MAX_NAME && !name[n];
}

static int find_program(const char *name, char **ret, struct mb_err *err)
{
	static const char *const directories[] = {"/usr/local/bin", "/usr/bin", "/bin"};

	if (!name_is_valid(name))
		return mb_fail(err, EINVAL, "the name of the credential helper is not valid");
	for (size_t i = 0; i < MB_N(directories); i++) {
		MB_AUTO_FREE char *path =
			mb_asprintf("%s/docker-credential-%s", directories[i], name);

		if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0) {
			*ret = mb_take_ptr(&path);
			return 0;
		}
	}
	return mb_fail(err, ENOENT, "the program 'docker-credential-%s' is not there", name);
}

static void __attribute__((noreturn))
run(char *program, int in, int out, uint32_t uid, uint32_t gid)
{
	char verb[] = "get", path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char *argv[] = {program, verb, NULL}, *home = mb_asprintf("HOME=%s", getenv("HOME") ?: "/");
	char *env[] = {path, home, NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	mb_sys_proc_reset_signals();
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	mb_sys_proc_cloexec_fds(STDERR_FILENO + 1, NULL, 0, NULL);
	if (geteuid() == 0 && uid != 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	     setresuid(uid, uid, uid) < 0))
		_exit(126);
	execve(program, argv, env);
	_exit(127);
}

/* What it writes until it closes its output, for as long as it may take. */
static int read_answer(int fd, struct mb_str *out, struct mb_err *err)
{
	int64_t end = mb_monotonic_nsec() + TIMEOUT_MSEC * 1000000ll;
	char part[4096];

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = (end - mb_monotonic_nsec()) / 1000000;
		ssize_t n;

		if (left <= 0)
			return mb_fail(err, ETIMEDOUT, "the credential helper does not answer");
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, part, sizeof(part));
		if (n < 0)
			return mb_fail_sys(err, errno, "cannot read from the credential helper");
		if (n == 0)
			return 0;
		if (out->len + (size_t)n > MAX_ANSWER)
			return mb_fail(err, EFBIG, "the credential helper says too much");
		mb_str_addn(out, part, (size_t)n);
	}
}

static int parse_answer(const struct mb_str *text, struct mb_registry_login *ret,
                        struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	const char *username, *secret;
	int r = mb_json_parse_object(mb_str_text(text), text->len, &o, err);

	if (r < 0)
		return mb_wrap(err, r, "what the credential helper said");
	username = mb_json_find_str(o, "Username", "");
	secret = mb_json_find_str(o, "Secret", "");
	if (!*username || !*secret)
		return MB_REGISTRY_NO_LOGIN;
	*ret = (struct mb_registry_login){0};
	if (strcmp(username, "<token>") == 0) {
		ret->identity_token = mb_strdup(secret);
	} else {
		ret->username = mb_strdup(username);
		ret->password = mb_strdup(secret);
	}
	return 0;
}

int mb_registry_helper_get(const char *name, const char *key, uint32_t uid, uint32_t gid,
                           struct mb_registry_login *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *program = NULL;
	MB_AUTO_STR struct mb_str answer = MB_STR_INIT;
	int in[2] = {-1, -1}, out[2] = {-1, -1}, code = 0;
	pid_t pid;
	int r = find_program(name, &program, err);

	if (r < 0)
		return r;
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	pid = fork();
	if (pid == 0)
		run(program, in[0], out[1], uid, gid);
	mb_close(&in[0]);
	mb_close(&out[1]);
	r = pid < 0 ? mb_fail_sys(err, errno, "cannot fork") : 0;
	if (r == 0) {
		mb_write_full(in[1], key, strlen(key));
		mb_close(&in[1]);
		r = read_answer(out[0], &answer, err);
		if (r < 0)
			kill(pid, SIGKILL);
		if (mb_sys_proc_reap_pid(pid, &code, NULL) < 0)
			code = 1;
	}
	mb_close(&in[1]);
	mb_close(&out[0]);
	if (r == 0)
		r = code == 0 ? parse_answer(&answer, ret, err) : MB_REGISTRY_NO_LOGIN;
	if (answer.len)
		explicit_bzero(answer.buf, answer.len);
	return r;
}
