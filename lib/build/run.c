/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RUN: a container on the layers so far; what it wrote is the next one. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/job.h"
#include "build/mount.h"
#include "build/names.h"
#include "build/work.h"
#include "container/container.h"
#include "container/create.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/change.h"
#include "monitor/client.h"
#include "sys/interrupt.h"
#include "sys/proc.h"

/* What is run, and all that its result depends on. */
struct command {
	struct mb_strv argv, env;
	char *script;  /* a here-document that is a program of its own, or NULL */
	char *network; /* as run --network has it */
	char *said;    /* for the history */
	char key[MB_SHA256_TEXT];
};

static void command_done(struct command *c)
{
	mb_strv_done(&c->argv);
	mb_strv_done(&c->env);
	free(c->script);
	free(c->network);
	free(c->said);
}

static const char script_path[] = "/dev/pipes/script";

/* --- what it is ------------------------------------------------------------------------------- */

/* One here-document and nothing else is a script; others are the shell's. */
static void fill_argv(const struct mb_build_state *state,
                      const struct mb_dockerfile_instruction *in, struct command *c)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;

	if (in->is_exec) {
		mb_strv_add_all(&c->argv, &in->args);
		return;
	}
	if (in->n_heredocs == 1 && strcmp(in->args.v[0], in->heredocs[0].word) == 0) {
		if (mb_starts_with(in->heredocs[0].content, "#!")) {
			c->script = mb_strdup(in->heredocs[0].content);
			mb_strv_add(&c->argv, script_path);
			return;
		}
		mb_str_add(&line, in->heredocs[0].content);
	} else {
		mb_str_add(&line, in->args.v[0]);
		for (size_t i = 0; i < in->n_heredocs; i++)
			mb_str_addf(&line, "%s%s", i ? "" : "\n", in->heredocs[i].lines);
	}
	mb_strv_add(&words, mb_str_text(&line));
	mb_image_change_command(&state->config.config, false, &words, &c->argv);
}

static int choose_network(struct mb_build *b, const struct mb_dockerfile_instruction *in,
                          struct command *c, struct mb_err *err)
{
	const char *flag = mb_dockerfile_flag_find(in, "network");
	const char *security = mb_dockerfile_flag_find(in, "security");

	if (security && strcmp(security, "sandbox") != 0)
		return mb_fail(err, EPERM,
		               strcmp(security, "insecure") == 0
		                       ? "RUN --security=%s is not allowed"
		                       : "RUN --security=%s: unknown security mode",
		               security);
	if (mb_dockerfile_flag_find(in, "device"))
		return mb_fail(err, EOPNOTSUPP, "RUN --device is not supported");
	if (flag && strcmp(flag, "default") != 0 && strcmp(flag, "none") != 0 &&
	    strcmp(flag, "host") != 0)
		return mb_fail(err, EINVAL, "invalid network mode: %s", flag);
	if (flag && strcmp(flag, "host") == 0 && !b->request->host_network)
		return mb_fail(err, EPERM,
		               "RUN --network=host needs build --network=host or --allow "
		               "network.host");
	if (!flag || strcmp(flag, "default") == 0)
		flag = b->request->network ? b->request->network : "default";
	c->network = mb_strdup(flag);
	return 0;
}

/* "RUN |1 A=b /bin/sh -c make": what the ARGs were is part of what was done. */
static char *history_of(const struct mb_build_state *state, const struct command *c)
{
	MB_AUTO_STR struct mb_str said = MB_STR_INIT;
	MB_AUTO_FREE char *argv = mb_strv_join(&c->argv, " ");
	size_t n = 0;

	MB_KV_FOREACH (pair, &state->args)
		n += !mb_build_name_is_proxy(pair->key);
	mb_str_add(&said, "RUN ");
	if (n)
		mb_str_addf(&said, "|%zu ", n);
	MB_KV_FOREACH (pair, &state->args)
		if (!mb_build_name_is_proxy(pair->key))
			mb_str_addf(&said, "%s=%s ", pair->key, pair->value);
	mb_str_add(&said, argv);
	return mb_str_take(&said);
}

static int make_command(struct mb_build *b, struct mb_build_stage *stage,
                        const struct mb_dockerfile_instruction *in, struct command *c,
                        struct mb_err *err)
{
	static const struct mb_kv none = {0};
	struct mb_build_state *state = &stage->state;
	MB_AUTO_STRV struct mb_strv env = MB_STRV_INIT;
	struct mb_build_key key;
	int r;

