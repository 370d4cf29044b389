/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/outfile.h"
#include "cmd/volume.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "image/pack.h"
#include "volume/volume.h"

struct export_args {
	const char *output;
};

static int put(void *arg, const void *bytes, size_t n)
{
	return mb_write_full(*(const int *)arg, bytes, n);
}

static int export_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct export_args *args = in->args;
	struct mb_cmd_outfile out = MB_CMD_OUTFILE_INIT;
	struct mb_image_pack pack = {.root = true, .give = put, .arg = &out.fd};
	struct mb_image_packed packed;
	MB_AUTO_CMD_VOLUME_DATA struct mb_cmd_volume_data data = MB_CMD_VOLUME_DATA_INIT;
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_cmd_volume_open(store, in->operands[0], &data, err);
	if (r != 0)
		return r;
	r = mb_cmd_outfile_open(&out, args->output, err);
	pack.root_fd = data.fd;
	if (r == 0)
		r = mb_image_pack(&pack, &packed, err);
	if (r < 0)
		mb_wrap(err, r, "cannot export the volume '%s'", in->operands[0]);
	return mb_cmd_outfile_close(&out, r, err);
}

static const struct mb_cli_opt export_opts[] = {
	MB_OPT_STRING('o', "output", NULL, struct export_args, output,
                      "write to this file, not stdout", .complete = MB_COMP_FILE),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_volume_export = {
	.paths = "volume export",
	.summary = "write what is in a volume to a tar",
	.operands = "VOLUME",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_VOLUME},
	.opts = export_opts,
	.args_size = sizeof(struct export_args),
	.examples = "mybox volume export -o data.tar data\n"
		    "mybox volume export data | ssh elsewhere mybox volume import data\n",
	.main = export_main,
};
