/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/userns.h — a container's user namespace: --userns, --uidmap, --gidmap.
 *
 * At create the options become maps in the record ("0:100000:65536"); everything later works with
 * those.  A range of --userns=auto is held by whoever has it in its record: no lease can be lost
 * or left behind.
 */
#ifndef MB_CONTAINER_USERNS_H
#define MB_CONTAINER_USERNS_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/userns.h"

struct mb_container_create_request;
struct mb_container_host_config;
struct mb_err;
struct mb_oci_process;
struct mb_oci_spec;
struct mb_store;

bool mb_container_has_userns(const struct mb_container_host_config *host);

/* Check the options of @request and put the maps into its host config.  With --userns=auto
 * *@ret_lock (-1 before, caller closes) keeps others from the same range; it may be closed when
 * the record is in the store. */
int mb_container_userns_check(struct mb_store *store, struct mb_container_create_request *request,
                              int *ret_lock, struct mb_err *err);

/* The record's maps.  Release what @ret owns with mb_container_maps_done(). */
int mb_container_maps_read(const struct mb_container_host_config *host, struct mb_sys_id_maps *ret,
                           struct mb_err *err);
void mb_container_maps_done(struct mb_sys_id_maps *maps);
#define MB_AUTO_MAPS __attribute__((cleanup(mb_container_maps_done)))

/* What mb_sys_mount_idmap() needs; *@ret_fd stays -1 without a user namespace. */
int mb_container_userns_open(const struct mb_container_host_config *host, int *ret_fd,
                             struct mb_err *err);
/* The namespace and its maps in @spec.  Does nothing without. */
int mb_container_userns_fill(const struct mb_container_host_config *host, struct mb_oci_spec *spec,
                             struct mb_err *err);
/* Are the ids of @process mapped? */
int mb_container_userns_check_user(const struct mb_container_host_config *host,
                                   const struct mb_oci_process *process, struct mb_err *err);
/* Give what @fd is to the container's user @uid and group @gid, as far as it has them. */
int mb_container_userns_give(const struct mb_container_host_config *host, int fd, uint32_t uid,
                             uint32_t gid, struct mb_err *err);

#endif
