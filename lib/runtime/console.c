/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A terminal of the container's own devpts, and the standard streams. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "runtime/child.h"
#include "runtime/init/protocol.h"
#include "runtime/plan.h"
#include "sys/mount.h"
#include "sys/path.h"

/* The slave comes from the master by ioctl, never by a name in /dev/pts. */
int mb_runtime_console_make(int devpts_fd, const struct mb_oci_process *process, int *ret_master,
                            int *ret_slave, struct mb_err *err)
{
	const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
	const struct winsize size = {
		.ws_row = (unsigned short)process->console_size.height,
		.ws_col = (unsigned short)process->console_size.width,
	};
	MB_AUTO_CLOSE int master = openat(devpts_fd, "ptmx", flags | O_NOFOLLOW), slave = -1;
	int unlocked = 0;

	if (master < 0)
		return mb_fail_sys(err, errno, "cannot open 'ptmx'");
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return mb_fail_sys(err, errno, "cannot unlock the terminal");
	slave = ioctl(master, TIOCGPTPEER, flags);
	if (slave < 0)
		return mb_fail_sys(err, errno, "cannot open the terminal");
	if (size.ws_row && size.ws_col && ioctl(slave, TIOCSWINSZ, &size) < 0)
		return mb_fail_sys(err, errno, "cannot set the terminal's size");
	if (process->user.uid && fchown(slave, process->user.uid, (gid_t)-1) < 0)
		return mb_fail_sys(err, errno, "cannot give the terminal to the user");
	*ret_master = mb_take_fd(&master);
	*ret_slave = mb_take_fd(&slave);
	return 0;
}

static int show_as_console(struct mb_runtime_child *c, struct mb_err *err)
{
	const int flags = O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_CLOSE int target_fd = -1, mount_fd = -1;
	int r;

	if (c->dev_fd < 0)
		return 0;
	target_fd = openat(c->dev_fd, "console", flags, 0600);
	if (target_fd < 0)
		return mb_fail_sys(err, errno, "cannot make '/dev/console'");
	r = mb_sys_mount_clone(c->tty_fd, "", false, &mount_fd, err);
	return r < 0 ? r : mb_sys_mount_move(mount_fd, target_fd, err);
}

int mb_runtime_console_open(struct mb_runtime_child *c, struct mb_err *err)
{
	const struct mb_oci_process *process = c->plan->process;
	MB_AUTO_CLOSE int master = -1;
	int r;

	if (!process->terminal)
		return 0;
	if (c->devpts_fd < 0)
		return mb_fail(err, ENODEV, "a terminal needs a devpts at '/dev/pts'");
	r = mb_runtime_console_make(c->devpts_fd, process, &master, &c->tty_fd, err);
	if (r == 0)
		r = show_as_console(c, err);
	if (r == 0)
		r = mb_runtime_channel_send(c->channel, MB_RUNTIME_CONSOLE, master, 0);
	return r < 0 ? mb_wrap(err, r, "terminal") : 0;
}

/* A pipe must be open to who is not root, also by way of /dev/stdout.  One with a name is the
 * host's, and stays as it is. */
static void give_to_user(int fd, uint32_t uid)
{
	struct statfs fs;

	if (uid && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC)
		(void)!fchown(fd, uid, (gid_t)-1);
}

static int preserve_one(int fd, struct mb_err *err)
{
	if (fcntl(fd, F_SETFD, 0) < 0)
		return mb_fail_sys(err, errno, "cannot pass on descriptor %d", fd);
	return 0;
}

int mb_runtime_stdio_place(const int fds[3], uint32_t uid, unsigned preserve, struct mb_err *err)
{
	int high[3];

	/* Out of each other's way first: any of them may be 0, 1 or 2 already. */
	for (int i = 0; i < 3; i++) {
		high[i] = fds[i] < 3 && fds[i] != i ? fcntl(fds[i], F_DUPFD_CLOEXEC, 3) : fds[i];
		if (high[i] < 0)
			return mb_fail_sys(err, errno, "cannot copy a standard stream");
	}
	for (int i = 0; i < 3; i++) {
		int r = high[i] == i ? fcntl(i, F_SETFD, 0) : dup2(high[i], i);

		if (r < 0)
			return mb_fail_sys(err, errno, "cannot place a standard stream");
		give_to_user(i, uid);
	}
	if (close_range(3 + preserve, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot mark descriptors");
	for (unsigned i = 0; i < preserve; i++) {
		int r = preserve_one(3 + (int)i, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int mb_runtime_stdio_set(struct mb_runtime_child *c, struct mb_err *err)
{
	const struct mb_oci_process *process = c->plan->process;
	MB_AUTO_CLOSE int null_fd = -1;
	int fds[3];

	for (int i = 0; i < 3; i++) {
		int r = 0;

		fds[i] = process->terminal ? c->tty_fd : c->plan->req.stdio[i];
		if (fds[i] < 0 && null_fd < 0)
			r = mb_runtime_null_open(c->root_fd, "/dev/null", O_RDWR, &null_fd, err);
		if (r < 0)
			return r;
		fds[i] = fds[i] < 0 ? null_fd : fds[i];
	}
	return mb_runtime_stdio_place(fds, process->user.uid, c->plan->req.preserve_fds, err);
}
