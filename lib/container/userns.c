/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container/record.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "oci/spec.h"

bool mb_container_has_userns(const struct mb_container_host_config *h)
{
	return h->uid_map.n > 0;
}

void mb_container_maps_done(struct mb_sys_id_maps *maps)
{
	free(maps->uids);
	free(maps->gids);
	*maps = (struct mb_sys_id_maps){0};
}

/* ---- one map: "container:host[:amount]", an '@' before the host's id means nothing to root ----
 */

static int parse_range(const char *text, struct mb_sys_id_range *ret)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	const char *outside;

	mb_strv_split(&parts, text, ':');
	if (parts.n < 2 || parts.n > 3)
		return -EINVAL;
	outside = parts.v[1] + (parts.v[1][0] == '@');
	ret->count = 1;
	if (mb_parse_u32(parts.v[0], &ret->inside) < 0 ||
	    mb_parse_u32(outside, &ret->outside) < 0 ||
	    (parts.n == 3 && mb_parse_u32(parts.v[2], &ret->count) < 0))
		return -EINVAL;
	/* The last id means "none" to the kernel. */
	if (ret->count == 0 || ret->count > UINT32_MAX - ret->inside ||
	    ret->count > UINT32_MAX - ret->outside)
		return -ERANGE;
	return 0;
}

static bool overlap(uint32_t a, uint32_t n_a, uint32_t b, uint32_t n_b)
{
	return a < (uint64_t)b + n_b && b < (uint64_t)a + n_a;
}

static int check_ranges(const struct mb_sys_id_range *v, size_t n, const char *flag,
                        struct mb_err *err)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (overlap(v[i].inside, v[i].count, v[k].inside, v[k].count) ||
			    overlap(v[i].outside, v[i].count, v[k].outside, v[k].count))
				return mb_fail(err, EINVAL, "--%s: ranges overlap at %u:%u:%u",
				               flag, v[i].inside, v[i].outside, v[i].count);
	if (mb_sys_id_outside(v, n, 0) < 0)
		return mb_fail(err, EINVAL, "--%s: the container's id 0 is not mapped", flag);
	return 0;
}

static int read_ranges(const struct mb_strv *texts, const char *flag, struct mb_sys_id_range **ret,
                       size_t *ret_n, struct mb_err *err)
{
	if (texts->n > MB_SYS_ID_RANGES_MAX)
		return mb_fail(err, E2BIG, "--%s: more than %d ranges", flag, MB_SYS_ID_RANGES_MAX);
	*ret = mb_calloc(texts->n + 1, sizeof(**ret));
	for (size_t i = 0; i < texts->n; i++)
		if (parse_range(texts->v[i], &(*ret)[i]) < 0)
			return mb_fail(err, EINVAL, "invalid argument \"%s\" for \"--%s\" flag",
			               texts->v[i], flag);
	*ret_n = texts->n;
	return check_ranges(*ret, *ret_n, flag, err);
}

int mb_container_maps_read(const struct mb_container_host_config *h, struct mb_sys_id_maps *ret,
                           struct mb_err *err)
{
	int r = read_ranges(&h->uid_map, "uidmap", &ret->uids, &ret->n_uids, err);

	return r < 0 ? r : read_ranges(&h->gid_map, "gidmap", &ret->gids, &ret->n_gids, err);
}

/* ---- what a start and an exec need ---- */

int mb_container_userns_open(const struct mb_container_host_config *h, int *ret_fd,
                             struct mb_err *err)
{
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};
	int r;

	if (!mb_container_has_userns(h))
		return 0;
	r = mb_container_maps_read(h, &maps, err);
	return r < 0 ? r : mb_sys_userns_new(&maps, ret_fd, err);
}

static void copy_ranges(const struct mb_sys_id_range *from, size_t n, struct mb_oci_id_map **ret,
                        size_t *ret_n)
{
	*ret = mb_calloc(n, sizeof(**ret));
	*ret_n = n;
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = (struct mb_oci_id_map){.container_id = from[i].inside,
		                                   .host_id = from[i].outside,
		                                   .size = from[i].count};
}

int mb_container_userns_fill(const struct mb_container_host_config *h, struct mb_oci_spec *spec,
                             struct mb_err *err)
{
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};
	int r;

	if (!mb_container_has_userns(h))
		return 0;
	r = mb_container_maps_read(h, &maps, err);
	if (r < 0)
		return r;
	mb_oci_spec_add_namespace(spec, "user", NULL);
	copy_ranges(maps.uids, maps.n_uids, &spec->linux.uid_mappings, &spec->linux.n_uid_mappings);
	copy_ranges(maps.gids, maps.n_gids, &spec->linux.gid_mappings, &spec->linux.n_gid_mappings);
	return 0;
}

int mb_container_userns_check_user(const struct mb_container_host_config *h,
                                   const struct mb_oci_process *process, struct mb_err *err)
{
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};
	int r;

	if (!mb_container_has_userns(h))
		return 0;
	r = mb_container_maps_read(h, &maps, err);
	if (r < 0)
		return r;
	if (mb_sys_id_outside(maps.uids, maps.n_uids, process->user.uid) < 0)
		return mb_fail(err, EINVAL,
		               "user %u is not mapped in the container's user namespace",
		               process->user.uid);
	if (mb_sys_id_outside(maps.gids, maps.n_gids, process->user.gid) < 0)
		return mb_fail(err, EINVAL,
		               "group %u is not mapped in the container's user namespace",
		               process->user.gid);
	for (size_t i = 0; i < process->user.n_additional_gids; i++)
		if (mb_sys_id_outside(maps.gids, maps.n_gids, process->user.additional_gids[i]) < 0)
			return mb_fail(err, EINVAL,
			               "group %u is not mapped in the container's user namespace",
			               process->user.additional_gids[i]);
	return 0;
}

int mb_container_userns_give(const struct mb_container_host_config *h, int fd, uint32_t uid,
                             uint32_t gid, struct mb_err *err)
{
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};
	int64_t u, g;
	int r;

	if (!mb_container_has_userns(h))
		return 0;
	r = mb_container_maps_read(h, &maps, err);
	if (r < 0)
		return r;
	u = mb_sys_id_outside(maps.uids, maps.n_uids, uid);
	g = mb_sys_id_outside(maps.gids, maps.n_gids, gid);
	if (fchownat(fd, "", (uid_t)u, (gid_t)g, AT_EMPTY_PATH) < 0)
		return mb_fail_sys(err, errno, "cannot give a file to the container's root");
	return 0;
}
