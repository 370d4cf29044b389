/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/container_each.h"
#include "container/container.h"
#include "container/life.h"
#include "core/own.h"

static int rename_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int r = mb_cmd_container_find(cx, in->operands[0], &c, err);

	return r < 0 ? r : mb_container_rename(c, in->operands[1], err);
}

const struct mb_cli_verb mb_cmd_rename = {
	.paths = "rename|container rename",
	.summary = "rename a container",
	.operands = "CONTAINER NEW_NAME",
	.min = 2,
	.max = 2,
	.complete = {MB_COMP_CONTAINER, MB_COMP_NONE},
	.main = rename_main,
};
