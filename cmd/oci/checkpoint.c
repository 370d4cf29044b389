/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Freezing a container to disk takes a program of its own, and an engine's help: refused by name,
 * so that an engine that asks is told why. */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "core/err.h"

static int refuse(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	const bool is_known = mb_cmd_oci_open(cx, in->operands[0], 0, &b, NULL) == 0;

	return mb_fail(err, EOPNOTSUPP,
	               "%s of %scontainer '%s': this needs criu, which %s does not use", in->path,
	               is_known ? "" : "unknown ", in->operands[0], MB_CMD_OCI_NAME);
}

// clang-format off
static const struct mb_cli_opt opts[] = {
	MB_OPT_IGNORED('b', "bundle", true, NULL), MB_OPT_IGNORED('d', "detach", false, NULL),
	MB_OPT_IGNORED(0, "image-path", true, NULL), MB_OPT_IGNORED(0, "work-path", true, NULL),
	MB_OPT_IGNORED(0, "parent-path", true, NULL), MB_OPT_IGNORED(0, "leave-running", false, NULL),
	MB_OPT_IGNORED(0, "tcp-established", false, NULL), MB_OPT_IGNORED(0, "tcp-skip-in-flight", false, NULL),
	MB_OPT_IGNORED(0, "link-remap", false, NULL), MB_OPT_IGNORED(0, "ext-unix-sk", false, NULL),
	MB_OPT_IGNORED(0, "shell-job", false, NULL), MB_OPT_IGNORED(0, "lazy-pages", false, NULL),
	MB_OPT_IGNORED(0, "status-fd", true, NULL), MB_OPT_IGNORED(0, "page-server", true, NULL),
	MB_OPT_IGNORED(0, "file-locks", false, NULL), MB_OPT_IGNORED(0, "pre-dump", false, NULL),
	MB_OPT_IGNORED(0, "manage-cgroups-mode", true, NULL), MB_OPT_IGNORED(0, "empty-ns", true, NULL),
	MB_OPT_IGNORED(0, "auto-dedup", false, NULL), MB_OPT_IGNORED(0, "console-socket", true, NULL),
	MB_OPT_IGNORED(0, "pid-file", true, NULL), MB_OPT_IGNORED(0, "no-pivot", false, NULL),
	MB_OPT_IGNORED(0, "no-subreaper", false, NULL), MB_OPT_IGNORED(0, "lsm-profile", true, NULL),
	MB_OPT_IGNORED(0, "lsm-mount-context", true, NULL),
	MB_OPT_END,
};
// clang-format on

const struct mb_cli_verb mb_cmd_oci_checkpoint = {
	.paths = "checkpoint",
	.summary = "not offered: freeze a container to disk",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.opts = opts,
	.main = refuse,
};

const struct mb_cli_verb mb_cmd_oci_restore = {
	.paths = "restore",
	.summary = "not offered: thaw a container from disk",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.opts = opts,
	.main = refuse,
};
