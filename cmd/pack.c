/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log file that was rotated away, packed for its monitor from its input to its output. */
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "container/logpack.h"

enum { EXIT_ENGINE = 125, NICE = 10 };

static int pack_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	(void)cx;
	(void)in;
	/* Nobody waits for it; where that is not allowed it is as busy as others. */
	(void)!nice(NICE);
	return mb_container_logpack(STDIN_FILENO, STDOUT_FILENO, err) < 0 ? EXIT_ENGINE : 0;
}

const struct mb_cli_verb mb_cmd_pack_hidden = {
	.paths = "__pack",
	.summary = "pack a log file for a monitor",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.hidden = true,
	.main = pack_main,
};
