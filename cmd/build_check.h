/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/build_check.h — build --check: what there is to say of a Dockerfile. */
#ifndef MB_CMD_BUILD_CHECK_H
#define MB_CMD_BUILD_CHECK_H

struct mb_build_request;
struct mb_cmd_build_input;
struct mb_cmd_context;
struct mb_err;

/* To stdout.  Return: 0: nothing; 1: there are warnings; -errno, told. */
int mb_cmd_build_check(struct mb_cmd_context *cx, const struct mb_cmd_build_input *input,
                       struct mb_build_request *request, struct mb_err *err);

#endif
