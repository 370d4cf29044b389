/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/verbs.h — every verb of the program. */
#ifndef MB_CMD_VERBS_H
#define MB_CMD_VERBS_H

#include "cli/cli.h"

/* The values of the global options. */
struct mb_cmd_globals {
	const char *root, *run, *config, *host, *context;
	int log_level;
	bool debug, version;
};
enum { MB_CMD_LOG_DEBUG }; /* index of --log-level's first choice */

const struct mb_cli_program *mb_cmd_program(void);

#endif
