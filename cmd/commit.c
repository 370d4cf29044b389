/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/event.h"
#include "cmd/output.h"
#include "container/commit.h"
#include "container/container.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"

struct commit_args {
	struct mb_strv changes;
	const char *author, *message, *iidfile;
	bool pause, no_pause, squash;
	int format;
};

static int write_id(const char *path, const char *id, struct mb_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : mb_write_full(fd, id, strlen(id));

	if (fd >= 0 && close(fd) < 0 && r == 0)
		r = -errno;
	return r < 0 ? mb_fail_sys(err, -r, "cannot write the image's id to '%s'", path) : 0;
}

static int commit_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct commit_args *args = in->args;
	const struct mb_container_commit how = {
		.name = in->n_operands > 1 && *in->operands[1] ? in->operands[1] : NULL,
		.author = args->author,
		.message = args->message,
		.changes = &args->changes,
		.pause = args->pause && !args->no_pause,
		.squash = args->squash,
	};
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_FREE char *line = NULL;
	char id[MB_ID_TEXT];
	int r = mb_cmd_container_find(cx, in->operands[0], &c, err);

	if (r == 0) {
		r = mb_container_commit(c, &how, id, err);
		if (r < 0)
			mb_wrap(err, r, "cannot commit '%s'", in->operands[0]);
	}
	if (r < 0)
		return r;
	if (how.name)
		mb_cmd_event_tag(c->store, how.name);
	line = mb_asprintf("sha256:%s", id);
	if (args->iidfile)
		r = write_id(args->iidfile, line, err);
	return r < 0 ? r : mb_cmd_put_line(line);
}

/* One image is both. */
static const char *const formats[] = {"docker", "oci", NULL};

static const struct mb_cli_opt commit_opts[] = {
	MB_OPT_STRING('a', "author", NULL, struct commit_args, author,
                      "its author: NAME <ADDRESS>"),
	MB_OPT_LIST('c', "change", NULL, struct commit_args, changes,
                    "apply a Dockerfile instruction, such as CMD or ENV"),
	MB_OPT_CHOICE('f', "format", NULL, struct commit_args, format, formats,
                      "of its documents; they are both", .hidden = true),
	MB_OPT_STRING(0, "iidfile", "file", struct commit_args, iidfile,
                      "write the image's id to the file", .complete = MB_COMP_FILE),
	MB_OPT_STRING('m', "message", NULL, struct commit_args, message,
                      "message for the history of the image"),
	MB_OPT_SWITCH(0, "no-pause", struct commit_args, no_pause,
                      "let it run while its files are read"),
	MB_OPT_SWITCH('p', "pause", struct commit_args, pause, "pause it while its files are read",
                      .def = "true"),
	MB_OPT_IGNORED('q', "quiet", false, NULL),
	MB_OPT_SWITCH('s', "squash", struct commit_args, squash,
                      "one layer of all that it sees, none below"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_commit = {
	.paths = "commit|container commit",
	.summary = "make an image of what a container changed",
	.operands = "CONTAINER [REPOSITORY[:TAG]]",
	.min = 1,
	.max = 2,
	.complete = {MB_COMP_CONTAINER, MB_COMP_IMAGE},
	.opts = commit_opts,
	.args_size = sizeof(struct commit_args),
	.examples = "mybox commit web web:patched\n"
		    "mybox commit -m 'with curl' -c 'CMD [\"curl\", \"http://web/\"]' c1 tools\n",
	.main = commit_main,
};
