/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/quota.h — how much a directory may hold: project quotas of ext4, xfs and others. */
#ifndef MB_SYS_QUOTA_H
#define MB_SYS_QUOTA_H

#include <stdint.h>

struct mb_err;

enum { MB_SYS_QUOTA_ABSENT = 1 };

/* Let the new and empty directory @fd hold @bytes and no more.  Its project is a number that nobody
 * on the file system uses.  Return: 0; MB_SYS_QUOTA_ABSENT, told: the file system enforces no
 * project quotas (or the kernel, before 5.14, has no quotactl_fd); or -errno. */
int mb_sys_quota_set(int fd, uint64_t bytes, struct mb_err *err);
/* What was set for the directory @fd; 0: nothing. */
uint64_t mb_sys_quota_get(int fd);
/* Take it away, before the directory goes.  Without one nothing happens. */
void mb_sys_quota_clear(int fd);

#endif
