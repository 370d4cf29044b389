/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/stat.h>

#include "build/content.h"
#include "build/place.h"
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/volume.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "volume/volume.h"

struct clone_args {
	struct mb_kv labels;
};

/* Shared with the source where the file system can share. */
static int copy(void *arg, int to, struct mb_err *err)
{
	const int *from = arg;
	const struct mb_build_place place = {.root_fd = to, .keeps_links = true};
	const struct mb_build_root root = {.fd = *from};
	struct mb_build_item item = {.fd = *from, .path = (char[]){""}, .name = (char[]){""}};

	if (fstat(*from, &item.st) < 0)
		return mb_fail_sys(err, errno, "cannot look at the volume");
	return mb_build_place_item(&place, &root, &item, to, NULL, true, err);
}

static int clone_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct clone_args *args = in->args;
	const char *name = in->operands[1];
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	MB_AUTO_CMD_VOLUME_DATA struct mb_cmd_volume_data data = MB_CMD_VOLUME_DATA_INIT;
	const struct mb_volume_create_request request = {
		.name = name, .labels = &args->labels, .fill = copy, .arg = &data.fd};
	struct mb_store *store;
	bool created = false;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_cmd_volume_open(store, in->operands[0], &data, err);
	if (r == 0)
		r = mb_volume_create(store, &request, &volume, &created, err);
	if (r == 0 && !created)
		r = mb_fail(err, EEXIST, "the volume '%s' is there already", name);
	return r == 0 ? mb_cmd_put_line(name) : r;
}

static const struct mb_cli_opt clone_opts[] = {
	MB_OPT_KV(0, "label", "list", struct clone_args, labels, "set a label of the new volume"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_volume_clone = {
	.paths = "volume clone",
	.summary = "make a volume with what is in another",
	.operands = "VOLUME NEW",
	.min = 2,
	.max = 2,
	.complete = {MB_COMP_VOLUME, MB_COMP_NONE},
	.opts = clone_opts,
	.args_size = sizeof(struct clone_args),
	.examples = "mybox volume clone data data-before-upgrade\n",
	.main = clone_main,
};
