/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/create_image.h — the image of a container that is made: which one is meant, and its pull. */
#ifndef MB_CMD_CREATE_IMAGE_H
#define MB_CMD_CREATE_IMAGE_H

#include <stdbool.h>

struct mb_cmd_context;
struct mb_cmd_create_args;
struct mb_err;

/* The canonical name that @typed is short for, the caller's to free; NULL: it is no short name. */
int mb_cmd_create_image_meaning(struct mb_cmd_context *cx, const char *typed, char **ret,
                                struct mb_err *err);
int mb_cmd_create_image_pull(struct mb_cmd_context *cx, const struct mb_cmd_create_args *args,
                             const char *name, struct mb_err *err);
/* Unless --pull is "never".  @other: it is here for another platform, as @err tells. */
int mb_cmd_create_image_pull_missing(struct mb_cmd_context *cx,
                                     const struct mb_cmd_create_args *args, const char *name,
                                     bool other, struct mb_err *err);

#endif
