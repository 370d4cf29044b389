/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/output.h"
#include "container/container.h"
#include "container/diff.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

static int diff_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_container_changes changes = {0};
	bool is_shown = mb_cmd_is_shown(STDOUT_FILENO);
	int r = mb_cmd_container_find(cx, in->operands[0], &c, err);

	if (r == 0)
		r = mb_container_require(c, err);
	if (r == 0)
		r = mb_container_diff(c, &changes, err);
	for (size_t i = 0; i < changes.n; i++) {
		MB_AUTO_FREE char *safe = is_shown ? mb_printable(changes.v[i].path) : NULL;

		mb_str_addf(&out, "%c %s\n", changes.v[i].kind, safe ? safe : changes.v[i].path);
	}
	mb_container_changes_done(&changes);
	return r == 0 ? mb_cmd_put(&out) : r;
}

const struct mb_cli_verb mb_cmd_diff = {
	.paths = "diff|container diff",
	.summary = "show what a container changed in its file system",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_CONTAINER},
	.main = diff_main,
};
