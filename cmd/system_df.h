/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/system_df.h — `system df -v`. */
#ifndef MB_CMD_SYSTEM_DF_H
#define MB_CMD_SYSTEM_DF_H

struct mb_err;
struct mb_store;
struct mb_str;

/* Each image, container and volume and what it takes, in docker's tables.
 * Return: an exit code, or -errno, told. */
int mb_cmd_system_df_verbose(struct mb_store *store, struct mb_err *err);
/* Append the table of what builds keep. */
int mb_cmd_system_df_builds(struct mb_store *store, struct mb_str *out, struct mb_err *err);

#endif
