/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/build_input.h — what build reads before it begins: context, Dockerfile, secrets. */
#ifndef MB_CMD_BUILD_INPUT_H
#define MB_CMD_BUILD_INPUT_H

#include <stdbool.h>

#include "build/build.h"
#include "build/context.h"
#include "core/err.h"
#include "core/str.h"

struct mb_cmd_context;
struct mb_err;

struct mb_cmd_build_input {
	struct mb_build_context context;
	struct mb_str dockerfile, ignore;
	char *name; /* of the Dockerfile, for messages */
	bool has_ignore;
	bool keeps_git; /* set before: a repository comes with its ".git" */
	bool is_remote; /* not a directory of the user's: what -f names is in it */
	struct mb_build_secret *secrets;
	size_t n_secrets;
	struct mb_build_ssh *ssh;
	size_t n_ssh;
	struct mb_str known_hosts;
	struct mb_err known_hosts_err; /* why there are none, if .code is set */
};
#define MB_CMD_BUILD_INPUT_INIT ((struct mb_cmd_build_input){.context = MB_BUILD_CONTEXT_INIT})

/* @where: the operand; @file: -f, or NULL. */
int mb_cmd_build_input_read(struct mb_cmd_context *cx, const char *where, const char *file,
                            struct mb_cmd_build_input *ret, struct mb_err *err);
/* Open what a flag gives to read, which may be a pipe. */
int mb_cmd_build_file_open(const char *path, int *ret_fd, struct mb_err *err);
/* One --secret: "id=a,src=FILE", "id=a,env=NAME" or "id=a". */
int mb_cmd_build_secret_add(struct mb_cmd_context *cx, const char *spec,
                            struct mb_cmd_build_input *input, struct mb_err *err);
/* One --ssh: "default", "id=SOCKET" or "id=KEY,KEY". */
int mb_cmd_build_ssh_add(struct mb_cmd_context *cx, const char *spec,
                         struct mb_cmd_build_input *input, struct mb_err *err);
/* If there are any, read the caller's known hosts too, for git, which tells when that failed. */
void mb_cmd_build_known_hosts_read(struct mb_cmd_context *cx, struct mb_cmd_build_input *input);
struct mb_build_ssh_access mb_cmd_build_ssh_access(struct mb_cmd_build_input *input);
void mb_cmd_build_input_done(struct mb_cmd_build_input *input);

#endif
