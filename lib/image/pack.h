/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/pack.h — a directory tree becomes a tar.
 *
 * The walk is sorted, each directory before what is in it, and the same tree gives the same bytes.
 * It takes descriptors only: no link is followed, no mount entered, nothing opened before it is
 * known to be a file, so that whoever changes the tree meanwhile leads nowhere.
 */
#ifndef MB_IMAGE_PACK_H
#define MB_IMAGE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_strv;
struct mb_sys_id_maps;

struct mb_image_pack {
	int root_fd; /* the tree: a directory, open for reading */
	/* The upper directory of an overlay: what it deletes becomes ".wh." entries, and its root
	 * has an entry of its own.  Otherwise a whole file system, as docker exports it. */
	bool layer;
	bool user_xattrs; /* the overlay's marks are user.overlay.* and not trusted.overlay.* */
	bool root;        /* its root has an entry of its own, "./", though it is no layer */
	/* Make the tree what its tar says: sockets, and the overlay's marks that a layer has no use
	 * for, are taken out of it. */
	bool tidy;
	/* The ids in the tree are those outside of these maps, those in the tar inside; NULL: as
	 * they are. */
	const struct mb_sys_id_maps *maps;
	/* Mount points, relative to the root.  One that is not in @below_fd and has nothing in it
	 * was made for the mount, and so were the directories above that have nothing else. */
	const struct mb_strv *mount_points; /* or NULL */
	int below_fd;                       /* what lies below the upper directory */
	/* Takes the bytes.  Return: 0, or -errno, nothing told. */
	int (*give)(void *arg, const void *bytes, size_t n);
	void *arg;
};
struct mb_image_packed {
	uint64_t entries, files, bytes; /* of regular files */
};
/* What goes while it is read is left out; a file that shrinks ends in zeros.  Names over 4,096
 * bytes, overlayfs's redirects and, in a layer, names that would mean a deletion are refused.
 * Return: 0 or -errno, told. */
int mb_image_pack(const struct mb_image_pack *how, struct mb_image_packed *ret, struct mb_err *err);

#endif