	fill_argv(state, in, c);
	r = choose_network(b, in, c, err);
	if (r < 0)
		return r;
	mb_build_state_env(state, &b->request->args, &c->env);
	c->said = history_of(state, c);
	mb_build_state_env(state, &none, &env);
	mb_build_key_init(&key, "RUN", state);
	mb_build_key_add_all(&key, &c->argv);
	mb_build_key_add(&key, c->script);
	mb_build_key_add_all(&key, &env);
	mb_build_key_add(&key, state->config.config.user);
	mb_build_key_add(&key, state->config.config.working_dir);
	mb_build_key_add(&key, c->network);
	mb_build_key_add_all(&key, &b->request->extra_hosts);
	r = mb_build_mounts_key(b, stage, in, &key, err);
	/* Mounts say, too, whether it sees the context. */
	mb_build_key_add_epoch(&key, mb_build_work_epoch(b, state));
	mb_build_key_finish(&key, c->key);
	return r;
}

/* --- the container ---------------------------------------------------------------------------- */

static void fill_request(struct mb_build *b, const struct mb_build_state *state,
                         const struct command *c, struct mb_container_create_request *q)
{
	const struct mb_build_request *asked = b->request;

	q->on_layers = true;
	mb_strv_add_all(&q->layers, &state->layers);
	q->image = mb_strdup("<build>");
	mb_strv_add_all(&q->command, &c->argv);
	mb_strv_add_all(&q->config.env, &c->env);
	q->config.user = mb_strdup_or_null(state->config.config.user);
	q->config.working_dir = mb_strdup_or_null(state->config.config.working_dir);
	q->config.hostname = mb_strdup("buildkitsandbox");
	q->config.attach_stdout = q->config.attach_stderr = true;
	q->host.auto_remove = true;
	q->host.shm_size = asked->shm_size;
	q->host.memory = asked->memory;
	q->host.memory_swap = asked->memory_swap;
	q->host.cpu_shares = asked->cpu_shares;
	q->host.cpu_period = asked->cpu_period;
	q->host.cpu_quota = asked->cpu_quota;
	q->host.cpuset_cpus = mb_strdup_or_null(asked->cpuset_cpus);
	q->host.cpuset_mems = mb_strdup_or_null(asked->cpuset_mems);
	q->host.cgroup_parent = mb_strdup_or_null(asked->cgroup_parent);
	mb_strv_add_all(&q->host.extra_hosts, &asked->extra_hosts);
	mb_strv_add_all(&q->ulimits, &asked->ulimits);
	mb_strv_add(&q->networks, c->network);
}

/* What no document on disk has: mounts by their descriptors, and secrets. */
static void add_mounts(struct mb_container *c, const struct mb_build_mounts *mounts)
{
	MB_STRV_FOREACH (secret, &mounts->env)
		mb_env_set(&c->record->config.env, secret);
	for (size_t i = 0; i < mounts->n_trees; i++) {
		const struct mb_build_tree *tree = &mounts->trees[i];
		struct mb_container_mount *m =
			mb_container_append(&c->record->mounts, &c->record->n_mounts, sizeof(*m));

		m->type = mb_strdup("tree");
		m->source = mb_strdup("build");
		m->destination = mb_strdup(tree->target);
		m->mode = mb_strdup("");
		m->propagation = mb_strdup("rprivate");
		m->rw = tree->writable;
		m->tree_fd = tree->fd;
	}
}

static void take_output(struct mb_build *b, unsigned step, const struct mb_monitor_packet *p)
{
	const struct mb_build_report *report = &b->request->report;

	if (report->output)
		report->output(report->arg, step, p->head.stream == MB_MONITOR_STDERR, p->body.data,
		               p->head.size);
}

/* Return: 0: go on; 1: it has ended and *@ret_code is set; -errno. */
static int take_messages(struct mb_build *b, unsigned step, struct mb_container *c,
                         struct mb_container_session *session, int *ret_code, struct mb_err *err)
{
	static struct mb_monitor_packet packet;

	for (;;) {
		int r = mb_monitor_receive(session->sock, &packet, true, err);

		if (r == MB_MONITOR_AGAIN)
			return 0;
		if (r == MB_MONITOR_GONE) {
			r = mb_container_session_recover(c, session, ret_code, err);
			return r == MB_CONTAINER_NOT_RUNNING ? 1 : r;
		}
		if (r < 0)
			return r;
		if (packet.head.type == MB_MONITOR_OUTPUT)
			take_output(b, step, &packet);
		if (packet.head.type == MB_MONITOR_EXIT) {
			*ret_code = packet.body.exit.exit_code;
			return 1;
		}
		if (packet.head.type == MB_MONITOR_ERROR)
			return mb_fail(err, packet.body.error.code, "%s", packet.body.error.msg);
	}
}

