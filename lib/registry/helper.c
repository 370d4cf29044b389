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

/* Whose secret is an identity token. */
static const char token_user[] = "<token>";

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

/* One question to a helper. */
struct question {
	char *verb;
	int in[2], out[2]; /* its standard input and output */
	uint32_t uid, gid;
};

static void __attribute__((noreturn)) run(char *program, const struct question *q)
{
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char *argv[] = {program, q->verb, NULL};
	char *home = mb_asprintf("HOME=%s", getenv("HOME") ?: "/");
	char *env[] = {path, home, NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	mb_sys_proc_reset_signals();
	if (dup2(q->in[0], STDIN_FILENO) < 0 || dup2(q->out[1], STDOUT_FILENO) < 0)
		_exit(126);
	mb_sys_proc_cloexec_fds(STDERR_FILENO + 1, NULL, 0, NULL);
	if (geteuid() == 0 && q->uid != 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(q->gid, q->gid, q->gid) < 0 ||
	     setresuid(q->uid, q->uid, q->uid) < 0))
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
	if (strcmp(username, token_user) == 0) {
		ret->identity_token = mb_strdup(secret);
	} else {
		ret->username = mb_strdup(username);
		ret->password = mb_strdup(secret);
	}
	return 0;
}

/* Run @program with @text to read.  Return: 0, what it said and how it ended; or -errno, told. */
static int run_with(char *program, struct question *q, const char *text, struct mb_str *ret_answer,
                    int *ret_code, struct mb_err *err)
{
	pid_t pid;
	int r;

	if (pipe2(q->in, O_CLOEXEC) < 0 || pipe2(q->out, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	pid = fork();
	if (pid == 0)
		run(program, q);
	mb_close(&q->in[0]);
	mb_close(&q->out[1]);
	if (pid < 0)
		return mb_fail_sys(err, errno, "cannot fork");
	mb_write_full(q->in[1], text, strlen(text));
	mb_close(&q->in[1]);
	r = read_answer(q->out[0], ret_answer, err);
	if (r < 0)
		kill(pid, SIGKILL);
	if (mb_sys_proc_reap_pid(pid, ret_code, NULL) < 0)
		*ret_code = 1;
	return r;
}

static int talk(const struct mb_registry_helper *helper, char *verb, const char *text,
                struct mb_str *ret_answer, int *ret_code, struct mb_err *err)
{
	struct question q = {verb, {-1, -1}, {-1, -1}, helper->uid, helper->gid};
	MB_AUTO_FREE char *program = NULL;
	int r = find_program(helper->name, &program, err);

	if (r < 0)
		return r;
	r = run_with(program, &q, text, ret_answer, ret_code, err);
	for (int i = 0; i < 2; i++) {
		mb_close(&q.in[i]);
		mb_close(&q.out[i]);
	}
	return r;
}

int mb_registry_helper_get(const struct mb_registry_helper *helper, const char *key,
                           struct mb_registry_login *ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str answer = MB_STR_INIT;
	char verb[] = "get";
	int code = 0;
	int r = talk(helper, verb, key, &answer, &code, err);

	if (r == 0)
		r = code == 0 ? parse_answer(&answer, ret, err) : MB_REGISTRY_NO_LOGIN;
	if (answer.len)
		explicit_bzero(answer.buf, answer.len);
	return r;
}

/* In its own words, which helpers write to their output. */
static int fail_with(const struct mb_registry_helper *helper, const struct mb_str *answer,
                     struct mb_err *err)
{
	MB_AUTO_FREE char *line =
		mb_strndup(mb_str_text(answer), strcspn(mb_str_text(answer), "\r\n"));
	MB_AUTO_FREE char *shown = mb_printable(line);

	return mb_fail(err, EIO, "the credential helper '%s' failed%s%.300s", helper->name,
	               *shown ? ": " : "", shown);
}

int mb_registry_helper_store(const struct mb_registry_helper *helper, const char *key,
                             const struct mb_registry_login *login, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();
	MB_AUTO_STR struct mb_str text = MB_STR_INIT, answer = MB_STR_INIT;
	bool is_token = login->identity_token;
	char verb[] = "store";
	int code = 0, r;

	mb_json_set_str(o, "ServerURL", key);
	mb_json_set_str(o, "Username", is_token ? token_user : login->username);
	mb_json_set_str(o, "Secret", is_token ? login->identity_token : login->password);
	mb_json_format(o, false, &text);
	r = talk(helper, verb, mb_str_text(&text), &answer, &code, err);
	explicit_bzero(text.buf, text.len);
	return r == 0 && code != 0 ? fail_with(helper, &answer, err) : r;
}

int mb_registry_helper_erase(const struct mb_registry_helper *helper, const char *key,
                             struct mb_err *err)
{
	MB_AUTO_STR struct mb_str answer = MB_STR_INIT;
	char verb[] = "erase";
	int code = 0;
	int r = talk(helper, verb, key, &answer, &code, err);

	if (r < 0 || code == 0)
		return r;
	/* What all helpers say of what they do not have. */
	if (mb_starts_with(mb_str_text(&answer), "credentials not found"))
		return MB_REGISTRY_NO_LOGIN;
	return fail_with(helper, &answer, err);
}
