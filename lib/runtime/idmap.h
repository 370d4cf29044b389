/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/idmap.h — the specification's mappings of ids, as sys/userns.h takes them. */
#ifndef MB_RUNTIME_IDMAP_H
#define MB_RUNTIME_IDMAP_H

#include <stddef.h>

#include "sys/userns.h"

struct mb_oci_id_map;

/* Owned: mb_runtime_idmap_done(). */
void mb_runtime_idmap_make(const struct mb_oci_id_map *uids, size_t n_uids,
                           const struct mb_oci_id_map *gids, size_t n_gids,
                           struct mb_sys_id_maps *ret);
void mb_runtime_idmap_done(struct mb_sys_id_maps *maps);
#define MB_AUTO_RUNTIME_IDMAP __attribute__((cleanup(mb_runtime_idmap_done)))

#endif
