/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "image/image.h"

struct save_args {
	const char *output;
};

/* A file of one's own next to it, which takes its name when it is whole. */
static int open_output(const char *path, char **ret_temporary, int *ret_fd, struct mb_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;

	/* A device or a pipe is written as it is. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		*ret_fd = open(path, O_WRONLY | O_CLOEXEC);
		return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", path) : 0;
	}
	*ret_temporary = mb_asprintf("%s.tmp-%d", path, getpid());
	*ret_fd = open(*ret_temporary, flags, 0600);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot create '%s'", *ret_temporary) : 0;
}

static int save_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct save_args *args = in->args;
	struct mb_image_save_request request = {.names = (const char *const *)in->operands,
	                                        .n_names = in->n_operands,
	                                        .fd = STDOUT_FILENO};
	MB_AUTO_FREE char *temporary = NULL;
	MB_AUTO_CLOSE int fd = -1;
	struct mb_store *store = NULL;
	int r = 0;

	if (args->output && *args->output)
		r = open_output(args->output, &temporary, &fd, err);
	else if (mb_cmd_is_tty(STDOUT_FILENO))
		r = mb_fail(err, EINVAL,
		            "cowardly refusing to save to a terminal. Use the -o flag or redirect");
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (fd >= 0)
		request.fd = fd;
	if (r == 0)
		r = mb_image_save(store, &request, err);
	if (temporary && r == 0 && rename(temporary, args->output) < 0)
		r = mb_fail_sys(err, errno, "cannot rename '%s'", temporary);
	if (temporary && fd >= 0 && r != 0)
		unlink(temporary);
	if (r > 0) {
		mb_cmd_say("Error: %s", err->msg);
		return 1;
	}
	return r;
}

static const struct mb_cli_opt save_opts[] = {
	MB_OPT_STRING('o', "output", NULL, struct save_args, output,
                      "write to this file, not stdout", .complete = MB_COMP_FILE),
	MB_OPT_REFUSED(0, "platform", true, "an image here is of one platform"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_save = {
	.paths = "save|image save",
	.summary = "write images to an archive",
	.operands = "IMAGE [IMAGE...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.opts = save_opts,
	.args_size = sizeof(struct save_args),
	.examples = "mybox save -o debian.tar debian:12\n"
		    "mybox save web db | zstd >both.tar.zst\n",
	.main = save_main,
};
