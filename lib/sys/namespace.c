/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/proc.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const struct {
	int flag;
	const char *name;     /* in /proc/PID/ns */
	const char *oci_name; /* in OCI documents */
} kinds[] = {
	{CLONE_NEWNS, "mnt", "mount"},   {CLONE_NEWNET, "net", "network"},
	{CLONE_NEWPID, "pid", "pid"},    {CLONE_NEWIPC, "ipc", "ipc"},
	{CLONE_NEWUTS, "uts", "uts"},    {CLONE_NEWCGROUP, "cgroup", "cgroup"},
	{CLONE_NEWUSER, "user", "user"}, {CLONE_NEWTIME, "time", "time"},
};

int mb_sys_proc_ns_flag(const char *name, int *ret_flag)
{
	for (size_t i = 0; i < MB_N(kinds); i++) {
		if (mb_streq(kinds[i].name, name) || mb_streq(kinds[i].oci_name, name)) {
			*ret_flag = kinds[i].flag;
			return 0;
		}
	}
	return -EINVAL;
}

const char *mb_sys_proc_ns_name(int flag)
{
	for (size_t i = 0; i < MB_N(kinds); i++) {
		if (kinds[i].flag == flag)
			return kinds[i].name;
	}
	return NULL;
}

int mb_sys_proc_ns_open(pid_t pid, const char *name, int *ret_fd, struct mb_err *err)
{
	char path[64];
	int fd;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	else
		snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && pid && (errno == ENOENT || errno == ESRCH))
		return MB_SYS_PROC_GONE;
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	*ret_fd = fd;
	return 0;
}

ino_t mb_sys_proc_ns_inode(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

int mb_sys_proc_ns_join(int pidfd, int flags, struct mb_err *err)
{
	if (setns(pidfd, flags) < 0)
		return mb_fail_sys(err, errno, "cannot join the namespaces of a process");
	return 0;
}

int mb_sys_proc_ns_join_fd(int ns_fd, int flag, struct mb_err *err)
{
	const char *name = mb_sys_proc_ns_name(flag);

	if (setns(ns_fd, flag) < 0)
		return mb_fail_sys(err, errno, "cannot join a %s namespace", name ? name : "given");
	return 0;
}