static int follow(struct mb_build *b, unsigned step, struct mb_container *c,
                  struct mb_container_session *session, int *ret_code, struct mb_err *err)
{
	MB_AUTO_CLOSE int interrupt = -1;
	bool killed = false;
	int r = mb_sys_interrupt_open(&interrupt, err);

	while (r == 0) {
		struct pollfd p[] = {{.fd = session->sock, .events = POLLIN},
		                     {.fd = killed ? -1 : interrupt, .events = POLLIN}};

		if (poll(p, MB_N(p), mb_build_tick_every(b)) < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot poll");
		mb_build_tick(b);
		if (p[1].revents) {
			killed = true;
			mb_sys_proc_signal(session->pidfd, SIGKILL, NULL);
		}
		if (p[0].revents)
			r = take_messages(b, step, c, session, ret_code, err);
	}
	return r < 0 ? r : mb_sys_interrupt_check(err);
}

/* It has run.  What it wrote is taken before the rest of it goes. */
static int keep(struct mb_build *b, struct mb_build_stage *stage, struct mb_container *c,
                const struct command *command, const struct mb_build_mounts *mounts,
                struct mb_err *err)
{
	MB_AUTO_CLOSE int upper =
		openat(c->dir_fd, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (upper < 0)
		return mb_fail_sys(err, errno, "cannot open what the command wrote");
	r = mb_build_mounts_tidy(b, &stage->state, mounts, upper, err);
	return r < 0 ? r
	             : mb_build_work_adopt(b, c->dir_fd, "upper", &stage->state, command->key,
	                                   command->said, err);
}

static int run_container(struct mb_build *b, struct mb_build_stage *stage, unsigned step,
                         struct mb_container *c, const struct command *command,
                         const struct mb_build_mounts *mounts, struct mb_err *err)
{
	__attribute__((cleanup(mb_container_session_done))) struct mb_container_session session =
		MB_CONTAINER_SESSION_INIT;
	struct mb_container_start how = {
		.attach = true, .tied = true, .streams = MB_MONITOR_STDOUT | MB_MONITOR_STDERR};
	int code = 0, r = mb_container_start(c, &how, &session, err);

	mb_strv_done(&how.warnings);
	if (r < 0) {
		b->exit_code = how.exit_code;
		mb_container_remove(c, true, true, NULL);
		return mb_container_explain_for(stage->state.config.architecture, r, err);
	}
	r = follow(b, step, c, &session, &code, err);
	if (r == 0 && code) {
		b->exit_code = code;
		r = mb_fail(err, ECANCELED,
		            "process \"%s\" did not complete successfully: exit code: %d",
		            command->said + strlen("RUN "), code);
	}
	if (r == 0)
		r = keep(b, stage, c, command, mounts, err);
	mb_container_finish(c, NULL);
	if (session.sock >= 0)
		mb_monitor_cleaned(session.sock, NULL);
	return r;
}

static int execute(struct mb_build *b, struct mb_build_stage *stage, unsigned step,
                   const struct mb_dockerfile_instruction *in, const struct command *command,
                   struct mb_err *err)
{
	MB_AUTO_BUILD_MOUNTS struct mb_build_mounts mounts = MB_BUILD_MOUNTS_INIT;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_container_create_request q = {0};
	int r = mb_build_mounts_open(b, stage, in, &mounts, err);

	if (r == 0 && command->script)
		r = mb_build_mounts_add_file(&mounts, script_path, command->script,
		                             strlen(command->script), 0555, err);
	if (r < 0)
		return r;
	fill_request(b, &stage->state, command, &q);
	r = mb_container_create(b->store, &q, &c, NULL, err);
	mb_container_create_request_done(&q);
	if (r != 0)
		return r < 0 ? r : -EINVAL;
	add_mounts(c, &mounts);
	return run_container(b, stage, step, c, command, &mounts, err);
}

int mb_build_run_command(struct mb_build *b, struct mb_build_stage *stage,
                         const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	__attribute__((cleanup(command_done))) struct command command = {0};
	struct mb_build_step step = mb_build_step_begin(b, stage, in->text);
	int r = make_command(b, stage, in, &command, err);

	if (r == 0)
		r = mb_build_cache_use(b, stage, command.key, err);
	step.cached = r == 0;
	if (r == 1)
		r = execute(b, stage, step.number, in, &command, err);
	if (r == 0)
		mb_build_state_history(&stage->state, command.said, true);
	return mb_build_step_end(b, &step, r, err);
}
