/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

struct import_args {
	struct mb_strv changes;
	const char *message, *platform;
	bool quiet;
	int64_t max_layer;
};

static int open_source(const char *source, int *ret_fd, struct mb_err *err)
{
	if (mb_starts_with(source, "http://") || mb_starts_with(source, "https://"))
		return mb_fail(err, ENOTSUP, "cannot import '%s': fetch it and import the file",
		               source);
	if (strcmp(source, "-") == 0)
		*ret_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		*ret_fd = open(source, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", source) : 0;
}

/* "linux/arm64" or "arm64". */
static int parse_platform(const char *platform, const char **ret_arch, struct mb_err *err)
{
	const char *slash = platform ? strchr(platform, '/') : NULL;

	if (slash && !mb_starts_with(platform, "linux/"))
		return mb_fail(err, EINVAL, "invalid platform '%s': only linux", platform);
	*ret_arch = slash ? slash + 1 : platform;
	return 0;
}

static int import_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct import_args *args = in->args;
	struct mb_image_import_request request = {
		.source = in->operands[0],
		.name = in->n_operands > 1 ? in->operands[1] : NULL,
		.message = args->message,
		.changes = &args->changes,
	};
	MB_AUTO(mb_cmd_progress_free) struct mb_cmd_progress *progress = NULL;
	MB_AUTO_CLOSE int fd = -1;
	MB_AUTO_FREE char *line = NULL;
	char id[MB_IMAGE_ID_TEXT];
	struct mb_store *store = NULL;
	int r = parse_platform(args->platform, &request.architecture, err);

	if (r == 0)
		r = open_source(request.source, &fd, err);
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r < 0)
		return r;
	progress = mb_cmd_progress_new(args->quiet || !mb_cmd_is_tty(STDERR_FILENO));
	request.fd = fd;
	request.max_layer = (uint64_t)args->max_layer;
	request.report = (struct mb_image_report){mb_cmd_image_report, progress};
	r = mb_image_import(store, &request, id, err);
	mb_cmd_progress_free(mb_take_ptr(&progress));
	if (r < 0)
		return r;
	line = mb_asprintf("sha256:%s", id);
	if (request.name)
		mb_cmd_event_tag(store, request.name);
	mb_cmd_event_image(store, "import", line, NULL);
	return mb_cmd_put_line(line);
}

static const struct mb_cli_opt import_opts[] = {
	MB_OPT_LIST('c', "change", NULL, struct import_args, changes,
                    "apply a Dockerfile instruction, such as CMD or ENV"),
	MB_OPT_SIZE(0, "max-layer-size", "SIZE", struct import_args, max_layer,
                    "refuse a file system that unpacks to more"),
	MB_OPT_STRING('m', "message", NULL, struct import_args, message,
                      "message for the history of the image"),
	MB_OPT_STRING(0, "platform", NULL, struct import_args, platform,
                      "what it is made for: linux/arm64"),
	MB_OPT_SWITCH('q', "quiet", struct import_args, quiet, "do not show how far it is"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_import = {
	.paths = "import|image import",
	.summary = "make an image of a root file system in a tar",
	.operands = "file|- [REPOSITORY[:TAG]]",
	.min = 1,
	.max = 2,
	.complete = {MB_COMP_FILE, MB_COMP_IMAGE},
	.opts = import_opts,
	.args_size = sizeof(struct import_args),
	.examples = "mybox import rootfs.tar.gz example/base:1\n"
		    "tar -C /srv/root -c . | mybox import -c 'CMD [\"/bin/sh\"]' - base\n",
	.main = import_main,
};
