/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/build.h"
#include "cli/cli.h"
#include "cmd/build_check.h"
#include "cmd/build_fetch.h"
#include "cmd/build_progress.h"
#include "cmd/build_work.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/interrupt.h"

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

/* --- what comes out --------------------------------------------------------------------------- */

static int put_id(const struct mb_cmd_build_work *w, struct mb_err *err)
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

static int put_result(const struct mb_cmd_build_work *w, struct mb_err *err)
{
	int r = 0;

	if (w->args->metadata)
		r = mb_cmd_build_metadata_write(w->args->metadata, &w->result, &w->pushed,
		                                &w->names, err);
	return r < 0 ? r : put_id(w, err);
}

static int build(struct mb_cmd_build_work *w, struct mb_err *err)
{
	struct mb_cmd_build_progress *progress = mb_cmd_build_progress_new(choose_view(w->args));
	struct mb_store *store;
	sigset_t before;
	int r = mb_cmd_store(w->cx, &store, err);

	w->request.fetch = mb_cmd_build_fetch;
	w->request.fetch_arg = w->cx;
	w->request.report = mb_cmd_build_progress_report(progress);
	if (r == 0)
		r = mb_cmd_build_cache_import(w->cx, &w->cache, progress, err);
	w->request.origins = w->cache.origins;
	mb_sys_interrupt_hold(&before);
	if (r == 0)
		r = mb_build_run(store, &w->request, &w->result, err);
	mb_cmd_build_progress_warn(progress, w->input.name, mb_str_text(&w->input.dockerfile));
	if (r < 0 && r != -EINTR)
		mb_cmd_build_progress_failed(progress, w->input.name,
		                             mb_str_text(&w->input.dockerfile), &w->result);
	r = mb_cmd_build_outputs_close(&w->outputs, r, err);
	/* As long as nobody can end us: what was fetched goes. */
	mb_build_context_done(&w->input.context);
	mb_cmd_build_contexts_done(&w->contexts);
	mb_sys_interrupt_release(&before);
	if (r == 0 && w->outputs.push)
		r = mb_cmd_build_push(w->cx, &w->names, w->result.id, &w->annotations, progress,
		                      &w->pushed, err);
	r = mb_cmd_build_cache_export(w->cx, &w->cache, &w->result, r, progress, err);
	mb_cmd_build_progress_free(progress);
	return r < 0 ? mb_wrap(err, r, "failed to build") : put_result(w, err);
}

static int build_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	__attribute__((cleanup(mb_cmd_build_work_done))) struct mb_cmd_build_work w = {
		.cx = cx,
		.args = in->args,
		.input = MB_CMD_BUILD_INPUT_INIT,
		.result = {.exit_code = -1},
	};
	int r = mb_cmd_build_work_prepare(&w, in->operands[0], err);

	if (r < 0)
		return r;
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
