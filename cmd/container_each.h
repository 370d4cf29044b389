/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/container_each.h — verbs that do one thing to each container named. */
#ifndef MB_CMD_CONTAINER_EACH_H
#define MB_CMD_CONTAINER_EACH_H

struct mb_cli_input;
struct mb_cmd_context;
struct mb_container;
struct mb_err;

/* As mb_cmd_each(), with the container found and, if its monitor was lost, given another.
 * @one returns as there. */
int mb_cmd_container_each(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                          int (*one)(void *arg, struct mb_container *c, struct mb_err *err),
                          void *arg, struct mb_err *err);

/* One container, adopted.  Absent or ambiguous is -ENOENT, told. */
int mb_cmd_container_find(struct mb_cmd_context *cx, const char *reference,
                          struct mb_container **ret, struct mb_err *err);

/* Before a start of those named: go on from a sealed copy if one of them shares its processes
 * with others (mb_cmd_seal()). */
int mb_cmd_container_seal(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                          struct mb_err *err);

#endif
