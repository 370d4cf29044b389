/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/sanitize.h — the first thing that main() does: no inheritance that was not asked for. */
#ifndef MB_CMD_SANITIZE_H
#define MB_CMD_SANITIZE_H

/* Refuses to run set-user-id; opens closed standard descriptors, closes all above them that the
 * command line does not name; resets umask, limits, signals; keeps only known variables in the
 * environment and fixes PATH.  Return: the environment as it was. */
char *const *mb_cmd_sanitize(int argc, char *const *argv);

#endif
