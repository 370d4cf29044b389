/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "core/err.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/str.h"
#include "json/json.h"

enum { EXIT_EXEC_FAILED = 255 };

struct exec_args {
	const char *process, *user, *cwd, *console_socket, *pid_file, *apparmor, *label, *cgroup;
	struct mb_strv env, caps, gids;
	int preserve_fds;
	bool tty, detach, no_new_privs, ignore_paused;
};

static int parse_user(const char *text, struct mb_oci_user *user, struct mb_err *err)
{
	const char *colon = strchr(text, ':');
	MB_AUTO_FREE char *uid = colon ? mb_strndup(text, (size_t)(colon - text)) : mb_strdup(text);

	if (mb_parse_u32(uid, &user->uid) < 0 || user->uid == UINT32_MAX ||
	    (colon && (mb_parse_u32(colon + 1, &user->gid) < 0 || user->gid == UINT32_MAX)))
		return mb_fail(err, EINVAL, "user '%s' is no UID[:GID]", text);
	return 0;
}

static int add_gids(const struct mb_strv *gids, struct mb_oci_user *user, struct mb_err *err)
{
	MB_STRV_FOREACH (text, gids) {
		uint32_t gid = 0;

		if (mb_parse_u32(text, &gid) < 0 || gid == UINT32_MAX)
			return mb_fail(err, EINVAL, "group '%s' is no GID", text);
		user->additional_gids = mb_realloc(user->additional_gids,
		                                   (user->n_additional_gids + 1) * sizeof(gid));
		user->additional_gids[user->n_additional_gids++] = gid;
	}
	return 0;
}

static void add_caps(const struct mb_strv *caps, struct mb_oci_process *p)
{
	if (caps->n && !p->capabilities)
		p->capabilities = mb_calloc(1, sizeof(*p->capabilities));
	MB_STRV_FOREACH (cap, caps) {
		mb_strv_add(&p->capabilities->bounding, cap);
		mb_strv_add(&p->capabilities->effective, cap);
		mb_strv_add(&p->capabilities->permitted, cap);
		mb_strv_add(&p->capabilities->ambient, cap);
	}
}

/* The container's own process, with what the options change. */
static int change_process(const struct exec_args *args, const struct mb_cli_input *in,
                          struct mb_oci_process *p, struct mb_err *err)
{
	int r = 0;

	if (in->n_operands < 2)
		return mb_fail(err, EINVAL, "no command to execute: give one, or --process");
	mb_strv_done(&p->args);
	for (size_t i = 1; i < in->n_operands; i++)
		mb_strv_add(&p->args, in->operands[i]);
	if (args->cwd)
		mb_strset(&p->cwd, args->cwd);
	if (args->apparmor)
		mb_strset(&p->apparmor_profile, args->apparmor);
	if (args->label)
		mb_strset(&p->selinux_label, args->label);
	MB_STRV_FOREACH (pair, &args->env)
		mb_strv_add(&p->env, pair);
	p->terminal = args->tty;
	p->no_new_privileges |= args->no_new_privs;
	add_caps(&args->caps, p);
	if (args->user)
		r = parse_user(args->user, &p->user, err);
	if (r == 0)
		r = add_gids(&args->gids, &p->user, err);
	if (r == 0 && p->cwd[0] != '/')
		r = mb_fail(err, EINVAL, "working directory '%s' is no absolute path", p->cwd);
	return r;
}

static int read_process(const char *path, struct mb_oci_process *ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", path)
	               : mb_read_fd(fd, MB_JSON_MAX_BYTES, &text, err);

	if (r == 0)
		r = mb_oci_process_load(mb_str_text(&text), text.len, ret, err);
	return r < 0 ? mb_wrap(err, r, "process '%s'", path) : 0;
}

