/* SPDX-License-Identifier: GPL-2.0-or-later */
/* To disk and back, by criu. */
#include <errno.h>
#include <fcntl.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "core/err.h"
#include "core/str.h"

#define DEFAULT_IMAGES "checkpoint"

/* Of both verbs; restore has those of create beside it. */
struct criu_args {
	struct mb_cmd_oci_create_args create;
	const char *images, *work, *parent, *page_server, *cgroups, *lsm_profile, *lsm_context;
	struct mb_strv empty_ns;
	int status_fd, mode;
	bool leave_running, pre_dump, tcp_established, tcp_skip, unix_sockets, shell_job,
		file_locks, link_remap, auto_dedup, lazy_pages;
};

/* The first: what is there stays as it is, and the container's group is there. */
static const char *const modes[] = {"soft", "ignore", "full", "strict", NULL};

static int fill(const struct mb_cmd_context *cx, const struct mb_cli_input *in,
                struct mb_bundle_criu *ret, struct mb_err *err)
{
	const struct criu_args *a = in->args;

	*ret = (struct mb_bundle_criu){
		.program = cx->oci->criu,
		.images = a->images && *a->images ? a->images : DEFAULT_IMAGES,
		.work = a->work && *a->work ? a->work : NULL,
		.parent = a->parent && *a->parent ? a->parent : NULL,
		.page_server = a->page_server && *a->page_server ? a->page_server : NULL,
		.cgroups = a->mode > 0 ? modes[a->mode] : NULL,
		.lsm_profile = a->lsm_profile,
		.lsm_mount_context = a->lsm_context,
		.empty_ns = a->empty_ns,
		.status_fd = mb_cli_is_given(in, "status-fd") ? a->status_fd : -1,
		.leave_running = a->leave_running,
		.pre_dump = a->pre_dump,
		.tcp_established = a->tcp_established,
		.tcp_skip_in_flight = a->tcp_skip,
		.ext_unix_sockets = a->unix_sockets,
		.shell_job = a->shell_job,
		.file_locks = a->file_locks,
		.link_remap = a->link_remap,
		.auto_dedup = a->auto_dedup,
		.lazy_pages = a->lazy_pages,
	};
	if (ret->status_fd >= 0 && fcntl(ret->status_fd, F_GETFD) < 0)
		return mb_fail_sys(err, errno, "'--status-fd %d'", ret->status_fd);
	MB_STRV_FOREACH (ns, &a->empty_ns)
		if (!mb_streq(ns, "network"))
			return mb_fail(err, EINVAL, "'--empty-ns %s': only 'network' can be left",
			               ns);
	return 0;
}

static int checkpoint_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                           struct mb_err *err)
{
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	struct mb_bundle_criu how;
	int r = fill(cx, in, &how, err);

	if (r == 0)
		r = mb_cmd_oci_open(cx, in->operands[0], MB_BUNDLE_LOCK, &b, err);
	if (r < 0)
		return r;
	r = mb_bundle_checkpoint(b, &how, err);
	mb_cmd_oci_tell_warnings(cx->oci, b);
	return r < 0 ? mb_wrap(err, r, "checkpoint") : 0;
}

static int restore_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct criu_args *args = in->args;
	MB_AUTO_KV struct mb_kv env = MB_KV_INIT;
	struct mb_bundle_made made = {.pidfd = -1, .console_fd = -1};
	struct mb_bundle_create how;
	struct mb_bundle_criu criu;
	int r = fill(cx, in, &criu, err);

	if (r == 0)
		r = mb_cmd_oci_create_fill(cx, &args->create, in->operands[0], &how, &env, err);
	if (r < 0)
		return r;
	how.thaw = &criu;
	r = mb_cmd_oci_make(cx, &how, !args->create.detach, &made, err);
	if (r < 0)
		return mb_wrap(err, r, "restore");
	return mb_cmd_oci_see_off(cx, &made, args->create.detach, false, err);
}

