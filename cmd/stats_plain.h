/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/stats_plain.h — `stats` as docker prints it: a table, JSON, a template. */
#ifndef MB_CMD_STATS_PLAIN_H
#define MB_CMD_STATS_PLAIN_H

#include <stdbool.h>

struct mb_cli_input;
struct mb_err;
struct mb_store;

struct mb_cmd_stats { /* the arguments of the verb */
	bool all, no_stream, no_trunc, networks, colour, no_reset;
	int interval; /* seconds between two looks */
	const char *format;
};

/* Of the containers that are @in's operands, once or again and again.
 * Return: an exit code, or -errno, told. */
int mb_cmd_stats_plain(struct mb_store *store, const struct mb_cli_input *in, struct mb_err *err);

#endif
