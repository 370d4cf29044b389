/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/place.h — where COPY and ADD put things: a stage's tree, which may be hostile.
 *
 * Paths are resolved in the tree; below the destination itself no link is followed, but see
 * @implied.  A file that
 * takes the place of another does so whole: whoever looks sees the old one or the new one.
 */
#ifndef MB_BUILD_PLACE_H
#define MB_BUILD_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "build/chmod.h"

struct mb_build_item;
struct mb_build_root;
struct mb_err;
struct mb_strv;
struct mb_sys_id_maps;

struct mb_build_place {
	int root_fd;
	bool has_owner, has_mode; /* --chown, --chmod */
	uint32_t uid, gid;
	struct mb_build_chmod mode;
	const struct mb_sys_id_maps
		*maps;          /* the owners are those inside of it; NULL: as they are */
	bool leaves_power;      /* devices, set-id bits and capabilities stay behind */
	bool keeps_links;       /* what is one file of several names in an item is one again */
	bool replaces;          /* what is there and no directory, or ought to be none, goes */
	bool keeps_directories; /* those that are there keep their owners, modes, attributes */
	bool is_live;           /* what goes from the source meanwhile is left out */
	/* Directories of an item, sorted, of which only what is in them is known: whatever is there
	 * stays as it is, and a link is followed within the destination; or NULL. */
	const struct mb_strv *implied;
};

/* Make the directories of @path that are missing and give the last one, for reading. */
int mb_build_place_directory(const struct mb_build_place *place, const char *path, int *ret_fd,
                             struct mb_err *err);
/* The same, and those that are missing get the modes that they have in @root, where they are
 * @from and its last parts. */
int mb_build_place_parents(const struct mb_build_place *place, const struct mb_build_root *root,
                           const char *to, const char *from, const char *parents, int *ret_fd,
                           struct mb_err *err);
/* A file as @name into the directory @dir_fd, or, with @name NULL, a directory's content; if
 * @is_new the directory gets the source's attributes too. */
int mb_build_place_item(const struct mb_build_place *place, const struct mb_build_root *root,
                        const struct mb_build_item *item, int dir_fd, const char *name, bool is_new,
                        struct mb_err *err);

#endif
