/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/build.h"
#include "cli/cli.h"
#include "cmd/build_check.h"
#include "cmd/build_context.h"
#include "cmd/build_flags.h"
#include "cmd/build_input.h"
#include "cmd/build_output.h"
#include "cmd/build_progress.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/pull.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "sys/interrupt.h"

struct fetching {
	struct mb_cmd_context *cx;
	const char *platform;
};

static int fetch(void *arg, const char *name, bool newer, struct mb_err *err)
{
	const struct fetching *f = arg;
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	struct mb_store *store;
	int r = mb_cmd_store(f->cx, &store, err);

	if (r == 0 && !newer)
		r = mb_image_find(store, name, &image, NULL, err);
	if (r != MB_IMAGE_ABSENT && !(r == 0 && newer))
		return r > 0 ? -EINVAL : r;
	r = mb_cmd_pull_image(
		f->cx,
		&(struct mb_cmd_pull_request){
			.name = name, .platform = f->platform, .beside = true, .quiet = true},
		err);
	return r > 0 ? -EPIPE : r;
}

static enum mb_cmd_build_view choose_view(const struct mb_cmd_build_args *args)
{
	if (args->quiet || args->progress == MB_CMD_BUILD_AS_QUIET)
		return MB_CMD_BUILD_SILENT;
	if (args->progress == MB_CMD_BUILD_AS_RAW)
		return MB_CMD_BUILD_RAW;
	if (args->progress == MB_CMD_BUILD_AS_TTY ||
	    (args->progress == MB_CMD_BUILD_AS_AUTO && mb_cmd_is_tty(STDERR_FILENO)))
		return MB_CMD_BUILD_LIVE;
	return MB_CMD_BUILD_PLAIN;
}

/* What a build is made of. */
struct work {
	struct mb_cmd_context *cx;
	const struct mb_cmd_build_args *args;
	struct mb_cmd_build_input input;
	struct mb_cmd_build_outputs outputs;
	struct mb_cmd_build_contexts contexts;
	struct mb_kv build_args, labels, annotations;
	struct mb_strv names;
	struct mb_build_request request;
	struct mb_build_result result;
	struct mb_cmd_build_pushed pushed;
};

static void work_done(struct work *w)
{
	mb_cmd_build_input_done(&w->input);
	mb_cmd_build_outputs_done(&w->outputs);
	mb_cmd_build_contexts_done(&w->contexts);
	mb_kv_done(&w->build_args);
	mb_kv_done(&w->labels);
	mb_kv_done(&w->annotations);
	mb_strv_done(&w->names);
	free(w->pushed.digest);
}

/* --- what comes out --------------------------------------------------------------------------- */

static int put_id(const struct work *w, struct mb_err *err)
{
	MB_AUTO_FREE char *text = mb_asprintf("sha256:%s", w->result.id);
	MB_AUTO_CLOSE int fd = -1;

	if (!*w->result.id)
		return 0;
	if (w->args->iidfile) {
		fd = open(w->args->iidfile, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		          0644);
		if (fd < 0 || mb_write_full(fd, text, strlen(text)) < 0)
			return mb_fail_sys(err, errno, "cannot write '%s'", w->args->iidfile);
	}
	return w->args->quiet && w->result.has_image ? mb_cmd_put_line(text) : 0;
}

static int put_result(const struct work *w, struct mb_err *err)
{
	int r = 0;

	if (w->args->metadata)
		r = mb_cmd_build_metadata_write(w->args->metadata, &w->result, &w->pushed,
		                                &w->names, err);
	return r < 0 ? r : put_id(w, err);
}

static int build(struct work *w, struct mb_err *err)
{
	struct mb_cmd_build_progress *progress = mb_cmd_build_progress_new(choose_view(w->args));
	struct fetching fetching = {w->cx, w->args->platform};
	struct mb_store *store;
	sigset_t before;
	int r = mb_cmd_store(w->cx, &store, err);

	w->request.fetch = fetch;
	w->request.fetch_arg = &fetching;
	w->request.report = mb_cmd_build_progress_report(progress);
	mb_sys_interrupt_hold(&before);
	if (r == 0)
		r = mb_build_run(store, &w->request, &w->result, err);
	mb_cmd_build_progress_warn(progress, w->input.name, mb_str_text(&w->input.dockerfile));
	if (r < 0 && r != -EINTR)
		mb_cmd_build_progress_failed(progress, w->input.name,
		                             mb_str_text(&w->input.dockerfile), &w->result);
	r = mb_cmd_build_outputs_close(&w->outputs, r, err);
	mb_build_context_done(&w->input.context);
	mb_sys_interrupt_release(&before);
	if (r == 0 && w->outputs.push)
		r = mb_cmd_build_push(w->cx, &w->names, &w->annotations, progress, &w->pushed, err);
	mb_cmd_build_progress_free(progress);
	return r < 0 ? mb_wrap(err, r, "failed to build") : put_result(w, err);
}

