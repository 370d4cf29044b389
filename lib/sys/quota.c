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

static int limit(int fd, uint32_t id, uint64_t bytes)
{
	struct if_dqblk q = {
		.dqb_bhardlimit = bytes / BLOCK + (bytes % BLOCK != 0),
		.dqb_valid = QIF_BLIMITS,
	};

	return control(fd, Q_SETQUOTA, id, &q);
}

/* The project whose limit is this directory's; 0: none. */
static uint32_t project_of(int fd)
{
	struct fsxattr attr = {0};

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0 || !(attr.fsx_xflags & FS_XFLAG_PROJINHERIT))
		return 0;
	return attr.fsx_projid;
}

int mb_sys_quota_set(int fd, uint64_t bytes, struct mb_err *err)
{
	struct fsxattr attr = {0};
	uint32_t id = 0;
	int r;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0 || !is_enforced(fd)) {
		mb_fail(err, EOPNOTSUPP,
		        "the file system has no project quotas "
		        "(ext4 and xfs have them when mounted with prjquota)");
		return MB_SYS_QUOTA_ABSENT;
	}
	r = find_free(fd, &id, err);
	if (r < 0)
		return r;
	/* The limit first: who is killed between leaves a limit of nobody, not a volume without
	 * one. */
	if (limit(fd, id, bytes) < 0)
		return mb_fail_sys(err, errno, "cannot set a quota");
	attr.fsx_projid = id;
	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	if (ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0) {
		r = mb_fail_sys(err, errno, "cannot set the project of a directory");
		limit(fd, id, 0);
	}
	return r;
}

uint64_t mb_sys_quota_get(int fd)
{
	uint32_t id = project_of(fd);
	struct if_dqblk q = {0};

	return id && control(fd, Q_GETQUOTA, id, &q) == 0 ? q.dqb_bhardlimit * BLOCK : 0;
}

void mb_sys_quota_clear(int fd)
{
	uint32_t id = project_of(fd);

	if (id >= FIRST_PROJECT)
		limit(fd, id, 0);
}
