/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/tar.h — the headers of a tar that we write (POSIX.1-2017, pax): pure text.
 *
 * The same entry gives the same bytes.  What a ustar header cannot hold (long names and those that
 * are not ASCII, nanoseconds, big numbers, extended attributes) stands in a pax header before it,
 * by key; a header that can hold it all has none.
 */
#ifndef MB_IMAGE_TAR_H
#define MB_IMAGE_TAR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct mb_str;

struct mb_image_tar_xattr {
	char *name; /* without '=', which pax cannot carry */
	void *value;
	size_t n;
};
enum mb_image_tar_type {
	MB_IMAGE_TAR_FILE = '0',
	MB_IMAGE_TAR_HARDLINK = '1',
	MB_IMAGE_TAR_SYMLINK = '2',
	MB_IMAGE_TAR_CHAR = '3',
	MB_IMAGE_TAR_BLOCK = '4',
	MB_IMAGE_TAR_DIR = '5',
	MB_IMAGE_TAR_FIFO = '6',
};
struct mb_image_tar_entry {
	enum mb_image_tar_type type;
	const char *path; /* any bytes; a directory's ends with a slash */
	const char *link; /* of links; or NULL */
	mode_t mode;      /* permission bits, 07777 */
	uint32_t uid, gid;
	uint64_t size; /* bytes that follow, of a file */
	struct timespec mtime;
	dev_t device;
	const struct mb_image_tar_xattr *xattrs; /* sorted by name */
	size_t n_xattrs;
};

/* Append the headers of @entry. */
void mb_image_tar_add_entry(struct mb_str *out, const struct mb_image_tar_entry *entry);
/* Append what fills the last block of @size bytes of content. */
void mb_image_tar_add_padding(struct mb_str *out, uint64_t size);
/* Append the end of the archive. */
void mb_image_tar_add_end(struct mb_str *out);

#endif
