/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/idmap.h — the mappings of user namespaces, written and made. */
#ifndef MB_RUNTIME_IDMAP_H
#define MB_RUNTIME_IDMAP_H

#include <stddef.h>
#include <sys/types.h>

struct mb_err;
struct mb_oci_id_map;

/* Borrowed. */
struct mb_runtime_idmap {
	const struct mb_oci_id_map *uids;
	size_t n_uids;
	const struct mb_oci_id_map *gids;
	size_t n_gids;
};

/* Write the mappings of the user namespace that @pid (behind @pidfd, so that it is surely the one
 * meant) was born in. */
int mb_runtime_idmap_write(const struct mb_runtime_idmap *map, pid_t pid, int pidfd,
                           struct mb_err *err);
/* A user namespace with these mappings, in which nobody is: for id-mapped mounts. */
int mb_runtime_idmap_open(const struct mb_runtime_idmap *map, int *ret_fd, struct mb_err *err);

#endif
