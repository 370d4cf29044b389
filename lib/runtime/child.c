/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/log.h"
#include "core/own.h"
#include "core/sock.h"
#include "runtime/init/protocol.h"
#include "runtime/plan.h"
#include "sys/proc.h"
#include "sys/seal.h"

/* The whole setup of a container, in the order of its doing.  Everything that mounts comes
 * before the host's tree is left behind, and works on descriptors of the new root; the
 * credentials go last, for what comes before needs them. */
static const struct {
	const char *name;
	mb_runtime_stage_fn *fn;
} stages[] = {
	{"signals", mb_runtime_signals_reset},
	{"identity maps", mb_runtime_idmap_await},
	{"control groups", mb_runtime_cgroup_join},
	{"namespaces", mb_runtime_namespaces_enter},
	{"root file system", mb_runtime_rootfs_attach},
	{"mounts", mb_runtime_mounts_apply},
	{"devices", mb_runtime_devices_make},
	{"sysctl", mb_runtime_sysctl_open},
	{"console", mb_runtime_console_open},
	{"masked paths", mb_runtime_masks_apply},
	{"hooks", mb_runtime_hooks_await},
	{"root file system", mb_runtime_rootfs_enter},
	{"host name", mb_runtime_hostname_set},
	{"sysctl", mb_runtime_sysctl_write},
	{"keyring", mb_runtime_keyring_join},
	{"working directory", mb_runtime_cwd_enter},
	{"standard streams", mb_runtime_stdio_set},
	{"limits", mb_runtime_limits_set},
	{"credentials", mb_runtime_creds_apply},
	{"command", mb_runtime_program_find},
	{"command", mb_runtime_stub_exec},
};

int mb_runtime_channel_send(int channel, int kind, int fd, pid_t pid)
{
	struct mb_runtime_message m = {.kind = kind, .pid = pid};

	return mb_sock_send(channel, &m, sizeof(m), &fd, fd >= 0);
}

void mb_runtime_channel_tell(int channel, int kind, const struct mb_err *err)
{
	struct {
		struct mb_runtime_message head;
		struct mb_err err;
	} m = {.head = {.kind = kind, .code = err->code}, .err = *err};

	/* Who cannot be told is gone; the exit code still says that it failed. */
	(void)!send(channel, &m, sizeof(m), MSG_NOSIGNAL);
}

void mb_runtime_channel_wait(int channel, int kind)
{
	struct mb_runtime_message m = {0};
	ssize_t n;

	do {
		n = read(channel, &m, sizeof(m));
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(m) || m.kind != kind)
		_exit(125);
}

int mb_runtime_signals_reset(struct mb_runtime_child *c, struct mb_err *err)
{
	(void)c;
	mb_sys_proc_reset_signals();
	umask(0);
	return mb_sys_seal_undumpable(err);
}

int mb_runtime_idmap_await(struct mb_runtime_child *c, struct mb_err *err)
{
	if (!c->plan->has_userns)
		return 0;
	mb_runtime_channel_wait(c->channel, MB_RUNTIME_MAPPED);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return mb_fail_sys(err, errno, "cannot become root of the user namespace");
	return mb_sys_seal_undumpable(err);
}

_Noreturn void mb_runtime_child_run(const struct mb_runtime_plan *plan)
{
	struct mb_runtime_child c = {
		.plan = plan,
		.channel = plan->channel[1],
		.root_fd = plan->root_fd,
		.dev_fd = -1,
		.proc_fd = -1,
		.sysctl_fd = -1,
		.devpts_fd = -1,
		.null_fd = -1,
		.mask_fd = -1,
		.tty_fd = -1,
		.cwd_fd = -1,
	};
	struct mb_err err = MB_ERR_INIT;
	int r = 0;

	close(plan->channel[0]); /* or the command's death would go unnoticed */
	close(plan->birth[1]);   /* and our parent's */
	for (size_t i = 0; i < MB_N(stages); i++) {
		r = stages[i].fn(&c, &err);
		mb_debug("process 1: %s", stages[i].name);
		if (r < 0)
			break;
	}
	mb_runtime_channel_tell(c.channel, MB_RUNTIME_FAILED, &err);
	_exit(r == -ENOENT ? 127 : 126);
}
