/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/aside.h — directories in ROOT/aside, in which something from outside becomes whole.
 *
 * Each is locked by whoever uses it, and by nobody else: it may wait for standard input.  One that
 * nobody holds is a dead command's; the next one removes it, and so does `system check --repair`.
 */
#ifndef MB_CMD_ASIDE_H
#define MB_CMD_ASIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/id.h"

struct mb_err;
struct mb_store;

struct mb_cmd_aside {
	int tree_fd; /* for reading; locked */
	int parent_fd;
	char name[MB_ID_TEXT];
};
#define MB_CMD_ASIDE_INIT ((struct mb_cmd_aside){-1, -1, ""})
#define MB_AUTO_CMD_ASIDE __attribute__((cleanup(mb_cmd_aside_done)))

/* The mode of a new one, which nobody would choose. */
enum { MB_CMD_ASIDE_MODE = 0701 };
int mb_cmd_aside_make(struct mb_store *store, struct mb_cmd_aside *ret, struct mb_err *err);
/* Remove it with what is in it. */
void mb_cmd_aside_done(struct mb_cmd_aside *aside);
/* Count those that nobody holds; @repair removes them. */
int mb_cmd_aside_check(struct mb_store *store, bool repair, size_t *ret_n, struct mb_err *err);

#endif
