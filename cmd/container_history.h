/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MB_CMD_CONTAINER_HISTORY_H
#define MB_CMD_CONTAINER_HISTORY_H

struct mb_err;
struct mb_store;

/** Print when and why a container ended, the last time first.
 *
 * @reference:  its name or id; what is gone is found as long as the log of events has it
 * @format:     a template, "json" or "table"; NULL: the user's own, or a table
 * Return: 0; 1 if there is none, with the message in @err; -errno */
int mb_cmd_container_history_put(struct mb_store *store, const char *reference, const char *format,
                                 struct mb_err *err);

#endif