static int execute(struct mb_bundle *b, const struct exec_args *args,
                   const struct mb_oci_process *process, struct mb_err *err)
{
	const struct mb_bundle_exec how = {
		.process = process,
		.console_socket = args->console_socket,
		.pid_file = args->pid_file,
		.cgroup = args->cgroup,
		.detach = args->detach,
		.ignore_paused = args->ignore_paused,
		.preserve_fds = (unsigned)args->preserve_fds,
	};
	struct mb_bundle_executed done = {.pidfd = -1, .console_fd = -1};
	int code = 0;
	int r = mb_bundle_exec(b, &how, &done, err);

	if (r < 0 || args->detach)
		return r;
	r = mb_cmd_oci_stay(done.console_fd, done.pidfd, &code, err);
	return r < 0 ? r : code;
}

static int exec_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct exec_args *args = in->args;
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	struct mb_oci_process given = {0};
	int r = mb_cmd_oci_check_fds(args->preserve_fds, err);

	if (r == 0)
		r = mb_cmd_oci_open(cx, in->operands[0], 0, &b, err);
	if (r == 0)
		r = mb_bundle_spec_load(b, err);
	if (r == 0 && args->process)
		r = read_process(args->process, &given, err);
	else if (r == 0)
		r = change_process(args, in, b->spec.process, err);
	if (r == 0)
		r = execute(b, args, args->process ? &given : b->spec.process, err);
	if (args->process)
		mb_oci_process_done(&given);
	return r < 0 ? mb_wrap(err, r, "exec failed") : r;
}

static const struct mb_cli_opt opts[] = {
	MB_OPT_STRING('p', "process", "file", struct exec_args, process,
                      "what to run, as an OCI process document", .complete = MB_COMP_FILE),
	MB_OPT_SWITCH('t', "tty", struct exec_args, tty, "give it a terminal"),
	MB_OPT_STRING('u', "user", "uid[:gid]", struct exec_args, user, "run as this user"),
	MB_OPT_STRING(0, "cwd", "directory", struct exec_args, cwd, "start in this directory"),
	MB_OPT_LIST('e', "env", "name=value", struct exec_args, env, "set an environment variable"),
	MB_OPT_LIST('c', "cap", "capability", struct exec_args, caps, "add a capability"),
	MB_OPT_SWITCH(0, "no-new-privs", struct exec_args, no_new_privs,
                      "let it never gain privileges"),
	MB_OPT_STRING(0, "apparmor", "profile", struct exec_args, apparmor,
                      "run under this AppArmor profile"),
	MB_OPT_STRING(0, "process-label", "label", struct exec_args, label,
                      "run under this SELinux label"),
	MB_OPT_LIST('g', "additional-gids", "gid", struct exec_args, gids, "add a group"),
	MB_OPT_STRING(0, "cgroup", "path", struct exec_args, cgroup,
                      "join this group below the container's"),
	MB_OPT_SWITCH('d', "detach", struct exec_args, detach, "leave it running, and return"),
	MB_OPT_STRING(0, "console-socket", "path", struct exec_args, console_socket,
                      "send the terminal's master to this socket", .complete = MB_COMP_FILE),
	MB_OPT_STRING(0, "pid-file", "path", struct exec_args, pid_file,
                      "write its process number to this file", .complete = MB_COMP_FILE),
	MB_OPT_INT(0, "preserve-fds", "number", struct exec_args, preserve_fds,
                   "pass on so many descriptors after stderr"),
	MB_OPT_SWITCH(0, "ignore-paused", struct exec_args, ignore_paused,
                      "also in a paused container"),
	MB_OPT_IGNORED(0, "no-subreaper", false, NULL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_oci_exec = {
	.paths = "exec",
	.summary = "run another process in a container",
	.operands = "ID [COMMAND [ARG...]]",
	.min = 1,
	.max = MB_CLI_MANY,
	.stop_at_operand = true,
	.opts = opts,
	.args_size = sizeof(struct exec_args),
	.fail_code = EXIT_EXEC_FAILED,
	.main = exec_main,
};
