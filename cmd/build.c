/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "build/build.h"
#include "cli/cli.h"
#include "cmd/build_input.h"
#include "cmd/build_progress.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/pull.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "image/image.h"
#include "sys/interrupt.h"

struct build_args {
	struct mb_strv names, args, labels, secrets, add_hosts, ulimits, no_cache_for;
	const char *file, *target, *network, *platform, *iidfile, *cgroup_parent;
	int64_t shm_size, memory;
	int progress;
	bool no_cache, pull, quiet;
};

enum progress { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_TTY, PROGRESS_QUIET };
static const char *const progress_names[] = {"auto", "plain", "tty", "quiet", NULL};

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

static enum mb_cmd_build_view choose_view(const struct build_args *args)
{
	if (args->quiet || args->progress == PROGRESS_QUIET)
		return MB_CMD_BUILD_SILENT;
	if (args->progress == PROGRESS_TTY ||
	    (args->progress == PROGRESS_AUTO && mb_cmd_is_tty(STDERR_FILENO)))
		return MB_CMD_BUILD_LIVE;
	return MB_CMD_BUILD_PLAIN;
}

/* "NAME=value", or "NAME" with the caller's own value, if it has one. */
static void fill_args(struct mb_cmd_context *cx, const struct mb_strv *from, struct mb_kv *to)
{
	MB_STRV_FOREACH (arg, from) {
		const char *value = strchr(arg, '=') ? NULL : mb_cmd_user_env(cx, arg);

		if (strchr(arg, '='))
			mb_kv_set_pair(to, arg);
		else if (value)
			mb_kv_set(to, arg, value);
	}
}

/* Seconds since 1970: of the argument, or of the caller's environment. */
static int find_epoch(struct mb_cmd_context *cx, const struct mb_kv *args, int64_t *ret,
                      struct mb_err *err)
{
	const char *text = mb_kv_find(args, "SOURCE_DATE_EPOCH");
	int64_t seconds;

	if (!text)
		text = mb_cmd_user_env(cx, "SOURCE_DATE_EPOCH");
	*ret = -1;
	if (!text || !*text)
		return 0;
	if (mb_parse_i64(text, &seconds) < 0 || seconds < 0 || seconds > INT64_MAX / 2000000000)
		return mb_fail(err, EINVAL, "SOURCE_DATE_EPOCH: '%s' is no number of seconds",
		               text);
	*ret = seconds * 1000000000;
	return 0;
}

static int put_id(const struct build_args *args, const char *id, struct mb_err *err)
{
	MB_AUTO_FREE char *text = mb_asprintf("sha256:%s", id);
	MB_AUTO_CLOSE int fd = -1;

	if (args->iidfile) {
		fd = open(args->iidfile, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		          0644);
		if (fd < 0 || mb_write_full(fd, text, strlen(text)) < 0)
			return mb_fail_sys(err, errno, "cannot write '%s'", args->iidfile);
	}
	return args->quiet ? mb_cmd_put_line(text) : 0;
}

static int build(struct mb_cmd_context *cx, const struct build_args *args,
                 struct mb_cmd_build_input *input, struct mb_build_request *request,
                 struct mb_err *err)
{
	struct mb_cmd_build_progress *progress = mb_cmd_build_progress_new(choose_view(args));
	struct fetching fetching = {cx, args->platform};
	struct mb_build_result result = {.exit_code = -1};
	struct mb_store *store;
	sigset_t before;
	int r = mb_cmd_store(cx, &store, err);

	request->fetch = fetch;
	request->fetch_arg = &fetching;
	request->report = mb_cmd_build_progress_report(progress);
	mb_sys_interrupt_hold(&before);
	if (r == 0)
		r = mb_build_run(store, request, &result, err);
	if (r < 0 && r != -EINTR)
		mb_cmd_build_progress_failed(progress, input->name, mb_str_text(&input->dockerfile),
		                             &result);
	mb_cmd_build_progress_free(progress);
	mb_build_context_done(&input->context);
	mb_sys_interrupt_release(&before);
	if (r < 0)
		return mb_wrap(err, r, "failed to build");
	return put_id(args, result.id, err);
}

