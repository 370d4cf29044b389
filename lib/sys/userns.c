/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/proc.h"

int64_t mb_sys_id_outside(const struct mb_sys_id_range *ranges, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= ranges[i].inside && id - ranges[i].inside < ranges[i].count)
			return (int64_t)ranges[i].outside + (id - ranges[i].inside);
	return -1;
}

static int write_map(int dir_fd, const char *name, const struct mb_sys_id_range *ranges, size_t n,
                     struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r;

	for (size_t i = 0; i < n; i++)
		mb_str_addf(&text, "%u %u %u\n", ranges[i].inside, ranges[i].outside,
		            ranges[i].count);
	r = mb_write_kernel_file(dir_fd, name, mb_str_text(&text));
	return r < 0 ? mb_fail_sys(err, -r, "cannot write '%s'", name) : 0;
}

/* Alive after the open: so what was opened is its. */
static int open_proc(pid_t pid, int pidfd, int *ret_fd, struct mb_err *err)
{
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	*ret_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	r = mb_sys_proc_signal(pidfd, 0, err);
	return r == MB_SYS_PROC_GONE ? mb_fail(err, ESRCH, "process %d has ended", (int)pid) : r;
}

int mb_sys_userns_map(const struct mb_sys_id_maps *maps, pid_t pid, int pidfd, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir_fd = -1;
	int r = open_proc(pid, pidfd, &dir_fd, err);

	if (r == 0)
		r = write_map(dir_fd, "uid_map", maps->uids, maps->n_uids, err);
	return r < 0 ? r : write_map(dir_fd, "gid_map", maps->gids, maps->n_gids, err);
}

static int take(const struct mb_sys_id_maps *maps, pid_t pid, int pidfd, int *ret_fd,
                struct mb_err *err)
{
	int r = mb_sys_userns_map(maps, pid, pidfd, err);

	if (r == 0)
		r = mb_sys_proc_ns_open(pid, "user", ret_fd, err);
	return r > 0 ? mb_fail(err, ESRCH, "the helper has gone") : r;
}

int mb_sys_userns_new(const struct mb_sys_id_maps *maps, int *ret_fd, struct mb_err *err)
{
	const struct mb_sys_clone how = {.flags = CLONE_NEWUSER, .cgroup_fd = -1};
	MB_AUTO_CLOSE int ours = -1, its = -1, pidfd = -1;
	int pair[2], r, code;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return mb_fail_sys(err, errno, "cannot make a socket pair");
	ours = pair[0];
	its = pair[1];
	r = mb_sys_proc_clone(&how, &pid, &pidfd, err);
	if (r < 0)
		return mb_wrap(err, r, "cannot make a user namespace");
	if (pid == 0) {
		char end;

		/* It stays as long as it is looked at, and no longer than we do. */
		close(ours);
		(void)!read(its, &end, 1);
		_exit(0);
	}
	r = take(maps, pid, pidfd, ret_fd, err);
	mb_close(&ours);
	if (mb_sys_proc_reap(pidfd, &code, NULL) < 0)
		(void)mb_sys_proc_signal(pidfd, SIGKILL, NULL);
	return r;
}
