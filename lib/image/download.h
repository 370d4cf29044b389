/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/download.h — blobs on their way from a registry: ROOT/downloads/HEX{,.part}.
 *
 * Who brings one in holds flock(2) on its ".part", so that each is fetched once however many
 * pulls want it; it loses that suffix when it is whole and verified.  What a pull that was
 * interrupted leaves is where the next one goes on.  As long as some pull keeps a blob, no other
 * removes it: the last one does.
 */
#ifndef MB_IMAGE_DOWNLOAD_H
#define MB_IMAGE_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct mb_err;
struct mb_oci_digest;
struct mb_store;

struct mb_image_download {
	int dir_fd;
	int fd;        /* the file, readable and writable */
	bool is_whole; /* nothing is left to do */
	uint64_t have; /* bytes that are there */
	char name[80];
};
enum { MB_IMAGE_DOWNLOAD_BUSY = 1 };

/* Where a pull says what it keeps: *@ret_fd, owned by the caller, lets go of all when it is closed
 * here and in every process that was forked since. */
int mb_image_download_users(struct mb_store *store, int *ret_fd, struct mb_err *err);
/* From now on nobody else removes the blob. */
int mb_image_download_keep(int users_fd, const struct mb_oci_digest *digest, struct mb_err *err);
/* Of what is kept.  What is there, has not @size bytes and is damaged is begun anew.
 * Return: 0; MB_IMAGE_DOWNLOAD_BUSY: another process is at it; -errno, told: -EBADMSG if it is
 * sound with another size. */
int mb_image_download_open(struct mb_store *store, const struct mb_oci_digest *digest,
                           uint64_t size, struct mb_image_download *ret, struct mb_err *err);
/* A descriptor for reading, while another process writes or after.  -ENOENT is told too. */
int mb_image_download_read(struct mb_store *store, const struct mb_oci_digest *digest, int *ret_fd,
                           struct mb_err *err);
/* It is whole: give it its name. */
int mb_image_download_finish(struct mb_image_download *download, struct mb_err *err);
void mb_image_download_done(struct mb_image_download *download);
/* Done, and it is not wanted after all: away with it, unless it is whole. */
void mb_image_download_drop(struct mb_image_download *download);
/* Keep it no longer, and remove it, whole or not, unless another keeps it or is at it. */
void mb_image_download_remove(struct mb_store *store, int users_fd,
                              const struct mb_oci_digest *digest);
/* Remove what nobody has come back for in a day. */
void mb_image_download_sweep(struct mb_store *store);

#endif
