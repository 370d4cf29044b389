/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/place.h — putting one entry in its place below a root, by descriptors alone.
 *
 * Parents are resolved by the kernel in the root (a link to /etc is the root's /etc); the last
 * part of a name is never followed.  What is in the way leaves first.
 */
#ifndef MB_IMAGE_PLACE_H
#define MB_IMAGE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "image/entry.h"

struct mb_err;

struct mb_image_place {
	int root;       /* borrowed */
	bool bottom;    /* the lowest layer: there is nothing to white out */
	int names_fd;   /* gets the implied directories at the end, each with a NUL; or -1 */
	char **implied; /* directories made because something is in them */
	size_t n_implied, cap_implied;
	/* The directory of the last entry, open. */
	int dir;
	char dir_name[MB_IMAGE_PATH];
	bool gives_group; /* some directory has the setgid bit */
	/* Directories whose times, and that bit, are set when all is there. */
	struct mb_image_late {
		char *path;
		mode_t mode;
		struct timespec times[2];
		void *acl; /* system.posix_acl_default, which would change what is made inside */
		size_t n_acl;
	} * late;
	size_t n_late, cap_late;
};

struct mb_image_xattr {
	const char *name;
	const void *value;
	size_t n;
};
struct mb_image_meta {
	uid_t uid;
	gid_t gid;
	mode_t mode;                         /* permission bits, 07777 */
	struct timespec times[2];            /* access, modification */
	const struct mb_image_xattr *xattrs; /* only those that are kept */
	size_t n_xattrs;
};

void mb_image_place_init(struct mb_image_place *p, int root, bool bottom, int names_fd);
void mb_image_place_done(struct mb_image_place *p);

int mb_image_place_dir(struct mb_image_place *p, const struct mb_image_entry_name *name,
                       const struct mb_image_meta *meta, struct mb_err *err);
/* An empty regular file to write to; finish it with mb_image_place_settle(). */
int mb_image_place_file(struct mb_image_place *p, const struct mb_image_entry_name *name,
                        const struct mb_image_meta *meta, int *ret_fd, struct mb_err *err);
int mb_image_place_settle(int fd, const struct mb_image_meta *meta, struct mb_err *err);
int mb_image_place_symlink(struct mb_image_place *p, const struct mb_image_entry_name *name,
                           const char *target, const struct mb_image_meta *meta,
                           struct mb_err *err);
int mb_image_place_hardlink(struct mb_image_place *p, const struct mb_image_entry_name *name,
                            const char *target, struct mb_err *err);
/* @type: S_IFIFO, S_IFCHR, S_IFBLK or S_IFSOCK. */
int mb_image_place_node(struct mb_image_place *p, const struct mb_image_entry_name *name,
                        mode_t type, dev_t device, const struct mb_image_meta *meta,
                        struct mb_err *err);
int mb_image_place_whiteout(struct mb_image_place *p, const struct mb_image_entry_name *name,
                            struct mb_err *err);
int mb_image_place_opaque(struct mb_image_place *p, const struct mb_image_entry_name *name,
                          struct mb_err *err);
/* The end: times and default ACLs of directories. */
int mb_image_place_finish(struct mb_image_place *p, struct mb_err *err);

#endif
