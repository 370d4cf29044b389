/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/unit_command.h — the command that made a container, as the command of a service. */
#ifndef MB_CMD_UNIT_COMMAND_H
#define MB_CMD_UNIT_COMMAND_H

struct mb_cmd_context;
struct mb_container;
struct mb_err;
struct mb_str;
struct mb_strv;

/* "/usr/bin/mybox --root ...", as this command was called. */
int mb_cmd_unit_program(const struct mb_cmd_context *cx, struct mb_str *line, struct mb_err *err);
/* The words of `run` that make another of it in the background, without those that a service says
 * in its own way (-d, --rm, --name, --restart, --cidfile, --sdnotify). */
int mb_cmd_unit_command(const struct mb_container *c, struct mb_strv *words, struct mb_err *err);

#endif
