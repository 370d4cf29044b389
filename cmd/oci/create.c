/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "sys/interrupt.h"

int mb_cmd_oci_check_fds(int n, struct mb_err *err)
{
	if (n < 0 || n > 1024)
		return mb_fail(err, ERANGE, "'--preserve-fds %d' is not possible", n);
	for (int fd = 3; fd < 3 + n; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return mb_fail(err, EBADF, "descriptor %d, to be preserved, is not open",
			               fd);
	return 0;
}

/* Descriptors of socket activation come first, and the program learns of them. */
static int count_activated(struct mb_cmd_context *cx)
{
	const char *pid = mb_cmd_user_env(cx, "LISTEN_PID"),
		   *fds = mb_cmd_user_env(cx, "LISTEN_FDS");
	int who = 0, n = 0;

	if (!pid || !fds || mb_parse_int(pid, &who) < 0 || who != getpid() ||
	    mb_parse_int(fds, &n) < 0 || n < 0)
		return 0;
	return n;
}

struct sealing {
	struct mb_cmd_context *cx;
	int n;
};

/* What is to be preserved has to get through one execve more. */
static int seal(void *arg, struct mb_err *err)
{
	const struct sealing *s = arg;

	for (int fd = 3; fd < 3 + s->n; fd++)
		if (fcntl(fd, F_SETFD, 0) < 0)
			return mb_fail_sys(err, errno, "cannot preserve descriptor %d", fd);
	return mb_cmd_seal(s->cx, err);
}

int mb_cmd_oci_create_fill(struct mb_cmd_context *cx, const struct mb_cmd_oci_create_args *args,
                           const char *id, struct mb_bundle_create *ret, struct mb_kv *env,
                           struct mb_err *err)
{
	const int activated = count_activated(cx);
	const int n = args->preserve_fds + activated;
	static struct sealing sealing;
	char text[16];

	sealing = (struct sealing){cx, n};

	if (activated > 0) {
		snprintf(text, sizeof(text), "%d", activated);
		mb_kv_set(env, "LISTEN_FDS", text);
		mb_kv_set(env, "LISTEN_PID", "1");
	}
	*ret = (struct mb_bundle_create){
		.id = id,
		.bundle = args->bundle && *args->bundle ? args->bundle : ".",
		.console_socket = args->console_socket,
		.pid_file = args->pid_file,
		.no_pivot = args->no_pivot,
		.no_new_keyring = args->no_new_keyring,
		.systemd_cgroup = cx->oci->systemd_cgroup,
		.preserve_fds = (unsigned)n,
		.stop_fd = -1,
		.env = env,
		.seal = seal,
		.seal_arg = &sealing,
	};
	return mb_cmd_oci_check_fds(n, err);
}

/* Nobody would know of it. */
static void take_back(struct mb_bundle_made *made)
{
	(void)mb_bundle_delete(made->bundle, true, NULL);
	mb_bundle_free(mb_take_ptr(&made->bundle));
	mb_close(&made->pidfd);
	mb_close(&made->console_fd);
}

int mb_cmd_oci_make(struct mb_cmd_context *cx, struct mb_bundle_create *how, bool stays,
                    struct mb_bundle_made *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int stop_fd = -1;
	sigset_t before;
	int root_fd = -1;
	int r = mb_bundle_root_open(cx->oci->root, true, &root_fd, err);

	if (r < 0)
		return r;
	mb_sys_interrupt_hold(&before);
	r = mb_sys_interrupt_open(&stop_fd, err);
	how->stop_fd = stop_fd;
	if (r == 0)
		r = mb_bundle_create(root_fd, how, ret, err);
	if (r == 0 && !stays) {
		r = mb_sys_interrupt_check(err);
		if (r < 0)
			take_back(ret);
	}
	if (r < 0 || !stays)
		mb_sys_interrupt_release(&before);
	return r;
}

static int create_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO_KV struct mb_kv env = MB_KV_INIT;
	struct mb_bundle_made made = {.pidfd = -1, .console_fd = -1};
	struct mb_bundle_create how;
	int r = mb_cmd_oci_create_fill(cx, in->args, in->operands[0], &how, &env, err);

	if (r == 0)
		r = mb_cmd_oci_make(cx, &how, false, &made, err);
	if (r < 0)
		return r;
	mb_cmd_oci_tell_warnings(cx->oci, made.bundle);
	mb_bundle_free(made.bundle);
	return 0;
}

static const struct mb_cli_opt opts[] = {
	MB_OPT_STRING('b', "bundle", "directory", struct mb_cmd_oci_create_args, bundle,
                      "the bundle; else the working directory", .complete = MB_COMP_DIRECTORY),
	MB_OPT_STRING(0, "console-socket", "path", struct mb_cmd_oci_create_args, console_socket,
                      "send the terminal's master to this socket", .complete = MB_COMP_FILE),
	MB_OPT_STRING(0, "pid-file", "path", struct mb_cmd_oci_create_args, pid_file,
                      "write process 1's number to this file", .complete = MB_COMP_FILE),
	MB_OPT_INT(0, "preserve-fds", "number", struct mb_cmd_oci_create_args, preserve_fds,
                   "pass on so many descriptors after stderr"),
	MB_OPT_SWITCH(0, "no-pivot", struct mb_cmd_oci_create_args, no_pivot,
                      "chroot instead of pivot_root: unsafe, for initramfs"),
	MB_OPT_SWITCH(0, "no-new-keyring", struct mb_cmd_oci_create_args, no_new_keyring,
                      "keep the caller's session keyring"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_oci_create = {
	.paths = "create",
	.summary = "make a container that waits for its start",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.opts = opts,
	.args_size = sizeof(struct mb_cmd_oci_create_args),
	.main = create_main,
};
