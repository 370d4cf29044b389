/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/outfile.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "image/image.h"

/* What is written is both at once. */
static const char *const formats[] = {"docker-archive", "oci-archive", NULL};

struct save_args {
	const char *output;
	int format;
};

/* Each image once, whatever the number of its names. */
static void tell(struct mb_store *store, const struct mb_strv *names)
{
	MB_AUTO_STRV struct mb_strv told = MB_STRV_INIT;

	MB_STRV_FOREACH (name, names) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;

		if (mb_image_find(store, name, &image, NULL, NULL) != 0 ||
		    mb_strv_has(&told, image->id))
			continue;
		mb_cmd_event_image_id(store, "save", image->id, NULL);
		mb_strv_add(&told, image->id);
	}
}

static int save(struct mb_store *store, const struct mb_cli_input *in, int fd, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_image_save_request request = {.fd = fd};
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->n_operands; i++)
		r = mb_image_name_spread(store, in->operands[i], &names, err);
	request.names = (const char *const *)names.v;
	request.n_names = names.n;
	if (r == 0)
		r = mb_image_save(store, &request, err);
	if (r == 0)
		tell(store, &names);
	return r;
}

static int save_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct save_args *args = in->args;
	struct mb_cmd_outfile out = MB_CMD_OUTFILE_INIT;
	struct mb_store *store = NULL;
	int r = mb_cmd_outfile_open(&out, args->output, err);

	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = save(store, in, out.fd, err);
	r = mb_cmd_outfile_close(&out, r, err);
	if (r > 0) {
		mb_cmd_say("Error: %s", err->msg);
		return 1;
	}
	return r;
}

static const struct mb_cli_opt save_opts[] = {
	MB_OPT_CHOICE(0, "format", NULL, struct save_args, format, formats,
                      "accepted: the archive is always both", .def = "docker-archive"),
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
