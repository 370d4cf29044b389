/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/cp_tar.h — `cp` from and to a tar stream. */
#ifndef MB_CMD_CP_TAR_H
#define MB_CMD_CP_TAR_H

#include <stddef.h>

struct mb_build_place;
struct mb_build_root;
struct mb_cmd_aside;
struct mb_cmd_cp_source;
struct mb_err;
struct mb_store;
struct mb_sys_id_maps;

/* Write @source as a tar to @fd, its entries below its name.  @maps: owners in the tar are those
 * inside of them; NULL: as they are.  Sockets are left out. */
int mb_cmd_cp_tar_write(const struct mb_cmd_cp_source *source, const struct mb_sys_id_maps *maps,
                        int fd, struct mb_err *err);
/* The tree of @root without what its rules leave out, and files of our own after it. */
struct mb_cmd_cp_tar_file {
	const char *name, *bytes;
	size_t n;
};
int mb_cmd_cp_tar_write_context(const struct mb_build_root *root,
                                const struct mb_cmd_cp_tar_file *files, size_t n_files, int fd,
                                struct mb_err *err);
/* Unpack the tar that @fd gives, compressed or not, aside, by the confined children that unpack
 * layers: a broken one changes nothing.  Nothing is locked that others wait for. */
int mb_cmd_cp_tar_read(struct mb_store *store, int fd, struct mb_cmd_aside *ret,
                       struct mb_err *err);
/* Put what was unpacked into the directory @dir_fd. */
int mb_cmd_cp_tar_place(const struct mb_cmd_aside *aside, int dir_fd,
                        const struct mb_build_place *place, struct mb_err *err);

#endif
