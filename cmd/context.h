/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/context.h — what main() hands to every verb. */
#ifndef MB_CMD_CONTEXT_H
#define MB_CMD_CONTEXT_H

#include <stdbool.h>

struct mb_err;
struct mb_store;
struct mb_cli_program;

struct mb_cmd_context {
	const struct mb_cli_program *program;
	const char *root, *run; /* state directories: --root, --runroot, MYBOX_ROOT, MYBOX_RUNROOT */
	const char *config;     /* --config, or NULL */
	bool debug;
	struct mb_store *store; /* opened by mb_cmd_store(); main() closes it */
};

/* The store, opened at the first call: verbs that need none never touch the disk.  Return: 0 and
 * the store, borrowed; or -errno. */
int mb_cmd_store(struct mb_cmd_context *cx, struct mb_store **ret, struct mb_err *err);

#endif
