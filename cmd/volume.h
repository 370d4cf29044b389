/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/volume.h — what the volume verbs share. */
#ifndef MB_CMD_VOLUME_H
#define MB_CMD_VOLUME_H

#include "volume/volume.h"

struct json_object;
struct mb_err;
struct mb_store;

/* The volume @name.  Return: 0; 1 after saying "Error: No such volume: x"; -errno. */
int mb_cmd_volume_find(struct mb_store *store, const char *name, struct mb_volume **ret,
                       struct mb_err *err);
/* What is in one, a directory for reading; what driver options mount stays there meanwhile. */
struct mb_cmd_volume_data {
	int fd;
	struct mb_volume_holds holds;
	struct mb_store *store;
	const char *name;
};
#define MB_CMD_VOLUME_DATA_INIT ((struct mb_cmd_volume_data){.fd = -1})
void mb_cmd_volume_data_done(struct mb_cmd_volume_data *data);
#define MB_AUTO_CMD_VOLUME_DATA __attribute__((cleanup(mb_cmd_volume_data_done)))
/* @name must stay until _done().  Return: as above. */
int mb_cmd_volume_open(struct mb_store *store, const char *name, struct mb_cmd_volume_data *ret,
                       struct mb_err *err);
/* What inspect shows of it; owned by the caller. */
struct json_object *mb_cmd_volume_describe(const struct mb_volume *volume);

#endif
