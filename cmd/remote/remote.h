/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/remote/remote.h — -H ssh://HOST: a verb runs there, with what it needs from here.
 *
 * The line is parsed here, by the same tables, and written anew for the far mybox.  Files of this
 * machine become streams where a verb can read or write one; what cannot is refused by name.  An
 * option that completes to files and that nothing is known of is refused, too.
 */
#ifndef MB_CMD_REMOTE_REMOTE_H
#define MB_CMD_REMOTE_REMOTE_H

#include <stdbool.h>
#include <sys/types.h>

#include "cli/cli.h"
#include "cmd/outfile.h"
#include "cmd/remote/address.h"
#include "core/strv.h"

struct mb_cmd_context;

/* Which host is meant: -H, else MYBOX_HOST.  *@ret is NULL for this one, else borrowed. */
int mb_cmd_remote_find(const char *option, const char **ret, struct mb_err *err);
/* Whether @verb is of this machine whatever -H says: help, and what has no name for users. */
bool mb_cmd_remote_is_local(const struct mb_cli_verb *verb);
/* Run it on cx->remote.  Return: the exit code, or -errno, told. */
int mb_cmd_remote_run(struct mb_cmd_context *cx, const struct mb_cli_verb *verb, const char *path,
                      int argc, char *const *argv, struct mb_err *err);

/* What is to be said to the far mybox, and what comes and goes with it. */
struct mb_cmd_remote_line {
	struct mb_cmd_context *cx;
	const char *path; /* of the verb */
	struct mb_strv options, operands;
	int in_fd;                 /* what it reads; -1: nothing */
	struct mb_cmd_outfile out; /* what it writes */
	int out_fd;                /* a pipe to a child of ours in its place; or -1 */
	pid_t giver, taker;        /* children behind in_fd and out_fd; or -1 */
	bool wants_tty;
	struct mb_strv first; /* options before all others */
	bool reads, streams;  /* our standard input; files of ours */
	const char *build_file;
	struct mb_err *err;
	int r;
};
/* Options and operands of @in become the line's. */
int mb_cmd_remote_line_make(struct mb_cmd_remote_line *line, const struct mb_cli_verb *verb,
                            const char *path, int argc, char *const *argv);
void mb_cmd_remote_line_done(struct mb_cmd_remote_line *line);

/* The directory @where is sent as a tar. */
int mb_cmd_remote_build(struct mb_cmd_remote_line *line, const char *where);
/* The operands of cp: one of them is a tar. */
int mb_cmd_remote_cp(struct mb_cmd_remote_line *line, const struct mb_cli_input *in);
/* A child that reads from or writes to a pipe; *@ret_fd is the other end, *@ret_pid it. */
struct mb_cmd_remote_child {
	int (*run)(void *arg, int fd, struct mb_err *err);
	void *arg;
	bool gives;
};
int mb_cmd_remote_child_start(const struct mb_cmd_remote_child *child, int *ret_fd, pid_t *ret_pid,
                              struct mb_err *err);

/* Run @command on the host.  Return: the exit code, or -errno, told. */
int mb_cmd_remote_ssh(const struct mb_cmd_remote_line *line,
                      const struct mb_cmd_remote_address *address, bool tty, const char *command,
                      struct mb_err *err);

#endif
