/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/files.h — a container's files as it sees them, with all that it has mounted. */
#ifndef MB_CONTAINER_FILES_H
#define MB_CONTAINER_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "volume/volume.h"

struct mb_container;
struct mb_err;

/* Of one that runs: the root of its process 1.  Of another: its layers with its volumes and binds,
 * in a mount namespace that goes with _done().  To write on them it is locked meanwhile, so that it
 * is not started on the same layers; to read it is not, and nothing of it changes.  What is in
 * memory (tmpfs) is then not there. */
struct mb_container_files {
	int root_fd; /* O_PATH; paths in it only by sys/path.h */
	int lock, hold;
	pid_t keeper; /* of that namespace; 0: none */
	struct mb_volume_holds holds;
	const struct mb_container *c; /* whose volumes they are */
};
#define MB_CONTAINER_FILES_INIT ((struct mb_container_files){.root_fd = -1, .lock = -1, .hold = -1})
#define MB_AUTO_CONTAINER_FILES __attribute__((cleanup(mb_container_files_done)))

/* @c must stay until _done().  Return: 0 or -errno, told. */
int mb_container_files_open(struct mb_container *c, bool writes, struct mb_container_files *ret,
                            struct mb_err *err);
void mb_container_files_done(struct mb_container_files *files);

#endif
