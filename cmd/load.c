/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/image.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"

struct load_args {
	const char *input;
	bool quiet;
	int64_t max_layer;
};

static int open_input(const struct load_args *args, int *ret_fd, struct mb_err *err)
{
	if (args->input && *args->input) {
		*ret_fd = open(args->input, O_RDONLY | O_CLOEXEC);
		if (*ret_fd < 0)
			return mb_fail_sys(err, errno, "cannot open '%s'", args->input);
		return 0;
	}
	if (mb_cmd_is_tty(STDIN_FILENO))
		return mb_fail(err, EINVAL, "requested load from stdin, but stdin is empty");
	*ret_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot read standard input") : 0;
}

static int put_loaded(const struct mb_image_loaded *loaded)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	for (size_t i = 0; i < loaded->n; i++) {
		const struct mb_image_loaded_row *row = &loaded->v[i];

		if (row->replaced)
			mb_str_addf(&out,
			            "The image %s already exists, renaming the old one with ID "
			            "sha256:%s to empty string\n",
			            row->name, row->replaced);
		if (row->name)
			mb_str_addf(&out, "Loaded image: %s\n", row->name);
		else
			mb_str_addf(&out, "Loaded image ID: sha256:%s\n", row->id);
	}
	return mb_cmd_put(&out);
}

static int load_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct load_args *args = in->args;
	struct mb_image_loaded loaded = {0};
	MB_AUTO(mb_cmd_progress_free) struct mb_cmd_progress *progress = NULL;
	MB_AUTO_CLOSE int fd = -1;
	struct mb_image_load_request request = {.source = args->input ? args->input : "-"};
	struct mb_store *store = NULL;
	int r = open_input(args, &fd, err);

	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r < 0)
		return r;
	progress = mb_cmd_progress_new(args->quiet);
	request.fd = fd;
	request.max_layer = (uint64_t)args->max_layer;
	request.report = (struct mb_image_report){mb_cmd_image_report, progress};
	r = mb_image_load(store, &request, &loaded, err);
	mb_cmd_progress_free(mb_take_ptr(&progress));
	for (size_t i = 0; r == 0 && i < loaded.n; i++)
		mb_cmd_event_image_id(store, "load", loaded.v[i].id, NULL);
	if (r == 0)
		r = put_loaded(&loaded);
	mb_image_loaded_done(&loaded);
	return r;
}

static const struct mb_cli_opt load_opts[] = {
	MB_OPT_STRING('i', "input", NULL, struct load_args, input,
                      "read this archive or OCI directory, not stdin", .complete = MB_COMP_FILE),
	MB_OPT_SIZE(0, "max-layer-size", "SIZE", struct load_args, max_layer,
                    "refuse a layer that unpacks to more"),
	MB_OPT_SWITCH('q', "quiet", struct load_args, quiet, "do not show how far it is"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_load = {
	.paths = "load|image load",
	.summary = "load images from an archive or stdin",
	.opts = load_opts,
	.args_size = sizeof(struct load_args),
	.examples = "mybox load -i debian.tar.gz\nxz -dc image.tar.xz | mybox load\n",
	.main = load_main,
};
