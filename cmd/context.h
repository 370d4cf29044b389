/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/context.h — what main() hands to every verb. */
#ifndef MB_CMD_CONTEXT_H
#define MB_CMD_CONTEXT_H

#include <stdbool.h>

struct mb_cli_program;
struct mb_cmd_oci;
struct mb_err;
struct mb_store;

struct mb_cmd_context {
	const struct mb_cli_program *program;
	const char *root, *run; /* state directories: --root, --runroot, or the defaults */
	const char *config;     /* --config, or NULL */
	const char *remote;     /* the host that verbs run on: "ssh://..."; NULL: this one */
	const char *remote_root, *remote_run; /* --root and --runroot, which are of that host */
	bool debug;
	const struct mb_cmd_oci *oci; /* mybox-oci's own options, or NULL */
	/* The caller's environment as it was ("-e NAME" looks here); environ itself holds only
	 * what main() lets through. */
	char *const *user_env;
	char *const *argv;      /* main's own */
	const char *verb;       /* its last word: "kill" */
	struct mb_store *store; /* opened by mb_cmd_store(); main() closes it */
};

/* The store, opened at the first call: verbs that need none never touch the disk.  Return: 0 and
 * the store, borrowed; or -errno. */
int mb_cmd_store(struct mb_cmd_context *cx, struct mb_store **ret, struct mb_err *err);
/* Go on from a sealed copy of this program, because what is started will be seen by others'
 * processes before it becomes the container's program.  Call it before anything is done: it
 * starts over.  Return: 0 in the copy; or -errno, told. */
int mb_cmd_seal(struct mb_cmd_context *cx, struct mb_err *err);
/* A variable of the caller's environment, or NULL. */
const char *mb_cmd_user_env(const struct mb_cmd_context *cx, const char *name);

#endif
