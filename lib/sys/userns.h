/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/userns.h — user namespaces that only carry a mapping of ids. */
#ifndef MB_SYS_USERNS_H
#define MB_SYS_USERNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mb_err;

enum { MB_SYS_ID_RANGES_MAX = 340 }; /* the kernel's limit of one map */

struct mb_sys_id_range {
	uint32_t inside, outside, count;
};
struct mb_sys_id_maps {
	struct mb_sys_id_range *uids, *gids;
	size_t n_uids, n_gids;
};
/* The id outside that @id is, or -1. */
int64_t mb_sys_id_outside(const struct mb_sys_id_range *ranges, size_t n, uint32_t id);

/* Write the maps of the user namespace that @pid (behind @pidfd, so that it is surely the one
 * meant) was born in. */
int mb_sys_userns_map(const struct mb_sys_id_maps *maps, pid_t pid, int pidfd, struct mb_err *err);
/* A user namespace in which nobody is, for mb_sys_mount_idmap(): what is @inside on disk is shown
 * as @outside.  Caller closes. */
int mb_sys_userns_new(const struct mb_sys_id_maps *maps, int *ret_fd, struct mb_err *err);

#endif