static int build_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct build_args *args = in->args;
	__attribute__((cleanup(mb_cmd_build_input_done))) struct mb_cmd_build_input input =
		MB_CMD_BUILD_INPUT_INIT;
	MB_AUTO_KV struct mb_kv build_args = MB_KV_INIT, labels = MB_KV_INIT;
	struct mb_build_request request;
	int64_t epoch;
	int r = mb_cmd_build_input_read(cx, in->operands[0], args->file, &input, err);

	for (size_t i = 0; i < args->secrets.n && r == 0; i++)
		r = mb_cmd_build_secret_add(cx, args->secrets.v[i], &input, err);
	fill_args(cx, &args->args, &build_args);
	MB_STRV_FOREACH (label, &args->labels)
		mb_kv_set_pair(&labels, label);
	if (r == 0)
		r = find_epoch(cx, &build_args, &epoch, err);
	if (r < 0)
		return r;
	request = (struct mb_build_request){
		.context_fd = input.context.fd,
		.dockerfile = mb_str_text(&input.dockerfile),
		.dockerfile_len = input.dockerfile.len,
		.ignore = input.has_ignore ? mb_str_text(&input.ignore) : NULL,
		.ignore_len = input.ignore.len,
		.args = build_args,
		.labels = labels,
		.target = args->target,
		.network = args->network,
		.cgroup_parent = args->cgroup_parent,
		.platform = args->platform,
		.extra_hosts = args->add_hosts,
		.ulimits = args->ulimits,
		.no_cache_for = args->no_cache_for,
		.shm_size = args->shm_size,
		.memory = args->memory,
		.secrets = input.secrets,
		.n_secrets = input.n_secrets,
		.names = args->names,
		.epoch = epoch,
		.no_cache = args->no_cache,
		.pull = args->pull,
	};
	return build(cx, args, &input, &request, err);
}

static const struct mb_cli_opt build_opts[] = {
	MB_OPT_LIST(0, "add-host", NULL, struct build_args, add_hosts,
                    "a line of /etc/hosts for RUN: name:address"),
	MB_OPT_LIST(0, "build-arg", NULL, struct build_args, args, "set an ARG: NAME=value"),
	MB_OPT_STRING(0, "cgroup-parent", NULL, struct build_args, cgroup_parent,
                      "control group above those of RUN"),
	MB_OPT_STRING('f', "file", NULL, struct build_args, file,
                      "the Dockerfile, or - for stdin (default PATH/Dockerfile)",
                      .complete = MB_COMP_FILE),
	MB_OPT_STRING(0, "iidfile", "file", struct build_args, iidfile,
                      "write the id of the image to this file", .complete = MB_COMP_FILE),
	MB_OPT_LIST(0, "label", NULL, struct build_args, labels, "set a label of the image"),
	MB_OPT_SIZE('m', "memory", NULL, struct build_args, memory, "memory limit of RUN"),
	MB_OPT_STRING(0, "network", NULL, struct build_args, network,
                      "network of RUN: default, none, host or a name", .complete = MB_COMP_NETWORK),
	MB_OPT_SWITCH(0, "no-cache", struct build_args, no_cache, "do every step again"),
	MB_OPT_LIST(0, "no-cache-filter", NULL, struct build_args, no_cache_for,
                    "do every step of this stage again"),
	MB_OPT_STRING(0, "platform", NULL, struct build_args, platform,
                      "what the image is made for: linux/amd64"),
	MB_OPT_CHOICE(0, "progress", NULL, struct build_args, progress, progress_names,
                      "what to show of it", .def = "auto"),
	MB_OPT_SWITCH(0, "pull", struct build_args, pull, "look for newer base images"),
	MB_OPT_SWITCH('q', "quiet", struct build_args, quiet, "print the id alone"),
	MB_OPT_LIST(0, "secret", NULL, struct build_args, secrets,
                    "give RUN a secret: id=a,src=FILE or id=a,env=NAME"),
	MB_OPT_SIZE(0, "shm-size", NULL, struct build_args, shm_size, "size of /dev/shm in RUN"),
	MB_OPT_LIST('t', "tag", NULL, struct build_args, names, "name of the image"),
	MB_OPT_STRING(0, "target", NULL, struct build_args, target, "build this stage"),
	MB_OPT_LIST(0, "ulimit", NULL, struct build_args, ulimits, "limit of RUN: name=soft:hard"),
	MB_OPT_IGNORED(0, "rm", false, NULL),
	MB_OPT_IGNORED(0, "force-rm", false, NULL),
	MB_OPT_IGNORED(0, "compress", false, NULL),
	MB_OPT_IGNORED(0, "load", false, NULL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_build = {
	.paths = "build|image build|builder build|buildx build",
	.summary = "make an image of a Dockerfile",
	.operands = "PATH|-",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_DIRECTORY},
	.common = true,
	.opts = build_opts,
	.args_size = sizeof(struct build_args),
	.examples = "mybox build -t web .\n"
		    "mybox build -t web --build-arg VERSION=2 -f web.Dockerfile src\n"
		    "tar -C src -c . | mybox build -t web -\n",
	.main = build_main,
};
