/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/mounts.h — a container's mounts: collected at create, opened at start. */
#ifndef MB_CONTAINER_MOUNTS_H
#define MB_CONTAINER_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "volume/volume.h"

struct mb_container_create_request;
struct mb_container_mount;
struct mb_container_record;
struct mb_err;
struct mb_store;

/* Read -v, --mount, --tmpfs, --volumes-from and the image's VOLUMEs into record->mounts; named
 * volumes that are not there are made.  The first word on a destination is the user's, then
 * --volumes-from's, then the image's. */
int mb_container_mounts_collect(struct mb_store *store, struct mb_container_create_request *q,
                                struct mb_container_record *record, struct mb_err *err);
/* Make the anonymous volumes, once the record with their names is stored: whoever finds it
 * unfinished then knows what to remove. */
int mb_container_mounts_make(struct mb_store *store, const struct mb_container_record *record,
                             struct mb_err *err);
/* Remove the anonymous volumes of a container that did not come to be, or that goes. */
void mb_container_mounts_discard(struct mb_store *store, const struct mb_container_record *record);

/* It has ended: unmount the volumes with driver options that no other container uses,
 * be it one that runs or one that starts. */
void mb_container_mounts_release(struct mb_store *store, const struct mb_container_record *record);
/* Whoever had the volume @name mounted only to look at it, or to put something there, has let go of
 * it: unmount it unless a running container uses it, or what is there would be lost with it. */
void mb_container_volume_leave(struct mb_store *store, const char *name);
/* The containers that run. */
struct mb_volume_users mb_container_volume_users(struct mb_store *store);

/* Those of @record, the shallow ones first, in the order in which they are to be attached: an array
 * of record->n_mounts, freed by the caller. */
const struct mb_container_mount **
mb_container_mounts_sorted(const struct mb_container_record *record);

/* What a mount is opened for. */
struct mb_container_mount_use {
	int rootfs_fd;    /* a fresh volume gets what the image has there */
	int container_fd; /* the container's directory: layers of overlays are in it */
	int userns_fd;    /* whose maps an image's ids are shown by; -1 */
	bool looks;       /* whoever only looks makes and changes nothing */
	bool owns;        /* a mount with chown goes to these, ids as they are on disk */
	uid_t uid;
	gid_t gid;
	struct mb_volume_holds *holds; /* gets what is to stay mounted until it runs */
};
/* The detached mount for a bind or a volume, with its flags set; a missing -v source is made.
 * *@ret_fd is -1 for a tmpfs. */
int mb_container_mount_open(struct mb_store *store, const struct mb_container_mount *mount,
                            const struct mb_container_mount_use *use, int *ret_fd,
                            struct mb_err *err);

#endif
