/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/each.h — verbs that do one thing to each of their operands. */
#ifndef MB_CMD_EACH_H
#define MB_CMD_EACH_H

struct mb_cli_input;
struct mb_err;

/* Do @one to every operand, in order, whatever became of those before.  @one returns 0, and the
 * operand is printed as the user typed it; a positive number when it failed and said so; or
 * -errno told, which is reported.  Return: the exit code, 1 when any failed. */
int mb_cmd_each(const struct mb_cli_input *in,
                int (*one)(void *arg, const char *operand, struct mb_err *err), void *arg);

#endif
