/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/output.h"
#include "container/container.h"
#include "container/health.h"
#include "core/err.h"
#include "core/own.h"

enum { EXIT_WELL, EXIT_UNWELL, EXIT_ENGINE = 125 };

static int run_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int says, code = 0, r = mb_cmd_container_seal(cx, in, err);

	if (r == 0)
		r = mb_cmd_container_find(cx, in->operands[0], &c, err);
	if (r == 0)
		r = mb_container_health_probe(c, &says, &code, err);
	if (r == MB_HEALTH_DISCARDED)
		return mb_fail(err, ESRCH, "container %s does not run any more",
		               mb_container_name(c));
	if (r)
		return r < 0 ? r : -ENOENT; /* told */
	if (code == 0)
		return EXIT_WELL;
	return mb_cmd_put_line("unhealthy") ? EXIT_ENGINE : EXIT_UNWELL;
}

const struct mb_cli_verb mb_cmd_healthcheck_run = {
	.paths = "healthcheck run",
	.summary = "run the health check of a container once",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_RUNNING},
	.fail_code = EXIT_ENGINE,
	.examples = "mybox healthcheck run web && echo well\n",
	.main = run_main,
};
