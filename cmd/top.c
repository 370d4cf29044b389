/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/output.h"
#include "container/container.h"
#include "container/top.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/table.h"

/* docker cuts the words at blanks once more: `top C "-o pid,args"`. */
static void split_words(const struct mb_cli_input *in, struct mb_strv *ret)
{
	for (size_t i = 1; i < in->n_operands; i++)
		for (const char *at = in->operands[i]; *(at += strspn(at, " \t"));) {
			size_t n = strcspn(at, " \t");

			mb_strv_take(ret, mb_strndup(at, n));
			at += n;
		}
}

static int top_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT, cells = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	size_t columns;
	int r = mb_cmd_container_find(cx, in->operands[0], &c, err);

	split_words(in, &words);
	if (r == 0)
		r = mb_container_top(c, &words, &cells, &columns, err);
	if (r != 0)
		return r < 0 ? r : -ESRCH;
	mb_format_cells((const char *const *)cells.v, cells.n / columns, columns,
	                MB_FORMAT_LEAST_TOP, &out);
	return mb_cmd_put(&out);
}

const struct mb_cli_verb mb_cmd_top = {
	.paths = "top|container top",
	.summary = "show the running processes of a container",
	.operands = "CONTAINER [ps OPTIONS]",
	.min = 1,
	.max = MB_CLI_MANY,
	.stop_at_operand = true,
	.complete = {MB_COMP_RUNNING},
	.examples = "mybox top web\n"
		    "mybox top web aux\n"
		    "mybox top web -o pid,pcpu,rss,args --sort -rss\n",
	.main = top_main,
};
