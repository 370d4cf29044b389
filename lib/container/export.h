/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/export.h — a container's whole root file system as a tar. */
#ifndef MB_CONTAINER_EXPORT_H
#define MB_CONTAINER_EXPORT_H

struct mb_container;
struct mb_err;

/* Write it to @fd, running or not; what it has mounted is not in it.  The same files give the same
 * bytes.  It is not locked: nobody waits for whoever reads the tar.  -ENOENT, told, when the
 * container was removed meanwhile: then the tar is not whole. */
int mb_container_export(struct mb_container *c, int fd, struct mb_err *err);

#endif
