/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "build/place.h"
#include "cli/cli.h"
#include "cmd/aside.h"
#include "cmd/context.h"
#include "cmd/cp_tar.h"
#include "cmd/output.h"
#include "cmd/volume.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "volume/volume.h"

static int import_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const char *path = in->n_operands > 1 ? in->operands[1] : "-";
	struct mb_build_place place = {
		.root_fd = -1, .keeps_links = true, .keeps_directories = true};
	MB_AUTO_CMD_ASIDE struct mb_cmd_aside aside = MB_CMD_ASIDE_INIT;
	MB_AUTO_CMD_VOLUME_DATA struct mb_cmd_volume_data data = MB_CMD_VOLUME_DATA_INIT;
	MB_AUTO_CLOSE int file = -1;
	bool is_stdin = mb_streq(path, "-");
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_cmd_volume_open(store, in->operands[0], &data, err);
	if (r != 0)
		return r;
	if (is_stdin && mb_cmd_is_tty(STDIN_FILENO))
		return mb_fail(err, EINVAL,
		               "no tar comes from a terminal: give a file, or '<FILE'");
	if (!is_stdin)
		file = open(path, O_RDONLY | O_CLOEXEC);
	if (!is_stdin && file < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	place.root_fd = data.fd;
	r = mb_cmd_cp_tar_read(store, is_stdin ? STDIN_FILENO : file, &aside, err);
	if (r == 0)
		r = mb_cmd_cp_tar_place(&aside, data.fd, &place, err);
	return r < 0 ? mb_wrap(err, r, "cannot import into the volume '%s'", in->operands[0]) : 0;
}

static const struct mb_cli_opt import_opts[] = {MB_OPT_END};

const struct mb_cli_verb mb_cmd_volume_import = {
	.paths = "volume import",
	.summary = "unpack a tar into a volume",
	.operands = "VOLUME [FILE|-]",
	.min = 1,
	.max = 2,
	.complete = {MB_COMP_VOLUME, MB_COMP_FILE},
	.opts = import_opts,
	.examples = "mybox volume import data data.tar.gz\n",
	.main = import_main,
};
