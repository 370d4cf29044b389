/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/idmap.h"

#include <stdlib.h>

#include "core/own.h"
#include "oci/spec.h"

static struct mb_sys_id_range *copy(const struct mb_oci_id_map *from, size_t n)
{
	struct mb_sys_id_range *ranges = mb_calloc(n + 1, sizeof(*ranges));

	for (size_t i = 0; i < n; i++)
		ranges[i] = (struct mb_sys_id_range){.inside = from[i].container_id,
		                                     .outside = from[i].host_id,
		                                     .count = from[i].size};
	return ranges;
}

void mb_runtime_idmap_make(const struct mb_oci_id_map *uids, size_t n_uids,
                           const struct mb_oci_id_map *gids, size_t n_gids,
                           struct mb_sys_id_maps *ret)
{
	*ret = (struct mb_sys_id_maps){.uids = copy(uids, n_uids),
	                               .n_uids = n_uids,
	                               .gids = copy(gids, n_gids),
	                               .n_gids = n_gids};
}

void mb_runtime_idmap_done(struct mb_sys_id_maps *maps)
{
	free(maps->uids);
	free(maps->gids);
	*maps = (struct mb_sys_id_maps){0};
}
