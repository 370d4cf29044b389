/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/volume/meta.h — the document of a volume, ROOT/volumes/NAME/meta.json, and its directory. */
#ifndef MB_VOLUME_META_H
#define MB_VOLUME_META_H

#include "volume/volume.h"

/* Open ROOT/volumes/NAME.  Return: 0; MB_VOLUME_ABSENT, told; -errno. */
int mb_volume_meta_open(struct mb_store *store, const char *name, int *ret_fd, struct mb_err *err);
/* Read the document in the directory @fd.  Return: 0; MB_VOLUME_ABSENT, told; -errno. */
int mb_volume_meta_load(struct mb_store *store, int fd, const char *name,
                        struct mb_volume **ret_volume, struct mb_err *err);
/* The same without a name and a mountpoint to go by: what is left of one, or not yet one. */
int mb_volume_meta_read(int fd, struct mb_volume **ret_volume, struct mb_err *err);
/* Write it; @flags of store/doc.h. */
int mb_volume_meta_save(int fd, const struct mb_volume *volume, unsigned int flags,
                        struct mb_err *err);
/* The lock of one volume. */
int mb_volume_meta_lock(struct mb_store *store, const char *name, int *ret_fd, struct mb_err *err);
/* Is something mounted in its directory @fd that nobody holds, and none of @users uses?  Then
 * nobody begins to as long as *@ret_lock is open.  Return: 0 and the lock, -1 if not; or -errno. */
int mb_volume_meta_lock_idle(struct mb_store *store, int fd, const char *name,
                             const struct mb_volume_users *users, int *ret_lock,
                             struct mb_err *err);
/* Take what is mounted in the directory @fd away, whoever uses it. */
int mb_volume_meta_unmount(int fd, const char *name, struct mb_err *err);

#endif
