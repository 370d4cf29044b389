/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/stats_live.h — `stats` on a terminal: a table with bars and what was, drawn again and again.
 */
#ifndef MB_CMD_STATS_LIVE_H
#define MB_CMD_STATS_LIVE_H

#include <stdbool.h>

struct mb_cli_input;
struct mb_err;
struct mb_store;

/* Of the containers that are @in's operands, or of those that run, or of all.
 * Return: 0 when the terminal has gone, or -errno, told. */
int mb_cmd_stats_live(struct mb_store *store, const struct mb_cli_input *in, bool colour,
                      struct mb_err *err);

#endif
