/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/bundle.h"
#include "container/container.h"
#include "core/err.h"
#include "core/own.h"
#include "core/sock.h"
#include "sys/mount.h"
#include "systemd/notify.h"

#define PLACE "/run/notify"
#define NAME  "notify.sock"

enum { WRITABLE = 0666 };

/* RUN/c/ID/notify, which has the socket alone. */
static int make(struct mb_container *c, int *ret_dir, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1, fd = -1;
	int r;

	if (mkdirat(c->run_fd, "notify", 0755) < 0 && errno != EEXIST)
		return mb_fail_sys(err, errno, "cannot make the socket for sd_notify");
	dir = openat(c->run_fd, "notify", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return mb_fail_sys(err, errno, "cannot make the socket for sd_notify");
	r = mb_sock_listen(dir, NAME, SOCK_DGRAM, &fd, err);
	if (r < 0)
		return r;
	/* The directory lets nobody else come here; and all of the container's users may speak. */
	if (fchmod(dir, 0755) < 0 || fchmodat(dir, NAME, WRITABLE, 0) < 0)
		return mb_fail_sys(err, errno, "cannot make the socket for sd_notify");
	*ret_dir = mb_take_fd(&dir);
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

int mb_container_notify_open(struct mb_container *c, const char *path,
                             struct mb_container_bundle *bundle, int ret_fds[2], struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1, fd = -1, to = -1, mount_fd = -1;
	struct mb_oci_mount *m;
	int *slot, r = mb_systemd_notify_open(path, &to, err);

	if (r == 0)
		r = make(c, &dir, &fd, err);
	if (r == 0)
		r = mb_sys_mount_clone(dir, "", false, &mount_fd, err);
	if (r == 0)
		r = mb_sys_mount_setattr(mount_fd,
		                         MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		                                 MOUNT_ATTR_NOEXEC,
		                         0, MS_PRIVATE, false, err);
	if (r < 0)
		return r;
	m = mb_oci_spec_add_mount(&bundle->spec, PLACE, "bind", "bind");
	mb_strv_split(&m->options, "bind,ro,nosuid,nodev,noexec,rprivate", ',');
	slot = mb_container_append(&bundle->mount_fds, &bundle->n_mount_fds, sizeof(*slot));
	*slot = mb_take_fd(&mount_fd);
	mb_env_set(&bundle->spec.process->env, "NOTIFY_SOCKET=" PLACE "/" NAME);
	ret_fds[0] = mb_take_fd(&fd);
	ret_fds[1] = mb_take_fd(&to);
	return 0;
}
