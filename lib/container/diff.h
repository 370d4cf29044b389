/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/diff.h — what a container's own layer changes of its image. */
#ifndef MB_CONTAINER_DIFF_H
#define MB_CONTAINER_DIFF_H

#include <stddef.h>

struct mb_container;
struct mb_err;

struct mb_container_changes {
	struct mb_container_change {
		char *path; /* absolute, bytes as they are */
		char kind;  /* docker's: A added, C changed, D deleted */
	} * v;              /* by path */
	size_t n, room;
};
/* A directory in which something changed is changed too.  Volumes and binds are not looked into.
 * What changes meanwhile is in it or not.  Return: 0 or -errno, told. */
int mb_container_diff(struct mb_container *c, struct mb_container_changes *ret, struct mb_err *err);
void mb_container_changes_done(struct mb_container_changes *changes);

#endif
