/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/quota.h — how much a directory may hold: project quotas of ext4, xfs and others. */
#ifndef MB_SYS_QUOTA_H
#define MB_SYS_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct mb_err;

enum { MB_SYS_QUOTA_ABSENT = 1 };

/* A number of a project that nobody uses on the file system of @fd.  Write it down before it is
 * set: whoever owns a directory may give it another one, so the directory does not tell.
 * Return: 0; MB_SYS_QUOTA_ABSENT, told: the file system enforces no project quotas (or the kernel,
 * before 5.14, has no quotactl_fd); or -errno. */
int mb_sys_quota_choose(int fd, uint32_t *ret_project, struct mb_err *err);
/* Let the new and empty directory @fd, and all of @project, hold @bytes and no more.  Return: 0 or
 * -errno; then mb_sys_quota_clear(). */
int mb_sys_quota_set(int fd, uint32_t project, uint64_t bytes, struct mb_err *err);
/* Does what was set for the directory @fd still hold? */
bool mb_sys_quota_holds(int fd, uint32_t project, uint64_t bytes);
/* Take it away, before the directory goes; with another limit the project is another's. */
void mb_sys_quota_clear(int fd, uint32_t project, uint64_t bytes);

#endif
