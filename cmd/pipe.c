/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/relay.h"
#include "cmd/report.h"
#include "cmd/session.h"
#include "container/container.h"
#include "container/event.h"
#include "container/exec.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/proc.h"

enum { STAGES_MAX = 64 };

struct pipe_args {
	bool pipefail, codes;
	const char *user;
};

/* One command in one container. */
struct stage {
	struct mb_container *c;
	struct mb_strv args; /* borrowed */
	int pidfd;           /* of the process of ours that runs it */
	int code;
};

struct stages {
	struct stage v[STAGES_MAX];
	size_t n;
};

static void stages_done(struct stages *s)
{
	for (size_t i = 0; i < s->n; i++) {
		mb_close(&s->v[i].pidfd);
		mb_strv_done(&s->v[i].args);
		mb_container_free(s->v[i].c);
	}
}

/* "A produce -- B filter x -- C consume" */
static int split(const struct mb_cli_input *in, struct stages *s, struct mb_store *store,
                 struct mb_err *err)
{
	bool begins = true;
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->n_operands; i++) {
		const char *word = in->operands[i];
		struct stage *x;

		if (mb_streq(word, "--")) {
			if (begins || s->v[s->n - 1].args.n == 0)
				return mb_fail(err, EINVAL,
				               "a container and a command are missing "
				               "before '--'");
			begins = true;
			continue;
		}
		if (!begins) {
			mb_strv_add(&s->v[s->n - 1].args, word);
			continue;
		}
		if (s->n == STAGES_MAX)
			return mb_fail(err, E2BIG, "more than %d commands", STAGES_MAX);
		begins = false;
		x = &s->v[s->n++];
		*x = (struct stage){.pidfd = -1};
		r = mb_container_find(store, word, &x->c, err);
		if (r == 0)
			r = mb_container_adopt(x->c, err);
		if (r == 0 && !mb_container_is_running(x->c))
			r = mb_fail(err, ESRCH, "Container %s is not running", x->c->id);
	}
	if (r == 0 && (begins || s->v[s->n - 1].args.n == 0))
		return mb_fail(err, EINVAL, "a container and a command are missing at the end");
	if (r == 0 && s->n < 2)
		return mb_fail(err, EINVAL,
		               "one command alone is what exec is for: put -- between "
		               "two");
	return r > 0 ? -ENOENT : r;
}

/* In a process of its own, so that whoever carries bytes for one (relay.h) holds no pipe of
 * another's open.  What cannot be run is told; its neighbours see its pipes end. */
static void __attribute__((noreturn))
be_stage(const struct stage *x, int in, int out, const char *user, pid_t parent)
{
	struct mb_container_exec_request q = {.args = x->args,
	                                      .user = user,
	                                      .stdio = {in >= 0 ? in : STDIN_FILENO,
	                                                out >= 0 ? out : STDOUT_FILENO,
	                                                STDERR_FILENO}};
	struct mb_container_exec exec = MB_CONTAINER_EXEC_INIT;
	struct mb_cmd_relay relay = MB_CMD_RELAY_INIT;
	struct mb_err why = MB_ERR_INIT;
	int code = 1, r = mb_sys_proc_die_with_parent(parent, &why);

	if (r == 0)
		r = mb_cmd_relay_open(q.stdio, &relay, &why);
	if (r == 0)
		r = mb_container_exec(x->c, &q, &exec, &code, &why);
	mb_close(&in);
	mb_close(&out);
	if (r == 0)
		r = mb_cmd_relay_start(&relay, &why);
	if (r == 0)
		r = mb_cmd_child_wait(exec.pidfd, &code, &why);
	if (r == 0) {
		mb_container_exec_done(&exec);
		mb_container_event_exec_die(x->c, exec.id, code);
	} else if (why.code) {
		mb_cmd_report(&why);
	}
	mb_cmd_relay_finish(&relay);
	_exit(code);
}

/* Each gets the pipes at its sides, and we keep none. */
static int start_all(struct stages *s, const char *user, struct mb_err *err)
{
	const struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	MB_AUTO_CLOSE int in = -1;
	pid_t self = getpid();

	for (size_t i = 0; i < s->n; i++) {
		int ends[2] = {-1, -1}, r;
		pid_t pid;

		if (i + 1 < s->n && pipe2(ends, O_CLOEXEC) < 0)
			return mb_fail_sys(err, errno, "cannot make a pipe");
		r = mb_sys_proc_clone(&how, &pid, &s->v[i].pidfd, err);
		if (r == 0 && pid == 0) {
			mb_close(&ends[0]);
			be_stage(&s->v[i], in, ends[1], user, self);
		}
		mb_close(&in);
		mb_close(&ends[1]);
		in = ends[0];
		if (r < 0)
			return r;
	}
	return 0;
}

static int wait_for_all(struct stages *s, struct mb_err *err)
{
	int pidfds[STAGES_MAX], codes[STAGES_MAX], r;

	for (size_t i = 0; i < s->n; i++)
		pidfds[i] = s->v[i].pidfd;
	r = mb_cmd_children_wait(pidfds, s->n, true, codes, err);
	for (size_t i = 0; r == 0 && i < s->n; i++)
		s->v[i].code = codes[i];
	return r;
}

static int exit_code(const struct stages *s, bool pipefail)
{
	for (size_t i = s->n; i-- > 0;)
		if (!pipefail || s->v[i].code)
			return s->v[i].code;
	return 0;
}

static int pipe_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct pipe_args *args = in->args;
	__attribute__((cleanup(stages_done))) struct stages s = {.n = 0};
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = split(in, &s, store, err);
	if (r == 0)
		r = start_all(&s, args->user, err);
	if (r == 0)
		r = wait_for_all(&s, err);
	if (r < 0)
		return r;
	for (size_t i = 0; args->codes && i < s.n; i++)
		fprintf(stderr, "%d%c", s.v[i].code, i + 1 < s.n ? ' ' : '\n');
	return exit_code(&s, args->pipefail);
}

static const struct mb_cli_opt pipe_opts[] = {
	MB_OPT_SWITCH(0, "codes", struct pipe_args, codes, "write the exit codes of all to stderr"),
	MB_OPT_SWITCH(0, "pipefail", struct pipe_args, pipefail,
                      "exit as the last command that failed"),
	MB_OPT_STRING('u', "user", NULL, struct pipe_args, user,
                      "user name or uid (<name|uid>[:<group|gid>])"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_pipe = {
	.paths = "pipe",
	.summary = "join commands in containers by pipes",
	.operands = "CONTAINER COMMAND [ARG...] -- CONTAINER COMMAND [ARG...] [-- ...]",
	.min = 2,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_RUNNING},
	.stop_at_operand = true,
	.opts = pipe_opts,
	.args_size = sizeof(struct pipe_args),
	.examples = "mybox pipe db pg_dump shop -- tools gzip -9 >shop.gz\n"
		    "mybox pipe --pipefail --codes a produce -- b filter -- c consume\n",
	.main = pipe_main,
};
