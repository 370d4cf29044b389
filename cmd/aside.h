/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/aside.h — a directory of our own in the store, in which something becomes whole. */
#ifndef MB_CMD_ASIDE_H
#define MB_CMD_ASIDE_H

#include "core/id.h"

struct mb_err;
struct mb_store;

/* While it is there the store is held as by a build: what is in ROOT/ingest stays.  What a killed
 * command leaves goes with the next `system prune` or `system check --repair`. */
struct mb_cmd_aside {
	int tree_fd;   /* for reading */
	int ingest_fd; /* its parent */
	char name[16 + MB_ID_TEXT];
	int lock;
};
#define MB_CMD_ASIDE_INIT ((struct mb_cmd_aside){-1, -1, "", -1})
#define MB_AUTO_CMD_ASIDE __attribute__((cleanup(mb_cmd_aside_done)))

int mb_cmd_aside_make(struct mb_store *store, struct mb_cmd_aside *ret, struct mb_err *err);
/* Remove it with what is in it, unless it was moved away. */
void mb_cmd_aside_done(struct mb_cmd_aside *aside);

#endif
