/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/userns.h — user namespaces that only carry a mapping of ids. */
#ifndef MB_SYS_USERNS_H
#define MB_SYS_USERNS_H

#include <stddef.h>
#include <stdint.h>

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

/* A user namespace in which nobody is, for mb_sys_mount_idmap(): what is @inside on disk is shown
 * as @outside.  Caller closes. */
int mb_sys_userns_new(const struct mb_sys_id_maps *maps, int *ret_fd, struct mb_err *err);

#endif
