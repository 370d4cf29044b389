/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "cmd/session.h"
#include "core/err.h"
#include "core/str.h"

int mb_cmd_oci_stay(int console_fd, int pidfd, int *ret_code, struct mb_err *err)
{
	const struct mb_cmd_session_options options = {.sig_proxy = true, .detach_keys = ""};

	if (console_fd >= 0)
		return mb_cmd_console_run(console_fd, pidfd, &options, ret_code, err);
	return mb_cmd_child_wait(pidfd, ret_code, err);
}

/* Others may have deleted it meanwhile: that is no failure. */
static int put_away(struct mb_cmd_context *cx, const char *id, int root_fd, struct mb_err *err)
{
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	int r = mb_bundle_open(root_fd, id, MB_BUNDLE_LOCK, &b, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = mb_bundle_delete(b, true, err);
	if (b)
		mb_cmd_oci_tell_warnings(cx->oci, b);
	return r;
}

static int stay(struct mb_cmd_context *cx, const struct mb_bundle_made *made, bool keep,
                struct mb_err *err)
{
	MB_AUTO_FREE char *id = mb_strdup(made->bundle->id);
	const int root_fd = made->bundle->root_fd;
	int code = 0, r;

	mb_bundle_free(made->bundle); /* and its lock */
	r = mb_cmd_oci_stay(made->console_fd, made->pidfd, &code, err);
	if (!keep && r >= 0)
		r = put_away(cx, id, root_fd, err);
	return r < 0 ? r : code;
}

int mb_cmd_oci_see_off(struct mb_cmd_context *cx, const struct mb_bundle_made *made, bool detach,
                       bool keep, struct mb_err *err)
{
	mb_cmd_oci_tell_warnings(cx->oci, made->bundle);
	if (!detach)
		return stay(cx, made, keep, err);
	mb_bundle_free(made->bundle);
	return 0;
}

static int run_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mb_cmd_oci_create_args *args = in->args;
	MB_AUTO_KV struct mb_kv env = MB_KV_INIT;
	struct mb_bundle_made made = {.pidfd = -1, .console_fd = -1};
	struct mb_bundle_create how;
	int r = mb_cmd_oci_create_fill(cx, args, in->operands[0], &how, &env, err);

	how.start = true;
	how.keeps_console = !args->detach && !args->console_socket;
	if (r == 0)
		r = mb_cmd_oci_make(cx, &how, !args->detach, &made, err);
	return r < 0 ? r : mb_cmd_oci_see_off(cx, &made, args->detach, args->keep, err);
}

static const struct mb_cli_opt opts[] = {
	MB_OPT_STRING('b', "bundle", "directory", struct mb_cmd_oci_create_args, bundle,
                      "the bundle; else the working directory", .complete = MB_COMP_DIRECTORY),
	MB_OPT_STRING(0, "console-socket", "path", struct mb_cmd_oci_create_args, console_socket,
                      "send the terminal's master to this socket", .complete = MB_COMP_FILE),
	MB_OPT_SWITCH('d', "detach", struct mb_cmd_oci_create_args, detach,
                      "leave it running, and return"),
	MB_OPT_SWITCH(0, "keep", struct mb_cmd_oci_create_args, keep,
                      "do not delete it when it ends"),
	MB_OPT_STRING(0, "pid-file", "path", struct mb_cmd_oci_create_args, pid_file,
                      "write process 1's number to this file", .complete = MB_COMP_FILE),
	MB_OPT_INT(0, "preserve-fds", "number", struct mb_cmd_oci_create_args, preserve_fds,
                   "pass on so many descriptors after stderr"),
	MB_OPT_SWITCH(0, "no-pivot", struct mb_cmd_oci_create_args, no_pivot,
                      "chroot instead of pivot_root: unsafe, for initramfs"),
	MB_OPT_SWITCH(0, "no-new-keyring", struct mb_cmd_oci_create_args, no_new_keyring,
                      "keep the caller's session keyring"),
	MB_OPT_IGNORED(0, "no-subreaper", false, NULL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_oci_run_verb = {
	.paths = "run",
	.summary = "create, start and delete a container",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.opts = opts,
	.args_size = sizeof(struct mb_cmd_oci_create_args),
	.main = run_main,
};
