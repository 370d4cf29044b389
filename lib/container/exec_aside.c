/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A detached exec goes by the monitor: `mybox __exec` does it there, and when that has ended the
 * process is the monitor's, which sees its end.
 *
 * What is asked: strings, each behind a letter that says what it is and ended by NUL.  The answer:
 * struct answer; none is a program that could not begin. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "container/container.h"
#include "container/exec.h"
#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "monitor/client.h"

enum { REQUEST_MAX = 16 << 20 };

struct answer {
	int r, code;
	struct mb_err err;
};

static void add(struct mb_str *out, char kind, const char *value)
{
	mb_str_addc(out, kind);
	mb_str_addn(out, value, strlen(value) + 1);
}

static int write_request(const struct mb_container_exec_request *q, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = memfd_create("exec", MFD_CLOEXEC);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r;

	MB_STRV_FOREACH (arg, &q->args)
		add(&text, 'a', arg);
	MB_STRV_FOREACH (variable, &q->env)
		add(&text, 'e', variable);
	if (q->user)
		add(&text, 'u', q->user);
	if (q->workdir)
		add(&text, 'w', q->workdir);
	if (q->privileged)
		add(&text, 'p', "");
	r = fd < 0 ? -errno : mb_write_full(fd, text.buf, text.len);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return mb_fail_sys(err, r < 0 ? -r : errno, "cannot write down what is to be run");
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

static int parse_request(const struct mb_str *text, struct mb_container_exec_request *q,
                         struct mb_err *err)
{
	const char *end = text->buf + text->len;

	for (const char *s = text->buf; s < end; s += strlen(s) + 1) {
		if (*s == 'a')
			mb_strv_add(&q->args, s + 1);
		else if (*s == 'e')
			mb_strv_add(&q->env, s + 1);
		else if (*s == 'u')
			q->user = s + 1;
		else if (*s == 'w')
			q->workdir = s + 1;
		else if (*s == 'p')
			q->privileged = true;
		else
			return mb_fail(err, EBADMSG, "malformed request of an exec");
	}
	return q->args.n ? 0 : mb_fail(err, EBADMSG, "an exec of nothing");
}

/* Whoever has it holds the other end of the pipe, also when the monitor was killed before it said
 * so: that nobody has it is seen there alone.
 * Return: 0 and the answer; 1: it is to be done another way; or -errno. */
static int ask(struct mb_container *c, int in, struct answer *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int sock = -1, from = -1, to = -1;
	bool is_taken;
	int pair[2];
	size_t n = 0;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot create a pipe");
	from = pair[0];
	to = pair[1];
	/* One that is about to end, has ended, or is older than we are. */
	if (c->run_fd < 0 || mb_monitor_connect(c->run_fd, &sock, NULL) != 0)
		return 1;
	is_taken = mb_monitor_exec_aside(sock, (int[]){in, to}, NULL) == 0;
	mb_close(&sock);
	mb_close(&to);
	if (mb_read_full(from, ret, sizeof(*ret), &n) == 0 && n == sizeof(*ret))
		return 0;
	if (!is_taken && n == 0)
		return 1;
	return mb_fail(err, EIO, "the monitor of container '%s' could not run an exec",
	               mb_container_name(c));
}

int mb_container_exec_aside(struct mb_container *c, const struct mb_container_exec_request *request,
                            int *ret_code, struct mb_err *err)
{
	struct mb_container_exec here = MB_CONTAINER_EXEC_INIT;
	MB_AUTO_CLOSE int in = -1;
	struct answer answer;
	int r = write_request(request, &in, err);

	*ret_code = 1;
	if (r == 0)
		r = ask(c, in, &answer, err);
	if (r > 0)
		return mb_container_exec(c, request, &here, ret_code, err);
	if (r < 0)
		return r;
	*ret_code = answer.code;
	if (answer.r != 0)
		*err = answer.err;
	return answer.r;
}

int mb_container_exec_serve(struct mb_container *c, int in_fd, int out_fd, struct mb_err *err)
{
	struct mb_container_exec_request request = {.detach = true, .stdio = {-1, -1, -1}};
	struct mb_container_exec x = MB_CONTAINER_EXEC_INIT;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct answer answer = {.code = 1};

	answer.r = mb_read_fd(in_fd, REQUEST_MAX, &text, &answer.err);
	if (answer.r == 0)
		answer.r = parse_request(&text, &request, &answer.err);
	if (answer.r == 0)
		answer.r = mb_container_exec(c, &request, &x, &answer.code, &answer.err);
	/* Until it has heard of it the process is ours, so its end cannot be missed. */
	if (answer.r == 0)
		(void)mb_monitor_exec_began(x.guard, x.pid, x.id, NULL);
	mb_strv_done(&request.args);
	mb_strv_done(&request.env);
	if (mb_write_full(out_fd, &answer, sizeof(answer)) < 0)
		return mb_fail(err, EPIPE, "nobody waits for the exec");
	return 0;
}
