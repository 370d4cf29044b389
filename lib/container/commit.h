/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/commit.h — an image of what a container has made of its image. */
#ifndef MB_CONTAINER_COMMIT_H
#define MB_CONTAINER_COMMIT_H

#include <stdbool.h>

#include "core/id.h"

struct mb_container;
struct mb_err;
struct mb_strv;

struct mb_container_commit {
	const char *name;              /* "deb", "deb:12", or NULL */
	const char *author, *message;  /* or NULL */
	const struct mb_strv *changes; /* Dockerfile instructions, or NULL */
	bool pause;                    /* while it is read, if it runs */
	bool squash;                   /* one layer of all that it sees, and none below */
};
/* Of a container with a directory (--rootfs) the image is all that is in it, in one layer.
 * What lies in volumes and binds, and the places that were made for them, is not in the image.
 * Signals that would end the caller wait until the container goes on; if it is killed all the
 * same, the next command that meets the container sees to that.  @ret_id: of the image, in hex.
 * Return: 0 or -errno, told. */
int mb_container_commit(struct mb_container *c, const struct mb_container_commit *how,
                        char ret_id[MB_ID_TEXT], struct mb_err *err);

#endif
