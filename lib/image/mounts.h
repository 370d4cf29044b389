/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/mounts.h — images mounted for the host to read: RUN/mnt/ID.
 *
 * The mount is all the state there is: a directory without one was left by a command that died, or
 * belongs to a mount namespace that is not ours.
 */
#ifndef MB_IMAGE_MOUNTS_H
#define MB_IMAGE_MOUNTS_H

#include <stdbool.h>

struct mb_err;
struct mb_image;
struct mb_store;
struct mb_strv;

/* Mount it, read-only; one that is mounted already stays as it is.  *@ret_path is where, caller
 * frees.  It cannot be removed until it is unmounted.
 * Return: 0; MB_IMAGE_ABSENT, told: it was removed meanwhile; -errno. */
int mb_image_mount(struct mb_store *store, const struct mb_image *image, char **ret_path,
                   struct mb_err *err);
/* @force: also while somebody uses it, who keeps what he has.
 * Return: 0; MB_IMAGE_ABSENT, not told: it is not mounted; -errno, -EBUSY without @force. */
int mb_image_unmount(struct mb_store *store, const char *id, bool force, struct mb_err *err);
/* The ids of those that are mounted, sorted. */
int mb_image_mounts_list(struct mb_store *store, struct mb_strv *ids, struct mb_err *err);
/* Where @id is when it is mounted.  Caller frees. */
char *mb_image_mount_path(const struct mb_store *store, const char *id);
bool mb_image_is_mounted(struct mb_store *store, const char *id);
/* The names in RUN/mnt that are no mounts, or those of no image; and putting such a one away. */
int mb_image_mounts_stale(struct mb_store *store, struct mb_strv *names, struct mb_err *err);
int mb_image_mounts_clear(struct mb_store *store, const char *name, struct mb_err *err);

#endif