// clang-format off
#define COMMON_OPTIONS \
	MB_OPT_STRING(0, "image-path", "directory", struct criu_args, images, \
		"where the images are", .def = DEFAULT_IMAGES, .complete = MB_COMP_DIRECTORY), \
	MB_OPT_STRING(0, "work-path", "directory", struct criu_args, work, \
		"where criu works and logs; else beside them", .complete = MB_COMP_DIRECTORY), \
	MB_OPT_SWITCH(0, "tcp-established", struct criu_args, tcp_established, "keep open TCP connections"), \
	MB_OPT_SWITCH(0, "ext-unix-sk", struct criu_args, unix_sockets, "allow Unix sockets of others"), \
	MB_OPT_SWITCH(0, "shell-job", struct criu_args, shell_job, "allow what belongs to a shell"), \
	MB_OPT_SWITCH(0, "file-locks", struct criu_args, file_locks, "keep locks on files"), \
	MB_OPT_SWITCH(0, "link-remap", struct criu_args, link_remap, "keep files that have no name any more"), \
	MB_OPT_SWITCH(0, "auto-dedup", struct criu_args, auto_dedup, "drop pages that are elsewhere too"), \
	MB_OPT_SWITCH(0, "lazy-pages", struct criu_args, lazy_pages, "move memory when it is used"), \
	MB_OPT_CHOICE(0, "manage-cgroups-mode", NULL, struct criu_args, mode, modes, \
		"what criu does about control groups", .def = "soft"), \
	MB_OPT_LIST(0, "empty-ns", "namespace", struct criu_args, empty_ns, "leave it empty: 'network'")

static const struct mb_cli_opt checkpoint_opts[] = {
	COMMON_OPTIONS,
	MB_OPT_STRING(0, "parent-path", "directory", struct criu_args, parent,
		"images of a --pre-dump, relative to these"),
	MB_OPT_SWITCH(0, "leave-running", struct criu_args, leave_running, "let the container go on"),
	MB_OPT_SWITCH(0, "pre-dump", struct criu_args, pre_dump, "its memory alone, and let it go on"),
	MB_OPT_SWITCH(0, "tcp-skip-in-flight", struct criu_args, tcp_skip, "skip TCP connections being made"),
	MB_OPT_INT(0, "status-fd", "number", struct criu_args, status_fd,
		"tell this descriptor when lazy pages are ready"),
	MB_OPT_STRING(0, "page-server", "address:port", struct criu_args, page_server, "send memory there"),
	MB_OPT_END,
};

static const struct mb_cli_opt restore_opts[] = {
	COMMON_OPTIONS,
	MB_OPT_STRING('b', "bundle", "directory", struct criu_args, create.bundle,
		"the bundle; else the working directory", .complete = MB_COMP_DIRECTORY),
	MB_OPT_SWITCH('d', "detach", struct criu_args, create.detach, "leave it running, and return"),
	MB_OPT_STRING(0, "pid-file", "path", struct criu_args, create.pid_file,
		"write process 1's number to this file", .complete = MB_COMP_FILE),
	MB_OPT_STRING(0, "console-socket", "path", struct criu_args, create.console_socket,
		"refused: no terminal comes back", .complete = MB_COMP_FILE),
	MB_OPT_STRING(0, "lsm-profile", "type:name", struct criu_args, lsm_profile,
		"another AppArmor or SELinux profile"),
	MB_OPT_STRING(0, "lsm-mount-context", "context", struct criu_args, lsm_context,
		"another SELinux context of mounts"),
	MB_OPT_IGNORED(0, "no-pivot", false, NULL),
	MB_OPT_IGNORED(0, "no-subreaper", false, NULL),
	MB_OPT_END,
};
// clang-format on

const struct mb_cli_verb mb_cmd_oci_checkpoint = {
	.paths = "checkpoint",
	.summary = "write a container's processes to disk",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.opts = checkpoint_opts,
	.args_size = sizeof(struct criu_args),
	.main = checkpoint_main,
};

const struct mb_cli_verb mb_cmd_oci_restore = {
	.paths = "restore",
	.summary = "go on with what checkpoint wrote",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.opts = restore_opts,
	.args_size = sizeof(struct criu_args),
	.main = restore_main,
};
