/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/quota.h"

#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"

enum {
	BLOCK = 1024,            /* of a limit; QIF_DQBLKSIZE is that */
	FIRST_PROJECT = 1 << 20, /* below are those that people give out by hand */
	TRIES = 64,
};

/* By descriptor: a quota is a file system's, not a path's. */
static int control(int fd, unsigned command, uint32_t id, void *data)
{
	return (int)syscall(__NR_quotactl_fd, fd, QCMD(command, PRJQUOTA), id, data);
}

static bool is_enforced(int fd)
{
	struct fs_quota_stat state = {.qs_version = FS_QSTAT_VERSION};

	return control(fd, Q_XGETQSTAT, 0, &state) == 0 && (state.qs_flags & FS_QUOTA_PDQ_ENFD);
}

static bool is_free(int fd, uint32_t id)
{
	struct if_dqblk q = {0};

	if (control(fd, Q_GETQUOTA, id, &q) < 0)
		return errno == ENOENT; /* xfs: there is none */
	return !q.dqb_bhardlimit && !q.dqb_bsoftlimit && !q.dqb_curspace && !q.dqb_curinodes;
}

static int find_free(int fd, uint32_t *ret, struct mb_err *err)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t id;

		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return mb_fail_sys(err, errno, "cannot choose a project");
		id = id % (INT32_MAX - FIRST_PROJECT) + FIRST_PROJECT;
		if (!is_free(fd, id))
			continue;
		*ret = id;
		return 0;
	}
	return mb_fail(err, EBUSY, "no project of the file system is free");
}

static uint64_t blocks(uint64_t bytes)
{
	return bytes / BLOCK + (bytes % BLOCK != 0);
}

static int limit(int fd, uint32_t id, uint64_t bytes)
{
	struct if_dqblk q = {
		.dqb_bhardlimit = blocks(bytes),
		.dqb_valid = QIF_BLIMITS,
	};

	return control(fd, Q_SETQUOTA, id, &q);
}

/* Is that what holds for the project? */
static bool has_limit(int fd, uint32_t id, uint64_t bytes)
{
	struct if_dqblk q = {0};

	return control(fd, Q_GETQUOTA, id, &q) == 0 && q.dqb_bhardlimit == blocks(bytes);
}

int mb_sys_quota_choose(int fd, uint32_t *ret_project, struct mb_err *err)
{
	struct fsxattr attr = {0};

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0 || !is_enforced(fd)) {
		mb_fail(err, EOPNOTSUPP,
		        "the file system has no project quotas "
		        "(ext4 and xfs have them when mounted with prjquota)");
		return MB_SYS_QUOTA_ABSENT;
	}
	return find_free(fd, ret_project, err);
}

int mb_sys_quota_set(int fd, uint32_t project, uint64_t bytes, struct mb_err *err)
{
	struct fsxattr attr = {0};

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0)
		return mb_fail_sys(err, errno, "cannot read the project of a directory");
	/* The limit first: who is killed between leaves a limit of nobody, not a directory without
	 * one. */
	if (limit(fd, project, bytes) < 0)
		return mb_fail_sys(err, errno, "cannot set a quota");
	attr.fsx_projid = project;
	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0
	               ? mb_fail_sys(err, errno, "cannot set the project of a directory")
	               : 0;
}

bool mb_sys_quota_holds(int fd, uint32_t project, uint64_t bytes)
{
	struct fsxattr attr = {0};

	return ioctl(fd, FS_IOC_FSGETXATTR, &attr) == 0 && attr.fsx_projid == project &&
	       (attr.fsx_xflags & FS_XFLAG_PROJINHERIT) && is_enforced(fd) &&
	       has_limit(fd, project, bytes);
}

void mb_sys_quota_clear(int fd, uint32_t project, uint64_t bytes)
{
	if (project >= FIRST_PROJECT && has_limit(fd, project, bytes))
		limit(fd, project, 0);
}