/* --- what goes in ----------------------------------------------------------------------------- */

static int read_flags(struct work *w, struct mb_err *err)
{
	const struct mb_cmd_build_args *args = w->args;
	int r = mb_cmd_build_flags_check(args, err);

	for (size_t i = 0; i < args->secrets.n && r == 0; i++)
		r = mb_cmd_build_secret_add(w->cx, args->secrets.v[i], &w->input, err);
	for (size_t i = 0; i < args->ssh.n && r == 0; i++)
		r = mb_cmd_build_ssh_add(w->cx, args->ssh.v[i], &w->input, err);
	for (size_t i = 0; i < args->annotations.n && r == 0; i++)
		r = mb_cmd_build_annotation_add(args->annotations.v[i], &w->annotations, err);
	for (size_t i = 0; i < args->outputs.n && r == 0; i++)
		r = mb_cmd_build_output_add(args->outputs.v[i], &w->outputs, err);
	for (size_t i = 0; i < args->contexts.n && r == 0; i++)
		r = mb_cmd_build_context_add(w->cx, args->contexts.v[i], &w->contexts, err);
	if (r == 0)
		r = mb_cmd_build_outputs_want(&w->outputs, args->load, args->push, err);
	mb_cmd_build_fill_args(w->cx, &args->args, &w->build_args);
	MB_STRV_FOREACH (label, &args->labels)
		mb_kv_set_pair(&w->labels, label);
	mb_strv_add_all(&w->names, &args->names);
	mb_strv_add_all(&w->names, &w->outputs.names);
	if (r == 0)
		r = mb_cmd_build_find_epoch(w->cx, &w->build_args, &w->request.epoch, err);
	return r;
}

static void fill_request(struct work *w)
{
	const struct mb_cmd_build_args *args = w->args;
	int64_t epoch = w->request.epoch;

	w->request = (struct mb_build_request){
		.context_fd = w->input.context.fd,
		.dockerfile = mb_str_text(&w->input.dockerfile),
		.dockerfile_len = w->input.dockerfile.len,
		.ignore = w->input.has_ignore ? mb_str_text(&w->input.ignore) : NULL,
		.ignore_len = w->input.ignore.len,
		.args = w->build_args,
		.labels = w->labels,
		.target = args->target,
		.network = args->network,
		.cgroup_parent = args->cgroup_parent,
		.platform = args->platform,
		.extra_hosts = args->add_hosts,
		.ulimits = args->ulimits,
		.no_cache_for = args->no_cache_for,
		.shm_size = args->shm_size,
		.memory = args->memory,
		.secrets = w->input.secrets,
		.n_secrets = w->input.n_secrets,
		.ssh = w->input.ssh,
		.n_ssh = w->input.n_ssh,
		.named = w->contexts.v,
		.n_named = w->contexts.n,
		.names = w->names,
		.outputs = w->outputs.v,
		.n_outputs = w->outputs.n,
		.annotations = w->annotations,
		.epoch = epoch,
		.no_cache = args->no_cache,
		.pull = args->pull,
	};
}

static int build_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	__attribute__((cleanup(work_done))) struct work w = {
		.cx = cx,
		.args = in->args,
		.input = MB_CMD_BUILD_INPUT_INIT,
		.result = {.exit_code = -1},
	};
	int r = read_flags(&w, err);

	w.input.keeps_git =
		mb_streq(mb_kv_find(&w.build_args, "BUILDKIT_CONTEXT_KEEP_GIT_DIR"), "1");
	if (r == 0)
		r = mb_cmd_build_input_read(cx, in->operands[0], w.args->file, &w.input, err);
	if (r < 0)
		return r;
	fill_request(&w);
	return w.args->check || mb_streq(w.args->call, "check")
	               ? mb_cmd_build_check(cx, &w.input, &w.request, err)
	               : build(&w, err);
}

const struct mb_cli_verb mb_cmd_build = {
	.paths = "build|image build|builder build|buildx build",
	.summary = "make an image of a Dockerfile",
	.operands = "PATH|URL|-",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_DIRECTORY},
	.common = true,
	.opts = mb_cmd_build_opts,
	.args_size = sizeof(struct mb_cmd_build_args),
	.examples = "mybox build -t web .\n"
		    "mybox build -t web --build-arg VERSION=2 -f web.Dockerfile src\n"
		    "tar -C src -c . | mybox build -t web -\n"
		    "mybox build -o out --target files .\n"
		    "mybox build -t registry.example.com/web:2 --push .\n",
	.main = build_main,
};
