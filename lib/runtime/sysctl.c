/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel settings of the container's namespaces, through a procfs that is surely one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "runtime/child.h"
#include "runtime/init/protocol.h"
#include "runtime/plan.h"
#include "sys/mount.h"
#include "sys/path.h"

/* "net.ipv4.conf.eth0/1.x" has a slash where the name has a dot, as sysctl(8) writes it. */
static char *path_of(const char *name)
{
	const char *dot = strchr(name, '.'), *slash = strchr(name, '/');
	const bool swap = !slash || (dot && dot < slash);
	char *path = mb_strdup(name);

	for (char *c = path; swap && *c; c++)
		*c = (char)(*c == '.' ? '/' : *c == '/' ? '.' : *c);
	return path;
}

static int write_one(int sysctl_fd, const struct mb_kv_pair *p, struct mb_err *err)
{
	const uint64_t how = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
	MB_AUTO_FREE char *path = path_of(p->key);
	MB_AUTO_CLOSE int fd = -1;
	struct statfs fs;
	int r = mb_sys_path_openat2(sysctl_fd, path, O_WRONLY, 0, how, &fd);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot open it");
	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return mb_fail(err, EXDEV, "it is not in procfs");
	if (write(fd, p->value, strlen(p->value)) < 0)
		return mb_fail_sys(err, errno, "cannot set it to '%s'", p->value);
	return 0;
}

/* "sys" of our own procfs, taken before anything covers it. */
int mb_runtime_sysctl_open(struct mb_runtime_child *c, struct mb_err *err)
{
	MB_AUTO_CLOSE int own_fd = -1;
	int r = 0;

	if (!c->plan->spec->linux.sysctl.n)
		return 0;
	if (c->proc_fd < 0)
		r = mb_sys_mount_proc(false, NULL, &own_fd, err);
	if (r < 0)
		return r;
	c->sysctl_fd = openat(c->proc_fd < 0 ? own_fd : c->proc_fd, "sys",
	                      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return c->sysctl_fd < 0 ? mb_fail_sys(err, errno, "cannot open the sysctls") : 0;
}

/* Settings of a network interface have to wait until the command has made it. */
int mb_runtime_sysctl_write(struct mb_runtime_child *c, struct mb_err *err)
{
	if (c->sysctl_fd < 0)
		return 0;
	if (c->plan->sysctl_waits) {
		mb_runtime_channel_wait(c->channel, MB_RUNTIME_GO);
		c->has_gone = true;
	}
	MB_KV_FOREACH (p, &c->plan->spec->linux.sysctl) {
		int r = write_one(c->sysctl_fd, p, err);

		if (r < 0)
			return mb_wrap(err, r, "sysctl '%s'", p->key);
	}
	return 0;
}
