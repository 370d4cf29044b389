/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/volume.h — what the volume verbs share. */
#ifndef MB_CMD_VOLUME_H
#define MB_CMD_VOLUME_H

struct json_object;
struct mb_err;
struct mb_store;
struct mb_volume;

/* The volume @name.  Return: 0; 1 after saying "Error: No such volume: x"; -errno. */
int mb_cmd_volume_find(struct mb_store *store, const char *name, struct mb_volume **ret,
                       struct mb_err *err);
/* What is in it, a directory for reading; driver options are mounted.  Return: as above. */
int mb_cmd_volume_open(struct mb_store *store, const char *name, int *ret_fd, struct mb_err *err);
/* What inspect shows of it; owned by the caller. */
struct json_object *mb_cmd_volume_describe(const struct mb_volume *volume);

#endif
