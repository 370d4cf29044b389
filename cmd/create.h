/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/create.h — making a container by the flags of create and run. */
#ifndef MB_CMD_CREATE_H
#define MB_CMD_CREATE_H

#include <signal.h>

struct mb_cli_input;
struct mb_cmd_context;
struct mb_container;
struct mb_err;
struct mb_strv;

/* Make the container, its image pulled if --pull says so.  Afterwards signals are held, failed or
 * not, as they were in *@before: what ends us then leaves nothing behind that --rm is to remove.
 * Return: 0; -errno, told. */
int mb_cmd_create_held(struct mb_cmd_context *cx, const struct mb_cli_input *in, sigset_t *before,
                       struct mb_container **ret, struct mb_err *err);
/* "WARNING: ..." for each. */
void mb_cmd_create_warn(const struct mb_strv *warnings);

#endif
